"""Antialiased resizing to an exact size, with the same arithmetic for 8 and 16 bits.

Lanczos windowed sinc, three lobes, whose support grows with the reduction so that nothing aliases (Turkowski,
"Filters for Common Resampling Tasks", 1990). Each channel is filtered in float32 and rounded once, at the end.
"""

from typing import TypeAlias

import numpy as np
from PIL import Image

from shanshui.errors import ImageError
from shanshui.images.pixels import Pixels, quantize

Box: TypeAlias = tuple[float, float, float, float]


def resize(pixels: Pixels, height: int, width: int, *, box: Box | None = None) -> Pixels:
    """The picture, or the part of it in `box`, at exactly `height` x `width`.

    Args:
        pixels: HWC, uint8 or uint16.
        height: rows of the result, at least 1.
        width: columns of the result, at least 1.
        box: (left, top, right, bottom) in pixels of the input, fractions allowed; the whole picture when None.

    Returns:
        HWC of the same type; a copy of the input when nothing changes.

    Raises:
        ImageError: an empty picture, size or box, or a box that leaves the picture.
    """
    rows, columns = _require_picture(pixels)
    area = (0.0, 0.0, float(columns), float(rows)) if box is None else box
    if height < 1 or width < 1:
        raise ImageError(f"A picture cannot be resized to {width} x {height} pixels: both sides must be at least 1.")
    if not (0 <= area[0] < area[2] <= columns and 0 <= area[1] < area[3] <= rows):
        raise ImageError(f"The box {area} does not lie inside a picture of {columns} x {rows} pixels.")
    if area == (0, 0, width, height) == (0, 0, columns, rows):
        return pixels.copy()
    channels = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(pixels[:, :, channel], dtype=np.float32)).resize(
                (width, height), Image.Resampling.LANCZOS, box=area
            )
        )
        for channel in range(pixels.shape[2])
    ]
    resized: Pixels = quantize(np.stack(channels, axis=2), pixels.dtype)
    return resized


def fit_crop(pixels: Pixels, height: int, width: int) -> Pixels:
    """The largest centred part with the target's proportions, resized to exactly `height` x `width`.

    Args and errors as in `resize`.
    """
    rows, columns = _require_picture(pixels)
    if height < 1 or width < 1:
        raise ImageError(f"A picture cannot be resized to {width} x {height} pixels: both sides must be at least 1.")
    crop_height, crop_width = largest_crop(rows, columns, height, width)
    left, top = (columns - crop_width) / 2, (rows - crop_height) / 2
    return resize(pixels, height, width, box=(left, top, left + crop_width, top + crop_height))


def largest_crop(rows: int, columns: int, height: int, width: int) -> tuple[float, float]:
    """Height and width, in pixels of a rows x columns picture, of the largest crop shaped height : width."""
    scale = min(rows / height, columns / width)
    return min(height * scale, float(rows)), min(width * scale, float(columns))


def _require_picture(pixels: Pixels) -> tuple[int, int]:
    if pixels.ndim != 3 or 0 in pixels.shape:
        raise ImageError(
            f"A picture has the shape {pixels.shape}: rows x columns x channels, none of them 0, expected."
        )
    return pixels.shape[0], pixels.shape[1]
