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
    return _pulled(images * (1 - masks), 1 - masks)


def _pulled(colors: Tensor, known: Tensor) -> Tensor:
    """`colors` are 0 where `known` is, which is 0 or 1."""
    height, width = known.shape[2:]
    if max(height, width) == 1:
        return colors
    share = functional.avg_pool2d(extended(known, 2), 2)
    # Where nothing is known the mean is 0, whatever it is divided by.
    means = functional.avg_pool2d(extended(colors, 2), 2) / torch.where(share > 0, share, 1)
    smaller = _pulled(means, (share > 0).to(known))
    larger = functional.interpolate(smaller, scale_factor=2.0, mode="bilinear", align_corners=False)
    return colors + (1 - known) * larger[:, :, :height, :width]
