"""The guided filter: a mask takes on the edges of a photo (He, Sun and Tang 2010).

In every window the filtered mask is a linear function of the photo's colours, the one nearest to the mask in least
squares with a ridge of `epsilon` (https://doi.org/10.1109/TPAMI.2012.213, equations 16 and 19 to 21). Where a window
is flat the ridge wins and the mask is averaged; where it has an edge the mask gets the same one.

Fitting and applying are two functions, because the fit is smooth: it can be made on a small photo, enlarged and
applied to a large one (He and Sun 2015, https://arxiv.org/abs/1505.00996).
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Fit(NamedTuple):
    """Masks as linear functions of a photo, at every pixel.

    Attributes:
        slope: (N, K, C, H, W), per mask and channel of the photo.
        offset: (N, K, H, W).
    """

    slope: Tensor
    offset: Tensor


def guided_filter(guide: Tensor, masks: Tensor, *, radius: int, epsilon: float) -> Tensor:
    """The masks with the edges of the guide.

    Args:
        guide: (N, C, H, W), for instance a photo in [-1, 1].
        masks: (N, K, H, W).
        radius: windows have 2 radius + 1 pixels a side, fewer at the border.
        epsilon: the variance, in squared units of the guide, below which a window counts as flat; above 0.

    Returns:
        (N, K, H, W) float32. Masks that sum to one still do; values can leave the range of `masks` by a little.
    """
    return apply(guide, fit(guide, masks, radius=radius, epsilon=epsilon))


def fit(guide: Tensor, masks: Tensor, *, radius: int, epsilon: float) -> Fit:
    """The linear functions, averaged over all windows that hold a pixel. Arguments as for `guided_filter`."""
    guide, masks = guide.float(), masks.float()
    mean_guide, mean_mask = box_mean(guide, radius), box_mean(masks, radius)
    # Centring first: sums of squares of values far from zero would lose the small differences that matter.
    centre = guide.mean(dim=(2, 3), keepdim=True)
    shifted, mean_shifted = guide - centre, mean_guide - centre
    covariance = _box_of_products(shifted, shifted, radius) - mean_shifted[:, :, None] * mean_shifted[:, None]
    shared = _box_of_products(masks, shifted, radius) - mean_mask[:, :, None] * mean_shifted[:, None]
    ridge = epsilon * torch.eye(guide.shape[1], device=guide.device)
    slope = torch.linalg.solve(
        covariance.permute(0, 3, 4, 1, 2) + ridge, shared.permute(0, 3, 4, 2, 1)
    )  # (N, H, W, C, K)
    slope = slope.permute(0, 4, 3, 1, 2)
    offset = mean_mask - (slope * mean_guide[:, None]).sum(dim=2)
    return Fit(box_mean(slope.flatten(1, 2), radius).view_as(slope), box_mean(offset, radius))


def apply(guide: Tensor, fitted: Fit) -> Tensor:
    """The masks that `fitted` makes of the guide (N, C, H, W), at the guide's size: the fit is enlarged to it."""
    masks = []
    # One mask at a time: on a large photo all slopes together would take many times the photo's memory.
    for slope, offset in zip(fitted.slope.unbind(1), fitted.offset.split(1, dim=1), strict=True):
        weights, constant = (
            F.interpolate(part, guide.shape[2:], mode="bilinear", align_corners=False) for part in (slope, offset)
        )
        masks.append((weights * guide.float()).sum(dim=1, keepdim=True) + constant)
    return torch.cat(masks, dim=1)


def box_mean(x: Tensor, radius: int) -> Tensor:
    """(N, C, H, W) -> the mean over windows of 2 radius + 1 pixels a side, of what lies inside the image.

    Running sums make the time independent of the radius; they are kept in float64, where they lose nothing.
    """
    return _running_mean(_running_mean(x, radius).transpose(2, 3), radius).transpose(2, 3)


def _running_mean(x: Tensor, radius: int) -> Tensor:
    """The mean over windows of the last axis."""
    size = x.shape[-1]
    sums = F.pad(x.double().cumsum(dim=-1), (1, 0))
    places = torch.arange(size, device=x.device)
    begin, end = (places - radius).clamp(min=0), (places + radius + 1).clamp(max=size)
    return ((sums[..., end] - sums[..., begin]) / (end - begin)).to(x.dtype)


def _box_of_products(first: Tensor, second: Tensor, radius: int) -> Tensor:
    """(N, K, H, W) and (N, C, H, W) -> windows' means of all products, (N, K, C, H, W)."""
    products = first[:, :, None] * second[:, None]
    return box_mean(products.flatten(1, 2), radius).view_as(products)
