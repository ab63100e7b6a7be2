"""Giving feature maps the distribution of another's: by mean and deviation, or value for value."""

import torch
from torch import Tensor

EPSILON = 1e-5
"""Is added to a variance before its root is divided by."""


def statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation over the positions of each channel: (N, C, H, W) -> float32 (N, C) twice."""
    flat = x.flatten(2).float()
    mean = flat.mean(2)
    variance = (flat - mean[..., None]).square().mean(2)
    return mean, (variance + EPSILON).sqrt()


def match_moments(x: Tensor, style: Tensor) -> Tensor:
    """AdaIN: each channel of `x` with the mean and deviation of the same channel of `style`.

    Huang and Belongie 2017 (https://arxiv.org/abs/1703.06868), equation 8.

    Args:
        x: (N, C, H, W).
        style: (N, C, h, w).

    Returns:
        (N, C, H, W) in the dtype of `x`.
    """
    mean, deviation = (each[..., None, None] for each in statistics(x))
    wanted_mean, wanted_deviation = (each[..., None, None] for each in statistics(style))
    return ((x.float() - mean) / deviation * wanted_deviation + wanted_mean).to(x.dtype)


def quantiles(x: Tensor, levels: int) -> Tensor:
    """`levels` values of each channel, equally far apart in rank from the smallest to the largest.

    Args:
        x: (N, C, H, W).
        levels: at least 2; between two values in order, a quantile lies on the line through both.

    Returns:
        float32 (N, C, levels), ascending.
    """
    ordered = x.flatten(2).float().sort(dim=2).values
    return _stretched(ordered, levels)


def match_order(x: Tensor, wanted: Tensor) -> Tensor:
    """EFDM: the value of rank r in each channel of `x` becomes the value of rank r of what is wanted.

    Exact feature distribution matching (Zhang et al. 2022, https://arxiv.org/abs/2203.07740, equations 5 and 6), with
    its gradient: that of the identity to `x`. Departure: the style comes as its quantiles, so that it may have any
    number of positions; with as many quantiles as `x` has positions, this is the paper's.

    Args:
        x: (N, C, H, W).
        wanted: (N, C, levels) from `quantiles`.

    Returns:
        (N, C, H, W) in the dtype of `x`.
    """
    flat = x.flatten(2)
    ranks = flat.detach().argsort(dim=2, stable=True)
    matched = torch.empty_like(flat, dtype=wanted.dtype).scatter(2, ranks, _stretched(wanted, flat.shape[2]))
    return (flat + matched.to(x.dtype) - flat.detach()).reshape(x.shape)


def _stretched(ordered: Tensor, count: int) -> Tensor:
    """(N, C, n) as `count` values along the same line: ends on ends."""
    return torch.nn.functional.interpolate(ordered, size=count, mode="linear", align_corners=True)
