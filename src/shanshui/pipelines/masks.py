"""Masks that users bring: pictures that are white where something applies."""

import numpy as np
from numpy.typing import NDArray

from shanshui.errors import ImageError
from shanshui.images.files import from_any
from shanshui.images.pixels import Pixels, peak
from shanshui.images.resize import resize
from shanshui.pipelines.treatment import Mask

_MOST_STRETCHED = 1.02
"""How far the proportions of a mask may be from those of its photo: sizes are rounded to whole pixels."""


def mask_of(mask: Mask, height: int, width: int) -> NDArray[np.float32]:
    """The mask of a photo of height x width.

    Args:
        mask: a picture, of whose colours the mean counts, times its opacity; or HW float32 in [0, 1].
        height: rows of the photo.
        width: columns.

    Returns:
        HW float32 in [0, 1]; a mask of another size with the photo's proportions is resized.

    Raises:
        ImageError: not readable, of other proportions, or with values outside [0, 1].
    """
    values = _values(mask)
    rows, columns = values.shape
    if not 1 / _MOST_STRETCHED <= (rows * width) / (columns * height) <= _MOST_STRETCHED:
        raise ImageError(
            f"The mask has {columns} x {rows} pixels and the photo {width} x {height}: "
            "give one of the same proportions."
        )
    if (rows, columns) == (height, width):
        return values
    deep = (values * np.float32(65535)).astype(np.uint16)[:, :, np.newaxis]
    return _share(resize(deep, height, width)[:, :, 0])


def _values(mask: Mask) -> NDArray[np.float32]:
    if not isinstance(mask, np.ndarray) or mask.dtype != np.float32:
        picture = from_any(mask)
        values: NDArray[np.float32] = _share(picture.pixels).mean(axis=2, dtype=np.float32)
        return values if picture.alpha is None else values * _share(picture.alpha)
    if mask.ndim != 2 or not ((mask >= 0) & (mask <= 1)).all():
        raise ImageError(f"A mask of the shape {mask.shape} cannot be used: give rows x columns of 0 to 1.")
    return mask.astype(np.float32, copy=False)


def _share(values: Pixels) -> NDArray[np.float32]:
    return values.astype(np.float32) / np.float32(peak(values))
