"""What both players of FastGAN are made of (Liu et al. 2021, https://arxiv.org/abs/2101.04775).

Only layers without a batch norm behind them carry spectral norm: batch norm undoes any scale of the weight before it,
and Adam any scale of its gradient, so there the division would change nothing but the cost.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.networks.batch_norm import BatchNorm2d
from shanshui.networks.spectral import SpectralConv2d
from shanshui.together import own, whole

_SQUEEZED = 4


class GatedUp(nn.Module):
    """Nearest x 2, 3 x 3 convolution, batch norm, gated linear unit: (N, C, H, W) -> (N, C', 2 H, 2 W)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, 2 * channels_out, 3, padding=1, bias=False)
        self.norm = BatchNorm2d(2 * channels_out)

    def forward(self, x: Tensor, random: torch.Generator | None = None) -> Tensor:
        """The doubled map; `random` is not used."""
        return gated(self.norm(enlarge_and_convolve(x, self.convolution.weight)))


class NoisyGatedUp(nn.Module):
    """Nearest x 2, then twice: 3 x 3 convolution, noise, batch norm, gated linear unit."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.enlarging = nn.Conv2d(channels_in, 2 * channels_out, 3, padding=1, bias=False)
        self.refining = nn.Conv2d(channels_out, 2 * channels_out, 3, padding=1, bias=False)
        self.noises = nn.ModuleList(Noise() for _ in range(2))
        self.norms = nn.ModuleList(BatchNorm2d(2 * channels_out) for _ in range(2))

    def forward(self, x: Tensor, random: torch.Generator | None = None) -> Tensor:
        """The doubled map, with noise from `random` in training."""
        x = gated(self.norms[0](self.noises[0](enlarge_and_convolve(x, self.enlarging.weight), random)))
        return gated(self.norms[1](self.noises[1](self.refining(x), random)))


class Noise(nn.Module):
    """Adds one normal number per position, the same to all channels, times a learned strength that begins at 0.

    Nothing in evaluation, nor without a source of randomness.
    """

    def __init__(self) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, random: torch.Generator | None) -> Tensor:
        """(N, C, H, W) -> the same shape; `random` is a generator on the CPU."""
        if random is None or not self.training:
            return x
        count, _, height, width = x.shape
        noise = own(torch.randn(whole(count), 1, height, width, generator=random))
        return x + self.strength * noise.to(x.device, x.dtype)


class Excitation(nn.Module):
    """Skip-layer excitation (paper, equation 1): one map decides, channel by channel, what passes in another.

    That map (N, C, H, W) of any size -> factors (N, C', 1, 1) between 0 and 1 for the other one.
    """

    def __init__(self, channels_deciding: int, channels_passing: int, *, spectral_norm: bool) -> None:
        super().__init__()
        # A 4 x 4 convolution over a 4 x 4 map, written as the matrix product that it is.
        self.squeeze = convolution(channels_deciding * _SQUEEZED**2, channels_passing, 1, spectral_norm=spectral_norm)
        self.gate = convolution(channels_passing, channels_passing, 1, spectral_norm=spectral_norm)

    def forward(self, deciding: Tensor) -> Tensor:
        pooled = F.adaptive_avg_pool2d(deciding, _SQUEEZED)
        return torch.sigmoid(self.gate(F.silu(self.squeeze(pooled.flatten(1)[:, :, None, None]))))


def gated(x: Tensor) -> Tensor:
    """The gated linear unit over channels, written out: PyTorch's own is many times slower in channels-last memory."""
    value, gate = x.chunk(2, dim=1)
    return value * torch.sigmoid(gate)


def enlarge_and_convolve(x: Tensor, weight: Tensor) -> Tensor:
    """Nearest x 2, then a 3 x 3 convolution with zero padding.

    Both together are one transposed convolution at stride 2 with the 4 x 4 kernel that the 3 x 3 one smears into: 4
    products an output pixel instead of 9. It pays wherever there are more positions than weights to smear.
    """
    if x.shape[2] * x.shape[3] < x.shape[1]:
        return F.conv2d(F.interpolate(x, scale_factor=2.0, mode="nearest"), weight, padding=1)
    padded = F.pad(weight, (1, 1, 1, 1))
    smeared = padded[..., 1:, 1:] + padded[..., :-1, 1:] + padded[..., 1:, :-1] + padded[..., :-1, :-1]
    return F.conv_transpose2d(x, smeared.flip(2, 3).transpose(0, 1), stride=2, padding=1)


def convolution(channels_in: int, channels_out: int, kernel: int, *, spectral_norm: bool) -> nn.Conv2d:
    """A convolution at stride 1 that keeps the size, without bias."""
    if spectral_norm:
        return SpectralConv2d(channels_in, channels_out, kernel, padding=kernel // 2)
    return nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False)
