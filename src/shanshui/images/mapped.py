"""Room for pixels: in memory, or, beyond what memory should hold, in a temporary file that stands in for it."""

import math
import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shanshui.atomic import storage_errors
from shanshui.images.picture import MAX_PIXELS
from shanshui.images.pixels import Depth


def blank(shape: tuple[int, ...], dtype: np.dtype[Depth]) -> NDArray[Depth]:
    """HW or HWC pixels of any values, to be filled.

    Above `MAX_PIXELS` they lie in a temporary file that goes with the array, and the system keeps as much of it in
    memory as is free.

    Raises:
        StorageError: the disk has no room for the file.
    """
    if math.prod(shape[:2]) <= MAX_PIXELS:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(prefix="shanshui-") as file:
        with storage_errors(Path(tempfile.gettempdir())):
            _reserve(file.fileno(), math.prod(shape) * dtype.itemsize)
        return np.memmap(file, dtype, "r+", shape=shape)  # the map outlives the handle


def _reserve(handle: int, size: int) -> None:
    """Take the room now: a map that finds the disk full later ends the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
    else:
        os.truncate(handle, size)
