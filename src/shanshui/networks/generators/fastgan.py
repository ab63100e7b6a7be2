"""FastGAN: a scene generator that learns from a few thousand photographs, or a few hundred.

Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis"
(https://arxiv.org/abs/2101.04775), with two convolutions per size and noise, or in the lite form with one, which
Projected GAN uses on small data (Sauer et al. 2021, https://arxiv.org/abs/2111.01007).

Departures: the first layer is a linear map instead of a transposed convolution of one position (the same function),
which lets the coarsest map be of any shape; excitation reads the low-resolution map through the same average pooling
whatever its size. There is no second output for the discriminator's small copy, which is the scene itself, shrunk.
Where spectral norm is kept, `networks.gated` says. Labels, which neither paper has, enter as R3GAN's do: a learned
vector beside the latent.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Self

import torch
from torch import Tensor, nn

from shanshui.networks.batch_norm import BatchNorm2d
from shanshui.networks.gated import Excitation, GatedUp, NoisyGatedUp, convolution, gated
from shanshui.networks.generators.base import GeneratorConfig, SceneNetwork
from shanshui.networks.spectral import without_spectral_norm

Block = Literal["lite", "full"]

_BLOCKS: dict[str, type[GatedUp] | type[NoisyGatedUp]] = {"lite": GatedUp, "full": NoisyGatedUp}

# Layers go by the height that their map would have if the coarsest one had 4 rows.
_COARSEST = 4
_MULTIPLIERS = {4: 16.0, 8: 8.0, 16: 4.0, 32: 2.0, 64: 2.0, 128: 1.0, 256: 0.5, 512: 0.25, 1024: 0.125}
_EXCITED_BY = {64: 4, 128: 8, 256: 16, 512: 32}


@dataclass(frozen=True, kw_only=True)
class FastGANConfig(GeneratorConfig):
    """Scenes of start * 2^doublings pixels.

    Attributes:
        width: channels of the map of 128 rows; coarser ones have 2, 2, 4, 8, 16 times as many, each finer one half.
        spectral_norm: of the weights without a batch norm behind them; off in snapshots, where it is divided out.
        block: "lite" has one convolution per size, "full" has two, with noise in training.
        start: rows and columns of the coarsest map; (9, 16) makes scenes of 16:9.
    """

    doublings: int = 5
    width: int = 32
    spectral_norm: bool = True
    block: Block = "lite"
    start: tuple[int, int] = (4, 4)


class FastGAN(SceneNetwork):
    """Latents (N, latent, 1, 1) -> scenes (N, 3, H, W) in [-1, 1], sizes as `FastGANConfig` says."""

    config: FastGANConfig

    def __init__(self, config: FastGANConfig) -> None:
        """Weights from torch's global generator.

        Raises:
            ValueError: a number out of range, or an unknown block.
        """
        super().__init__()
        if config.doublings not in range(1, 9):
            raise ValueError(f"doublings must be 1 to 8, not {config.doublings}")
        if min(config.start) < 1 or config.labels < 0:
            raise ValueError(f"start must be at least 1 x 1 and labels at least 0, not {config.start}, {config.labels}")
        if config.block not in _BLOCKS:
            raise ValueError(f"block must be one of {', '.join(_BLOCKS)}, not {config.block!r}")
        self.config = config
        channels = {size: max(int(config.width * factor), 4) for size, factor in _MULTIPLIERS.items()}
        sizes = [_COARSEST * 2**k for k in range(config.doublings + 1)]
        self.embedding = nn.Embedding(config.labels, config.latent) if config.labels else None
        self.start = _Start(config.latent * (2 if config.labels else 1), channels[_COARSEST], config.start)
        up = _BLOCKS[config.block]
        self.ups = nn.ModuleDict({str(s): up(channels[s // 2], channels[s]) for s in sizes[1:]})
        self.excitations = nn.ModuleDict(
            {
                str(size): Excitation(channels[_EXCITED_BY[size]], channels[size], spectral_norm=config.spectral_norm)
                for size in sizes
                if size in _EXCITED_BY
            }
        )
        self.to_rgb = convolution(channels[sizes[-1]], 3, 3, spectral_norm=config.spectral_norm)

    def forward(self, latents: Tensor, labels: Tensor | None = None, random: torch.Generator | None = None) -> Tensor:
        """Scenes.

        Args:
            latents: (N, latent, 1, 1).
            labels: (N,) int64; None for a generator without classes.
            random: source of noise for the block "full" in training, on the CPU.

        Raises:
            ValueError: labels are missing, or given to a generator without classes.
        """
        x = self.start(self._with_labels(latents, labels)).contiguous(memory_format=torch.channels_last)
        maps = {_COARSEST: x}
        for name, up in self.ups.items():
            size = int(name)
            x = up(x, random)
            if name in self.excitations:
                x = x * self.excitations[name](maps[_EXCITED_BY[size]])
            maps[size] = x
        return torch.tanh(self.to_rgb(x))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of the scenes."""
        rows, columns = self.config.start
        return rows * 2**self.config.doublings, columns * 2**self.config.doublings

    def layers_to_join(self) -> Iterable[nn.Module]:
        return self.start, *self.ups.values()

    def draw_latents(self, count: int, generator: torch.Generator) -> Tensor:
        """Standard normal latents (count, latent, 1, 1) on the CPU, a pure function of the generator's state."""
        return super().draw_latents(count, generator)[..., None, None]

    def plain(self) -> Self:
        """A copy in evaluation mode with spectral norm divided out; it makes the same scenes."""
        copy = without_spectral_norm(self)
        copy.config = replace(self.config, spectral_norm=False)
        return copy

    def _with_labels(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        if (labels is None) != (self.embedding is None):
            raise ValueError(f"this generator was made for {self.config.labels} classes of scenes: labels must fit")
        if self.embedding is None:
            return latents
        meanings = self.embedding(labels)[:, :, None, None].expand_as(latents)
        return torch.cat([latents, meanings], dim=1)


class _Start(nn.Module):
    """A latent becomes the coarsest map: linear, batch norm, gated linear unit."""

    def __init__(self, latent: int, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.linear = nn.Conv2d(latent, 2 * channels * size[0] * size[1], 1, bias=False)
        self.norm = BatchNorm2d(2 * channels)

    def forward(self, latents: Tensor) -> Tensor:
        return gated(self.norm(self.linear(latents).flatten(1).unflatten(1, (-1, *self.size))))
