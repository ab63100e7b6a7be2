"""A residual scene generator.

Gulrajani et al. 2017 (WGAN-GP, https://arxiv.org/abs/1704.00028, the 64 px network) and Miyato et al. 2018 (spectral
normalisation, https://arxiv.org/abs/1802.05957, appendix B): a linear layer makes the coarsest map; pre-activation
blocks {batch norm, ReLU, nearest x 2, 3 x 3, batch norm, ReLU, 3 x 3} double it; batch norm, ReLU, 3 x 3 and tanh make
pixels.

Departures: `blocks` may put more than one block at a size; no bias where a later batch norm would take it away, which
is everywhere but at both ends; enlarging and convolving trade places (see `resampling`), which changes no number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.networks.batch_norm import BatchNorm2d
from shanshui.networks.generators.base import SceneNetwork
from shanshui.networks.generators.growing import GrowingConfig
from shanshui.networks.pyramid import channels_by_size
from shanshui.networks.resampling import EnlargingConvolution
from shanshui.networks.residual import Residual, draw_glorot


@dataclass(frozen=True, kw_only=True)
class ResNetConfig(GrowingConfig):
    """`doublings` 4 and `width` 64 make the 64 px network of Gulrajani et al.

    Attributes:
        blocks: residual blocks at each size; the first one doubles.
    """

    blocks: int = 1

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        super().__post_init__()
        if self.blocks < 1:
            raise ConfigError(f"A residual generator needs at least one block at each size, not {self.blocks}.")


class ResNet(SceneNetwork):
    """Latents (N, latent) -> scenes (N, 3, *start * 2^doublings) in [-1, 1]; no noise and no labels."""

    config: ResNetConfig

    def __init__(self, config: ResNetConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        rows, columns = config.start
        channels = channels_by_size(config.width, config.doublings + 1)[::-1]
        self.project = nn.Linear(config.latent, rows * columns * channels[0])
        self.blocks = nn.Sequential()
        for channels_in, channels_out in pairwise(channels):
            self.blocks.append(_doubling(channels_in, channels_out))
            self.blocks.extend(_keeping(channels_out) for _ in range(config.blocks - 1))
        self.to_rgb = nn.Sequential(
            BatchNorm2d(channels[-1]), nn.ReLU(inplace=True), nn.Conv2d(channels[-1], 3, 3, padding=1), nn.Tanh()
        )
        draw_glorot(self)

    @property
    def size(self) -> tuple[int, int]:
        return self.config.size

    def layers_to_join(self) -> Iterable[nn.Module]:
        return self.blocks

    def forward(self, latents: Tensor, labels: Tensor | None = None, random: torch.Generator | None = None) -> Tensor:
        # Channels come last out of the matrix product, so the map has its fast memory format without a copy.
        start = self.project(latents).unflatten(1, (*self.config.start, -1)).movedim(-1, 1)
        scenes: Tensor = self.to_rgb(self.blocks(start))
        return scenes


def _doubling(channels_in: int, channels_out: int) -> Residual:
    # A 1 x 1 convolution does not see its neighbours: it is four times cheaper before the enlargement.
    skip = nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, bias=False), nn.Upsample(scale_factor=2))
    return Residual(_branch(channels_in, channels_out, EnlargingConvolution(channels_in, channels_out)), skip)


def _keeping(channels: int) -> Residual:
    return Residual(_branch(channels, channels, nn.Conv2d(channels, channels, 3, padding=1, bias=False)), nn.Identity())


def _branch(channels_in: int, channels_out: int, first: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        BatchNorm2d(channels_in),
        nn.ReLU(inplace=True),
        first,
        BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False),
    )
