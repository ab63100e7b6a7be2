"""FastGAN-lite: a scene generator that learns from a few thousand photographs, or a few hundred.

Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis"
(https://arxiv.org/abs/2101.04775), in the one-convolution-per-size form that Projected GAN uses on small data
(Sauer et al. 2021, https://arxiv.org/abs/2111.01007).

Departures: the first layer is a linear map per 4 x 4 cell of a latent grid instead of a transposed convolution
(the same function for one cell), which lets the scene be of any size 4 m 2^k; excitation reads the low-resolution map
through the same average pooling whatever its size. Only layers without a batch norm behind them carry spectral norm:
batch norm undoes any scale of the weight before it, and Adam any scale of its gradient, so there the division would
change nothing but the cost.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.networks.spectral import SpectralConv2d

CELL = 4

_MULTIPLIERS = {4: 16.0, 8: 8.0, 16: 4.0, 32: 2.0, 64: 2.0, 128: 1.0, 256: 0.5, 512: 0.25, 1024: 0.125}
_EXCITED_BY = {64: 4, 128: 8, 256: 16, 512: 32}


@dataclass(frozen=True, kw_only=True)
class FastGANConfig:
    """`doublings` sizes the scene: a latent grid of (m, n) gives (4 m 2^doublings) x (4 n 2^doublings) pixels."""

    doublings: int = 5
    latent: int = 128
    width: int = 32
    spectral_norm: bool = True


class FastGAN(nn.Module):
    """Latent grid (N, latent, m, n) -> scenes (N, 3, 4 m 2^doublings, 4 n 2^doublings) in [-1, 1].

    One grid cell covers the height of the scenes it was trained on; a wider grid makes a wider scene.
    """

    def __init__(self, config: FastGANConfig) -> None:
        super().__init__()
        if config.doublings not in range(1, 9):
            raise ValueError(f"doublings must be 1 to 8, not {config.doublings}")
        self.config = config
        channels = {size: max(int(config.width * factor), 4) for size, factor in _MULTIPLIERS.items()}
        sizes = [CELL * 2**k for k in range(config.doublings + 1)]
        self.start = _Start(config.latent, channels[CELL])
        self.ups = nn.ModuleDict({str(s): _Up(channels[s // 2], channels[s]) for s in sizes[1:]})
        self.excitations = nn.ModuleDict(
            {
                str(size): _Excitation(channels[_EXCITED_BY[size]], channels[size], config.spectral_norm)
                for size in sizes
                if size in _EXCITED_BY
            }
        )
        self.to_rgb = _convolution(channels[sizes[-1]], 3, 3, config.spectral_norm)

    def forward(self, latents: Tensor) -> Tensor:
        x = self.start(latents).contiguous(memory_format=torch.channels_last)
        maps = {CELL: x}
        for name, up in self.ups.items():
            size = int(name)
            x = up(x)
            if name in self.excitations:
                x = x * self.excitations[name](maps[_EXCITED_BY[size]])
            maps[size] = x
        return torch.tanh(self.to_rgb(x))

    @property
    def unit(self) -> int:
        """Pixels of a scene per latent cell, in both directions."""
        return int(CELL * 2**self.config.doublings)

    def grid_for(self, height: int, width: int) -> tuple[int, int]:
        """The latent grid whose scene has `height` x `width` pixels.

        Raises:
            ValueError: a side is not a positive multiple of 4 * 2^doublings.
        """
        if height < 1 or width < 1 or height % self.unit or width % self.unit:
            raise ValueError(f"both sides must be multiples of {self.unit} pixels, not {width}x{height}")
        return height // self.unit, width // self.unit

    def draw_latents(self, count: int, grid: tuple[int, int], generator: torch.Generator) -> Tensor:
        """Standard normal latents (count, latent, *grid) on the CPU, a pure function of the generator's state."""
        return torch.randn(count, self.config.latent, *grid, generator=generator)


class _Start(nn.Module):
    """Each latent cell becomes a 4 x 4 block: linear, batch norm, gated linear unit."""

    def __init__(self, latent: int, channels: int) -> None:
        super().__init__()
        self.linear = nn.Conv2d(latent, 2 * channels * CELL * CELL, 1, bias=False)
        self.norm = nn.BatchNorm2d(2 * channels)

    def forward(self, latents: Tensor) -> Tensor:
        return _gated(self.norm(F.pixel_shuffle(self.linear(latents), CELL)))


class _Up(nn.Module):
    """Nearest x 2, 3 x 3 convolution, batch norm, gated linear unit."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, 2 * channels_out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(2 * channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return _gated(self.norm(_enlarge_and_convolve(x, self.convolution.weight)))


class _Excitation(nn.Module):
    """Skip-layer excitation: the small map decides, channel by channel, what passes in the map 16 times larger."""

    def __init__(self, channels_low: int, channels_high: int, spectral_norm: bool) -> None:
        super().__init__()
        # A 4 x 4 convolution over a 4 x 4 map, written as the matrix product that it is.
        self.squeeze = _convolution(channels_low * CELL * CELL, channels_high, 1, spectral_norm)
        self.gate = _convolution(channels_high, channels_high, 1, spectral_norm)

    def forward(self, low: Tensor) -> Tensor:
        pooled = F.adaptive_avg_pool2d(low, CELL)
        return torch.sigmoid(self.gate(F.silu(self.squeeze(pooled.flatten(1)[:, :, None, None]))))


def _gated(x: Tensor) -> Tensor:
    """The gated linear unit over channels, written out: PyTorch's own is many times slower in channels-last memory."""
    value, gate = x.chunk(2, dim=1)
    return value * torch.sigmoid(gate)


def _enlarge_and_convolve(x: Tensor, weight: Tensor) -> Tensor:
    """Nearest x 2, then a 3 x 3 convolution with zero padding.

    Both together are one transposed convolution at stride 2 with the 4 x 4 kernel that the 3 x 3 one smears into: 4
    products an output pixel instead of 9. It pays wherever there are more positions than weights to smear.
    """
    if x.shape[2] * x.shape[3] < x.shape[1]:
        return F.conv2d(F.interpolate(x, scale_factor=2.0, mode="nearest"), weight, padding=1)
    padded = F.pad(weight, (1, 1, 1, 1))
    smeared = padded[..., 1:, 1:] + padded[..., :-1, 1:] + padded[..., 1:, :-1] + padded[..., :-1, :-1]
    return F.conv_transpose2d(x, smeared.flip(2, 3).transpose(0, 1), stride=2, padding=1)


def _convolution(channels_in: int, channels_out: int, kernel: int, spectral_norm: bool) -> nn.Conv2d:
    if spectral_norm:
        return SpectralConv2d(channels_in, channels_out, kernel, padding=kernel // 2)
    return nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False)
