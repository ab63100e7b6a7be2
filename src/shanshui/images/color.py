"""Keeping the colours of a photograph that was painted over."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanshui.errors import ImageError
from shanshui.images.pixels import Depth, Pixels, peak, quantize

_LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""Rec. ITU-R BT.709 weights, whose primaries are those of sRGB."""

_STRIP_ROWS = 256
"""Rows treated at once: a large picture needs little memory beyond its result."""


def keep_colors(stylized: NDArray[Depth], photo: Pixels) -> NDArray[Depth]:
    """The luma of the stylized picture with the chroma of the photograph.

    Luminance-only transfer (Gatys et al., "Preserving Color in Neural Artistic Style Transfer", 2016), with two
    changes: BT.709 luma instead of YIQ, and where a colour would leave the gamut its chroma shrinks towards grey
    instead of being clipped. The result therefore has exactly the stylized luma and never another hue than the photo.

    Args:
        stylized: HWC RGB, uint8 or uint16.
        photo: HWC RGB of the same size, either type.

    Returns:
        HWC RGB of the type of `stylized`.

    Raises:
        ImageError: the sizes differ or a picture is not RGB.
    """
    if stylized.shape != photo.shape or stylized.ndim != 3 or stylized.shape[2] != 3:
        raise ImageError(
            f"Colours cannot be kept between pictures of the shapes {stylized.shape} and {photo.shape}: "
            "give two RGB pictures of one size."
        )
    result = np.empty_like(stylized)
    for top in range(0, stylized.shape[0], _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        colored = _with_chroma(_luma(_unit(stylized[rows])), _unit(photo[rows]))
        result[rows] = quantize(colored * np.float32(peak(stylized)), stylized.dtype)
    return result


def _with_chroma(luma: NDArray[np.float32], photo: NDArray[np.float32]) -> NDArray[np.float32]:
    """`luma` + t * chroma of the photo, with the largest t in [0, 1] that keeps all channels in [0, 1]."""
    chroma = photo - _luma(photo)
    room = np.where(chroma > 0, 1 - luma, luma)
    share = np.divide(room, np.abs(chroma), out=np.ones_like(chroma), where=np.abs(chroma) > room)
    colored: NDArray[np.float32] = luma + chroma * share.min(axis=2, keepdims=True)
    return colored


def _luma(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """HW1; a weighted sum of gamma-coded values."""
    luma: NDArray[Any] = rgb @ _LUMA
    return luma[:, :, np.newaxis]


def _unit(pixels: Pixels) -> NDArray[np.float32]:
    return pixels.astype(np.float32) / np.float32(peak(pixels))
