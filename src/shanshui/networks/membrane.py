"""The smooth fill of a hole: colours of its rim, spread over it from coarse to fine.

Pull and push (Gortler, Grzeszczuk, Szeliski and Cohen 1996, "The Lumigraph", section 3.4.2): known colours are averaged
in ever smaller pictures until no hole is left, and on the way back each hole takes the enlarged colours of the smaller
picture. It costs a few averages, at any size, and has nothing to learn.

Departure: a position of a smaller picture counts as known as soon as any part of it is.
"""

import torch
from torch import Tensor
from torch.nn import functional

from shanshui.networks.borders import extended


def membrane(images: Tensor, masks: Tensor) -> Tensor:
    """Images (N, C, H, W) with smooth colours where `masks` (N, 1, H, W) is 1; where it is 0 they are as before.

    What the images hold in the holes is not looked at; an image that is one hole becomes 0.
    """
    height, width = masks.shape[2:]
    known = images * (1 - masks)
    if max(height, width) == 1:
        return known
    return known + masks * enlarged(membrane(*averaged(images, masks)))[:, :, :height, :width]


def averaged(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Images and masks of half the size, odd ones rounded up: the means of what is known."""
    known = 1 - masks
    share = functional.avg_pool2d(extended(known, 2), 2)
    # Where nothing is known the mean is 0, whatever it is divided by.
    means = functional.avg_pool2d(extended(images * known, 2), 2) / torch.where(share > 0, share, 1)
    return means, (share == 0).to(masks)


def enlarged(images: Tensor) -> Tensor:
    """Twice as large."""
    return functional.interpolate(images, scale_factor=2.0, mode="bilinear", align_corners=False)
