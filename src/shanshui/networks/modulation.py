"""Convolutions that a style controls (StyleGAN2: Karras et al. 2020, https://arxiv.org/abs/1912.04958, section 2.2).

A style scales the input channels of a weight for each image, w'_ijk = s_i w_ijk, and demodulation scales its output
channels back to unit norm, w''_ijk = w'_ijk / sqrt(sum_{i,k} w'_ijk^2 + 1e-8). Written down like that each image has a
weight of its own. Here the factors ride on the maps instead, x s in front of one convolution for all images and the
inverse norm behind it: the same numbers, and on a CPU a fraction of the time.
"""

import math

import torch
from torch import Tensor, nn

from shanshui.networks.equalized import EqualizedLinear

_EPSILON = 1e-8


class Modulation(nn.Module):
    """Styles (N, style) -> one factor per channel (N, channels): an affine map whose biases start at 1."""

    def __init__(self, style: int, channels: int) -> None:
        super().__init__()
        self.affine = EqualizedLinear(style, channels, bias=1.0)

    def forward(self, styles: Tensor) -> Tensor:
        """Factors, in the precision of the parameters, whatever autocast says."""
        with torch.autocast(styles.device.type, enabled=False):
            factors: Tensor = self.affine(styles)
        return factors


def demodulation(weight: Tensor, factors: Tensor) -> Tensor:
    """What divides each output channel by the norm of its modulated weight: (O, I, K, K), (N, I) -> (N, O).

    For an equalised weight, N(0, 1) to be scaled by 1 / sqrt(fan in), that scale is part of the result.
    """
    with torch.autocast(weight.device.type, enabled=False):
        squares = weight.square().sum(dim=(2, 3))
        inverse: Tensor = torch.rsqrt(factors.square() @ squares.t() + _EPSILON * weight[0].numel())
        return inverse


def scaled(x: Tensor, factors: Tensor) -> Tensor:
    """x (N, C, H, W) times factors (N, C), in the precision of `x`."""
    return x * factors.to(x.dtype)[:, :, None, None]


class ToRGB(nn.Module):
    """Maps (N, C, H, W), styles (N, style) -> colours (N, 3, H, W): a modulated 1 x 1 convolution, not demodulated.

    Colours are returned in float32 at least: sums of them must not lose steps of 1/255.
    """

    def __init__(self, style: int, channels: int) -> None:
        super().__init__()
        self.modulation = Modulation(style, channels)
        self.weight = nn.Parameter(torch.randn(3, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self._scale = 1 / math.sqrt(channels)

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        # A weight for each image is small here, and spares a pass over the map.
        factors = self.modulation(styles) * self._scale
        weights = (factors[:, None] * self.weight[None, :, :, 0, 0]).to(x.dtype)
        count, _, height, width = x.shape
        colors: Tensor = x.permute(0, 2, 3, 1).flatten(1, 2) @ weights.transpose(1, 2)
        precise = colors.to(torch.promote_types(x.dtype, torch.float32)) + self.bias
        return precise.view(count, height, width, 3).permute(0, 3, 1, 2)
