"""A scene generator whose scenes are enlarged by a network that learned from photographs what detail they have.

A generator that grows has to find out fine detail against its discriminator alone. Here photographs show it: each one,
made smaller, is a question whose answer is known. So a small generator that has learned long becomes a large one in
minutes, and a seed makes the same scene in both sizes.
"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor, nn

from shanshui.networks.enlarger import Enlarger, EnlargerConfig
from shanshui.networks.generators.base import GeneratorConfig, SceneNetwork
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig


@dataclass(frozen=True, kw_only=True)
class EnlargedConfig(GeneratorConfig):
    """Doublings, latent and labels follow from `scenes`: see `enlarged`.

    Attributes:
        scenes: of the generator of small scenes.
        enlarger: of the network behind it.
    """

    scenes: FastGANConfig = field(default_factory=FastGANConfig)
    enlarger: EnlargerConfig = field(default_factory=EnlargerConfig)


class Enlarged(SceneNetwork):
    """Latents (N, latent, 1, 1) -> scenes (N, 3, H, W), of which [-1, 1] is what can be shown; `sample` clamps."""

    config: EnlargedConfig

    def __init__(self, config: EnlargedConfig) -> None:
        """Weights from torch's global generator.

        Raises:
            ValueError: a number out of range, or numbers that are not those of the small scenes.
        """
        super().__init__()
        small = config.scenes
        if (config.doublings, config.latent, config.labels) != (small.doublings + 1, small.latent, small.labels):
            raise ValueError(f"an enlarged generator doubles once more than its scenes and has their latent: {config}")
        self.config = config
        self.scenes = FastGAN(small)
        self.enlarger = Enlarger(config.enlarger)

    def forward(self, latents: Tensor, labels: Tensor | None = None, random: torch.Generator | None = None) -> Tensor:
        enlarged: Tensor = self.enlarger(self.scenes(latents, labels, random).float())
        return enlarged

    def render(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scenes for use, clamped to [-1, 1]."""
        return super().render(codes, labels).clamp(-1, 1)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of the scenes."""
        height, width = self.scenes.size
        return 2 * height, 2 * width

    def layers_to_join(self) -> Iterable[nn.Module]:
        return self.scenes.layers_to_join()

    def draw_latents(self, count: int, generator: torch.Generator) -> Tensor:
        """As the generator of small scenes draws them."""
        return self.scenes.draw_latents(count, generator)

    def plain(self) -> Self:
        """A copy in evaluation mode with spectral norm divided out; it makes the same scenes."""
        copy = deepcopy(self).eval()
        copy.scenes = self.scenes.plain()
        copy.config = enlarged(copy.scenes.config, self.config.enlarger)
        return copy


def enlarged(scenes: FastGANConfig, enlarger: EnlargerConfig) -> EnlargedConfig:
    """The configuration of a generator of `scenes` with an `enlarger` behind it."""
    return EnlargedConfig(
        doublings=scenes.doublings + 1,
        latent=scenes.latent,
        labels=scenes.labels,
        scenes=scenes,
        enlarger=enlarger,
    )
