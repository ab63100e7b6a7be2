"""What the C library does with freed memory, as suits the size of a picture.

Linux gives memory by 4 KB and clears it, which is a quarter of the time of a picture whose feature maps are freed and
asked for again and again: while it is painted, they are kept. Very large pictures are worked on in parts of changing
sizes: the memory of one part is seldom of use to the next, and what is kept adds up to as much as is used.
"""

import ctypes
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
"""M_TRIM_THRESHOLD and the like of glibc's malloc.h."""

_GIVE_BACK: Mapping[int, int] = {_MMAP_THRESHOLD: 16 << 20}
_KEEP: Mapping[int, int] = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 1 << 30}
_USUAL: Mapping[int, int] = {_MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20, _MMAP_MAX: 1 << 16}
"""Bytes from which on a block comes from the system by itself and from which on the free end of the heap returns to it,
and how many such blocks there may be: what glibc itself arrives at."""

_SMALL_PICTURE, _LARGE_PICTURE = 1_000_000, 16_000_000


@contextmanager
def memory_for(pixels: int) -> Iterator[None]:
    """Keep freed memory inside for a picture of so many `pixels`, or give it back; only with glibc.

    Nothing changes for a small picture, whose maps are kept anyway. For a large one free memory returns to the system
    now, and inside whole feature maps do when they are freed; strips of them are small enough to be kept.
    """
    library = ctypes.CDLL(None) if pixels >= _SMALL_PICTURE and sys.platform == "linux" else None
    if library is None or not hasattr(library, "mallopt"):
        yield
        return
    if pixels >= _LARGE_PICTURE:
        library.malloc_trim(0)
    _set(library, _GIVE_BACK if pixels >= _LARGE_PICTURE else _KEEP)
    try:
        yield
    finally:
        _set(library, _USUAL)


def _set(library: ctypes.CDLL, options: Mapping[int, int]) -> None:
    for option, value in options.items():
        library.mallopt(option, value)
