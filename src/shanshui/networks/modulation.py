"""Convolutions that a style controls (StyleGAN2: Karras et al. 2020, https://arxiv.org/abs/1912.04958, section 2.2).

A style scales the input channels of a weight for each image, w'_ijk = s_i w_ijk, and demodulation scales its output
channels back to unit norm, w''_ijk = w'_ijk / sqrt(sum_{i,k} w'_ijk^2 + 1e-8). Written down like that each image has a
weight of its own. Here the factors ride on the maps instead, x s in front of one convolution for all images and the
inverse norm behind it: the same numbers, and on a CPU a fraction of the time.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.networks.equalized import ACTIVATION_GAIN, EqualizedLinear, activate

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


class ModulatedConvolution(nn.Module):
    """Convolution, noise, bias, leaky ReLU times sqrt 2; the 3 x 3 weight is modulated and demodulated.

    The gain of sqrt 2 is drawn in front of the leaky ReLU, onto small tensors (see `equalized`).

    Args:
        convolve: (maps, weight) -> maps.
        style: numbers in a style.
        channels_in: I.
        channels_out: O.
    """

    def __init__(
        self, convolve: Callable[[Tensor, Tensor], Tensor], style: int, channels_in: int, channels_out: int
    ) -> None:
        super().__init__()
        self.convolve = convolve
        self.modulation = Modulation(style, channels_in)
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in, 3, 3))
        self.bias = nn.Parameter(torch.zeros(channels_out, 1, 1))

    def styled(self, x: Tensor, styles: Tensor, noise: Tensor) -> Tensor:
        """Maps (N, I, ., .), styles (N, style), noise that has been times sqrt 2 -> maps (N, O, ., .)."""
        factors = self.modulation(styles)
        y = self.convolve(scaled(x, factors).contiguous(memory_format=torch.channels_last), self.weight)
        norms = (ACTIVATION_GAIN * demodulation(self.weight, factors)).to(y.dtype)[:, :, None, None]
        # One pass over the map for norm and bias; noise and leaky ReLU then work in place.
        y = torch.addcmul((ACTIVATION_GAIN * self.bias).to(y.dtype), y, norms)
        return activate(y.add_(noise.to(y.dtype)))


def convolve(x: Tensor, weight: Tensor) -> Tensor:
    """A 3 x 3 convolution with zero padding: (N, I, H, W), (O, I, 3, 3) -> (N, O, H, W)."""
    return functional.conv2d(x, weight, padding=1)


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
