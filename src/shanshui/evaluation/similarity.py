"""How alike two pictures look: structural similarity, at one scale and at several.

SSIM: Wang, Bovik, Sheikh and Simoncelli 2004, "Image Quality Assessment: From Error Visibility to Structural
Similarity". MS-SSIM: Wang, Simoncelli and Bovik 2003, "Multiscale Structural Similarity for Image Quality Assessment".
As a measure of variety (the mean over pairs of generated images) MS-SSIM was proposed by Odena, Olah and Shlens 2017,
"Conditional Image Synthesis with Auxiliary Classifier GANs", section 4.2.

The papers work on luma. Here, as in the work on generative networks since, each of the three colour channels is
compared by itself and the three results are averaged: scenes that differ by their colours alone are not the same.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from shanshui.errors import ImageError

WINDOW = 11
"""Side of the Gaussian window in pixels: the smallest image that can be compared."""

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales, the finest first (Wang et al. 2003, section 3.2)."""

_SIGMA = 1.5
_BLACK = -1.0
_RANGE = 2.0
_LUMINANCE_FLOOR = (0.01 * _RANGE) ** 2
_CONTRAST_FLOOR = (0.03 * _RANGE) ** 2


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """Structural similarity of pairs of images: 1 when equal, about 0 when unrelated, negative when inverted.

    The window is 11 x 11, Gaussian with sigma 1.5; only places where all of it lies inside the image count.

    Args:
        first: (N, C, H, W) float32 in [-1, 1], both sides of at least `WINDOW` pixels.
        second: the same shape.

    Returns:
        (N,) float32 in [-1, 1], the mean over channels.

    Raises:
        ImageError: the shapes differ, or the images are too small.
    """
    _require_pairs(first, second)
    luminance, contrast = _comparisons(first, second)
    return (luminance * contrast).mean((1, 2, 3))


def ms_ssim(first: Tensor, second: Tensor) -> Tensor:
    """Multi-scale structural similarity of pairs of images: 1 when equal, about 0 when unrelated.

    From scale to scale both images are averaged over 2 x 2 pixels; an odd last row or column is left out. Departures
    from the paper: a comparison that is negative on average counts as 0, as is customary, because a root of it does
    not exist; and since five scales need 176 pixels (11 x 2^4), smaller images are compared at as many scales as hold
    the window, with the first weights of `SCALE_WEIGHTS` divided by their sum. Values at another number of scales are
    therefore another protocol: 4 scales from 88 pixels on, 3 from 44, 2 from 22, 1 from 11.

    Args:
        first: (N, C, H, W) float32 in [-1, 1], both sides of at least `WINDOW` pixels.
        second: the same shape.

    Returns:
        (N,) float32 in [0, 1], the mean over channels.

    Raises:
        ImageError: the shapes differ, or the images are too small.
    """
    _require_pairs(first, second)
    weights = scale_weights(*first.shape[2:])
    similarity = torch.ones(first.shape[:2], dtype=first.dtype, device=first.device)
    for scale, weight in enumerate(weights, 1):
        if scale > 1:
            first, second = F.avg_pool2d(first, 2), F.avg_pool2d(second, 2)
        luminance, contrast = _comparisons(first, second)
        compared = luminance * contrast if scale == len(weights) else contrast
        similarity = similarity * compared.mean((2, 3)).clamp_min(0) ** weight
    return similarity.mean(1)


def scale_weights(height: int, width: int) -> tuple[float, ...]:
    """Exponents of the scales at which images of height x width are compared, the finest first; their sum is 1.

    Raises:
        ImageError: a side is shorter than the window.
    """
    shorter = min(height, width)
    if shorter < WINDOW:
        raise ImageError(
            f"Images of {width} x {height} pixels are too small to be compared: both sides must be at least {WINDOW}."
        )
    scales = min((shorter // WINDOW).bit_length(), len(SCALE_WEIGHTS))
    total = sum(SCALE_WEIGHTS[:scales])
    return tuple(weight / total for weight in SCALE_WEIGHTS[:scales])


def _comparisons(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance term, and product of contrast and structure terms, at each place of the window."""
    mean_first, mean_second = _windowed(first), _windowed(second)
    covariance = _windowed(first * second) - mean_first * mean_second
    # The two variances are needed as a sum alone: one filtering less.
    variances = _windowed(first.square() + second.square()) - mean_first.square() - mean_second.square()
    contrast = (2 * covariance + _CONTRAST_FLOOR) / (variances + _CONTRAST_FLOOR)
    # Second moments are most exact around 0; luminance counts from black.
    light_first, light_second = mean_first - _BLACK, mean_second - _BLACK
    luminance = (2 * light_first * light_second + _LUMINANCE_FLOOR) / (
        light_first.square() + light_second.square() + _LUMINANCE_FLOOR
    )
    return luminance, contrast


def _windowed(maps: Tensor) -> Tensor:
    """Gaussian-weighted means over the window, at every place where it fits."""
    count, channels, height, width = maps.shape
    offsets = torch.arange(WINDOW, dtype=maps.dtype, device=maps.device) - WINDOW // 2
    weights = torch.exp(-offsets.square() / (2 * _SIGMA**2))
    taps = (weights / weights.sum()).expand(count * channels, 1, WINDOW)
    # One group a plane: many times faster on a processor than planes as a batch.
    planes = maps.reshape(1, count * channels, height, width)
    planes = F.conv2d(planes, taps.unsqueeze(3), groups=count * channels)
    planes = F.conv2d(planes, taps.unsqueeze(2), groups=count * channels)
    return planes.reshape(count, channels, *planes.shape[2:])


def _require_pairs(first: Tensor, second: Tensor) -> None:
    if first.shape != second.shape or first.ndim != 4:
        raise ImageError(
            f"Images of the shapes {tuple(first.shape)} and {tuple(second.shape)} cannot be compared in pairs: "
            "bring both sides to one NCHW shape."
        )
    scale_weights(*first.shape[2:])
