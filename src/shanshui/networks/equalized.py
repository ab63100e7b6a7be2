"""Layers with an equalised learning rate (Karras et al. 2018, https://arxiv.org/abs/1710.10196, section 4.1).

Weights start as N(0, 1) and are scaled at run time by He's constant, so that Adam, whose steps do not depend on the
scale of a gradient, changes every layer at the same relative speed.

`gain` scales a layer's whole output, bias included. With gain sqrt 2 in front of `activate` a layer keeps the second
moment of its input. Leaky ReLU is homogeneous, so that scaling before it equals scaling after it, where Karras et al.
do it; before it the factor rides on small tensors and costs no pass over the activations.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2
ACTIVATION_GAIN = math.sqrt(2)
"""Gain of a layer that `activate` follows; Karras et al.'s choice for a slope of 0.2, whose exact value is 1.387."""


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU of slope 0.2, in place: `x` must be the output of an operation that does not remember it."""
    return F.leaky_relu_(x, SLOPE)


class EqualizedLinear(nn.Module):
    """(N, channels_in) -> (N, channels_out): gain (x W^T / sqrt(channels_in) + b).

    Args:
        channels_in: numbers in.
        channels_out: numbers out.
        gain: factor of the output.
        bias: value that every bias starts with.
        rate: factor of this layer's learning rate (0.01 in the mapping network of StyleGAN). Parameters are stored
            divided by it, and outputs do not depend on it.
    """

    def __init__(
        self, channels_in: int, channels_out: int, *, gain: float = 1.0, bias: float = 0.0, rate: float = 1.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in) / rate)
        self.bias = nn.Parameter(torch.full((channels_out,), bias / rate))
        self._weight_scale = gain * rate / math.sqrt(channels_in)
        self._bias_scale = gain * rate

    def forward(self, x: Tensor) -> Tensor:
        # The scale goes into the product: for a batch of 16, scaling the matrix would cost more than multiplying by it.
        # Autocast does not reach this product on every device, so numbers that arrive in half precision are widened.
        x = x.to(self.weight.dtype)
        return torch.addmm(self._bias_scale * self.bias, x, self.weight.t(), alpha=self._weight_scale)


class EqualizedConv2d(nn.Module):
    """(N, channels_in, H, W) -> (N, channels_out, H, W): gain (x * W / sqrt(channels_in kernel^2) + b), zero padding.

    Args:
        channels_in: channels in.
        channels_out: channels out.
        kernel: odd side of the kernel.
        gain: factor of the output.
        bias: whether anything is added; it starts at 0.
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, *, gain: float = 1.0, bias: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(channels_out)) if bias else None
        self._weight_scale = gain / math.sqrt(channels_in * kernel**2)
        self._bias_scale = gain
        self._padding = kernel // 2

    def scaled_weight(self) -> Tensor:
        """The weight that convolves, (channels_out, channels_in, kernel, kernel)."""
        return self._weight_scale * self.weight

    def scaled_bias(self) -> Tensor | None:
        """The bias that is added, (channels_out,)."""
        return None if self.bias is None else self._bias_scale * self.bias

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.scaled_weight(), self.scaled_bias(), padding=self._padding)
