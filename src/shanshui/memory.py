"""Freed memory goes back to the system, where the C library would keep it for later.

Large pictures are worked on in parts of changing sizes. The memory of one part is seldom of use to the next, and what
is kept adds up to as much as is used.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_MMAP_THRESHOLD = -3
"""M_MMAP_THRESHOLD of glibc's malloc.h."""

_LARGE, _USUAL = 1 << 20, 32 << 20
"""Bytes from which on memory comes from the system and returns to it: inside, and what glibc itself arrives at."""

_LARGE_PICTURE = 16_000_000


@contextmanager
def memory_given_back(pixels: int) -> Iterator[None]:
    """Free memory returns to the system now, and inside large blocks do when they are freed; only with glibc.

    That takes a tenth more time, so nothing changes for fewer `pixels` than those of a large picture.
    """
    library = ctypes.CDLL(None) if pixels >= _LARGE_PICTURE and sys.platform == "linux" else None
    if library is None or not hasattr(library, "mallopt"):
        yield
        return
    library.malloc_trim(0)
    library.mallopt(_MMAP_THRESHOLD, _LARGE)
    try:
        yield
    finally:
        library.mallopt(_MMAP_THRESHOLD, _USUAL)
