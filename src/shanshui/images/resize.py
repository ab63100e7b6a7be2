"""Antialiased resizing to an exact size, with the same arithmetic for 8 and 16 bits.

Lanczos windowed sinc, three lobes, whose support grows with the reduction so that nothing aliases (Turkowski,
"Filters for Common Resampling Tasks", 1990). Each channel is filtered in float32 and rounded once, at the end.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shanshui.errors import ImageError
from shanshui.images.pixels import Depth, quantize

Box: TypeAlias = tuple[float, float, float, float]

# An enlarged pixel is made of so many pixels to each side.
_LOBES = 3


def resize(pixels: NDArray[Depth], height: int, width: int, *, box: Box | None = None) -> NDArray[Depth]:
    """The picture, or the part of it in `box`, at exactly `height` x `width`.

    Args:
        pixels: HWC, uint8 or uint16, any number of channels.
        height: rows of the result, at least 1.
        width: columns of the result, at least 1.
        box: (left, top, right, bottom) in pixels of the input, fractions allowed; the whole picture when None.

    Returns:
        HWC of the same type; a copy of the input when nothing changes.

    Raises:
        ImageError: an empty picture, size or box, or a box that leaves the picture.
    """
    rows, columns = _require_sizes(pixels, height, width)
    area = (0.0, 0.0, float(columns), float(rows)) if box is None else box
    if not (0 <= area[0] < area[2] <= columns and 0 <= area[1] < area[3] <= rows):
        raise ImageError(f"The box {area} does not lie inside a picture of {columns} x {rows} pixels.")
    if (height, width) == (rows, columns) and area == (0, 0, columns, rows):
        return pixels.copy()
    resized = np.empty((height, width, pixels.shape[2]), dtype=pixels.dtype)
    for channel in range(pixels.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(pixels[:, :, channel], dtype=np.float32))
        filtered = plane.resize((width, height), Image.Resampling.LANCZOS, box=area)
        resized[:, :, channel] = quantize(np.asarray(filtered), pixels.dtype)
    return resized


def enlarge(pixels: NDArray[Depth], times: int) -> NDArray[Depth]:
    """The picture with both sides `times` as long; arguments and errors as in `resize`."""
    return resize(pixels, pixels.shape[0] * times, pixels.shape[1] * times)


def enlarge_ring(pixels: NDArray[Depth], times: int) -> NDArray[Depth]:
    """As `enlarge` for a picture whose right edge joins its left one: columns beyond an edge are those of the other."""
    beyond = ((0, 0), (_LOBES, _LOBES), (0, 0))
    return enlarge(np.pad(pixels, beyond, mode="wrap"), times)[:, _LOBES * times : -_LOBES * times]


def fit_crop(pixels: NDArray[Depth], height: int, width: int) -> NDArray[Depth]:
    """The largest centred part with the target's proportions, resized to exactly `height` x `width`.

    Args and errors as in `resize`.
    """
    rows, columns = _require_sizes(pixels, height, width)
    crop_height, crop_width = largest_crop(rows, columns, height, width)
    left, top = (columns - crop_width) / 2, (rows - crop_height) / 2
    return resize(pixels, height, width, box=crop_box(left, top, crop_height, crop_width, rows, columns))


def largest_crop(rows: int, columns: int, height: int, width: int) -> tuple[float, float]:
    """Height and width, in pixels of a rows x columns picture, of the largest crop shaped height : width."""
    scale = min(rows / height, columns / width)
    return min(height * scale, float(rows)), min(width * scale, float(columns))


def crop_box(left: float, top: float, height: float, width: float, rows: int, columns: int) -> Box:
    """The box at (left, top); floating-point sums are kept from leaving the rows x columns picture."""
    return left, top, min(left + width, float(columns)), min(top + height, float(rows))


def _require_sizes(pixels: NDArray[Depth], height: int, width: int) -> tuple[int, int]:
    if pixels.ndim != 3 or 0 in pixels.shape:
        raise ImageError(f"A picture has the shape {pixels.shape}: rows x columns x channels, none of them 0, needed.")
    if height < 1 or width < 1:
        raise ImageError(f"A picture cannot be resized to {width} x {height} pixels: both sides must be at least 1.")
    return pixels.shape[0], pixels.shape[1]
