"""Keeping the colours of a photograph that was painted over: each pixel's own, or those of the whole."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanshui.errors import ImageError
from shanshui.images.mapped import blank
from shanshui.images.pixels import Depth, Pixels, peak, quantize

_LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""Rec. ITU-R BT.709 weights, whose primaries are those of sRGB."""

_FAINTEST = 1e-6
"""Added to the variance of each channel, in units of [0, 1]: a picture of one colour has none."""

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
    _require_alike(stylized, photo)
    result = blank(stylized.shape, stylized.dtype)
    for top in range(0, stylized.shape[0], _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        colored = _with_chroma(_luma(_unit(stylized[rows])), _unit(photo[rows]))
        result[rows] = quantize(colored * np.float32(peak(stylized)), stylized.dtype)
    return result


def match_colors(stylized: NDArray[Depth], photo: Pixels) -> NDArray[Depth]:
    """The stylized picture with the colour statistics of the photograph: mean and covariance of red, green and blue.

    The linear map between two Gaussians that moves colours least (Pitie and Kokaram, "The linear Monge-Kantorovitch
    linear colour mapping for example-based colour transfer", 2007, equation 6). What leaves the gamut is clipped.

    Args, returns and raises: as `keep_colors`.
    """
    _require_alike(stylized, photo)
    mean, spread = _statistics(stylized)
    wanted_mean, wanted_spread = _statistics(photo)
    root = _root(spread)
    inverse = np.linalg.inv(root)
    transport = (inverse @ _root(root @ wanted_spread @ root) @ inverse).astype(np.float32)
    offset = (wanted_mean - transport @ mean).astype(np.float32)
    result = blank(stylized.shape, stylized.dtype)
    for top in range(0, stylized.shape[0], _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        mapped = _unit(stylized[rows]) @ transport.T + offset
        result[rows] = quantize(mapped * np.float32(peak(stylized)), stylized.dtype)
    return result


def _require_alike(stylized: Pixels, photo: Pixels) -> None:
    if stylized.shape != photo.shape or stylized.ndim != 3 or stylized.shape[2] != 3:
        raise ImageError(
            f"Colours cannot be kept between pictures of the shapes {stylized.shape} and {photo.shape}: "
            "give two RGB pictures of one size."
        )


def _statistics(pixels: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (3,) and covariance (3, 3) of the colours, gathered strip by strip."""
    total, products = np.zeros(3), np.zeros((3, 3))
    for top in range(0, pixels.shape[0], _STRIP_ROWS):
        colors = _unit(pixels[top : top + _STRIP_ROWS]).reshape(-1, 3).astype(np.float64)
        total += colors.sum(axis=0)
        products += colors.T @ colors
    count = pixels.shape[0] * pixels.shape[1]
    mean = total / count
    return mean, products / count - np.outer(mean, mean) + _FAINTEST * np.eye(3)


def _root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The symmetric square root of a positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    root: NDArray[np.float64] = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    return root


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
