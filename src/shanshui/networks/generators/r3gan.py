"""R3GAN's generator: residual blocks from a learned basis to pixels, and nothing else.

Huang, Gokaslan, Kuleshov and Tompkin 2024, "The GAN is dead; long live the GAN! A Modern Baseline GAN"
(https://arxiv.org/abs/2501.05441): no normalisation, no mapping network, no noise, no styles. It learns against
`discriminators.r3gan` with relativistic pairing, R1 and R2 in every step.

Departures: one block per size and few channels by default, for processors without an accelerator (the paper has two,
and at 256 px `width` 96), and the coarsest map may have any shape, so that scenes need not be square; resampling as
`fixup.Double` says.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.networks.fixup import Double, draw_weight, pixelwise, require_groups, stages
from shanshui.networks.generators.base import GeneratorConfig, SceneNetwork
from shanshui.networks.pyramid import channels_by_size


@dataclass(frozen=True, kw_only=True)
class R3GANConfig(GeneratorConfig):
    """How an `R3GAN` is built.

    Attributes:
        latent: numbers in a latent.
        width: channels of the finest map; each coarser one has twice as many, up to eight times (see `pyramid`).
        blocks: residual blocks at each size.
        expansion: inside a block there are so many times more channels.
        group: channels that a block's 3 x 3 convolution mixes with each other. 16 is what wide vector units hold.
        start: rows and columns of the coarsest map; scenes have `start` x 2^`doublings` pixels.
    """

    latent: int = 64
    width: int = 16
    blocks: int = 1
    expansion: int = 2
    group: int = 16
    start: tuple[int, int] = (4, 4)

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        if min(*self.start, self.latent, self.blocks) < 1 or min(self.doublings, self.labels) < 0:
            raise ConfigError(
                "An R3GAN needs a start, latent and blocks of at least 1 and no negative doublings or labels, "
                f"not {self.start}, {self.latent}, {self.blocks}, {self.doublings} and {self.labels}."
            )
        require_groups(self.width, self.expansion, self.group)


class R3GAN(SceneNetwork):
    """Latents (N, latent) -> scenes (N, 3, H, W), of which [-1, 1] is what can be shown.

    The output is linear, as in the paper: while it learns a scene may leave the range, and the discriminator sees that.
    `sample` clamps.
    """

    config: R3GANConfig

    def __init__(self, config: R3GANConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        channels = channels_by_size(config.width, config.doublings + 1)[::-1]
        self.embedding = nn.Embedding(config.labels, config.latent) if config.labels else None
        self.start = _Start(config.latent * (2 if config.labels else 1), channels[0], config.start)
        self.stages = stages(channels, blocks=config.blocks, expansion=config.expansion, group=config.group)
        self.ups = nn.ModuleList(Double(*pair) for pair in pairwise(channels))
        self.to_rgb = pixelwise(channels[-1], 3)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        rows, columns = self.config.start
        return rows * 2**self.config.doublings, columns * 2**self.config.doublings

    def forward(self, latents: Tensor, labels: Tensor | None = None, random: torch.Generator | None = None) -> Tensor:
        """Scenes (N, 3, H, W); `random` is not used.

        Raises:
            ValueError: labels are missing, or given to a generator without classes.
        """
        if (labels is None) != (self.embedding is None):
            raise ValueError(f"this generator was made for {self.config.labels} classes of scenes: labels must fit")
        if self.embedding is not None:
            latents = torch.cat([latents, self.embedding(labels)], dim=1)
        x = self.stages[0](self.start(latents).contiguous(memory_format=torch.channels_last))
        for double, stage in zip(self.ups, self.stages[1:], strict=True):
            x = stage(double(x))
        pixels: Tensor = self.to_rgb(x)
        return pixels

    def layers_to_join(self) -> Iterable[nn.Module]:
        return self.start, *self.stages

    def render(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scenes for use, clamped to [-1, 1]."""
        return super().render(codes, labels).clamp(-1, 1)


class _Start(nn.Module):
    """A learned map for every channel, times a linear function of the latent."""

    def __init__(self, latent: int, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.randn(channels, *size))
        self.linear = nn.Linear(latent, channels, bias=False)
        draw_weight(self.linear)

    def forward(self, latents: Tensor) -> Tensor:
        strengths: Tensor = self.linear(latents)
        return strengths[:, :, None, None] * self.basis
