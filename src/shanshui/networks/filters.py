"""Low-pass filters before halving and after doubling: what keeps patterns from sticking to the pixel grid.

Doubling and halving by [1, 3, 3, 1] is how StyleGAN2 resamples (Karras et al. 2020, https://arxiv.org/abs/1912.04958);
it is how StyleGAN does, too: nearest doubling is [1, 1], the blur after it [1, 2, 1], and [1, 1] * [1, 2, 1] is
[1, 3, 3, 1].

Everything here is a convolution, so gradients of gradients exist. Depthwise convolutions in channels-last memory
(`torch.channels_last`) take a small part of the time of the convolution beside them; in the default memory format
they can take longer than it does.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.networks.equalized import EqualizedConv2d

SMOOTH = (1, 3, 3, 1)
"""The filter of StyleGAN2."""


class Blur(nn.Module):
    """(N, C, H, W) -> each channel filtered by the outer product of `taps` with itself, scaled to sum to `gain`.

    Args:
        taps: the filter along one axis, for instance (1, 2, 1); symmetric.
        padding: zeros put around the map; it shrinks by `len(taps) - 1` otherwise.
        gain: what a constant is multiplied by.
    """

    kernel: Tensor

    def __init__(self, taps: Sequence[int], *, padding: int, gain: float = 1.0) -> None:
        super().__init__()
        row = torch.tensor(taps, dtype=torch.float32)
        self.register_buffer("kernel", gain * torch.outer(row, row)[None, None] / row.sum() ** 2, persistent=False)
        self._padding = padding

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        return F.conv2d(x, self.kernel.to(x.dtype).expand(channels, -1, -1, -1), padding=self._padding, groups=channels)


class Doubling(nn.Module):
    """A map (N, I, H, W) and a weight (O, I, 3, 3) -> the doubled map's convolution, (N, O, 2 H, 2 W).

    Equal to spreading the map over every second pixel, convolving it with the mirrored weight and filtering the result
    with [1, 3, 3, 1] of gain 4: one transposed convolution and one blur. Filtering before the convolution would be
    the same away from the border and cost four times the products.
    """

    def __init__(self) -> None:
        super().__init__()
        self.smooth = Blur(SMOOTH, padding=1, gain=4)

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        doubled: Tensor = self.smooth(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        return doubled


class EqualizedDoubling(EqualizedConv2d):
    """An equalised 3 x 3 convolution of the doubled map: (N, channels_in, H, W) -> (N, channels_out, 2 H, 2 W)."""

    def __init__(self, channels_in: int, channels_out: int, *, gain: float = 1.0) -> None:
        super().__init__(channels_in, channels_out, 3, gain=gain, bias=False)
        self.doubling = Doubling()

    def forward(self, x: Tensor) -> Tensor:
        doubled: Tensor = self.doubling(x, self.scaled_weight())
        return doubled


class EqualizedHalving(EqualizedConv2d):
    """`EqualizedConv2d` of the map filtered with [1, 3, 3, 1], at every second position of both (even) sides."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, *, gain: float = 1.0, bias: bool = True
    ) -> None:
        super().__init__(channels_in, channels_out, kernel, gain=gain, bias=bias)
        self.smooth = Blur(SMOOTH, padding=1 + kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(self.smooth(x), self.scaled_weight(), self.scaled_bias(), stride=2)


def double(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 2 H, 2 W), filtered by [1, 3, 3, 1]: bilinear interpolation, which repeats the border."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
