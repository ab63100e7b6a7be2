"""What every scene generator is: latents in, scenes out."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from shanshui.together import own, whole


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """What the configurations of all scene generators share.

    Attributes:
        doublings: how often the coarsest map is doubled.
        latent: numbers in a latent.
        labels: classes of scenes; 0 for a generator that is not told any.
    """

    doublings: int = 4
    latent: int = 128
    labels: int = 0


class SceneNetwork(nn.Module, ABC):
    """Latents (N, latent) -> scenes (N, 3, H, W) in [-1, 1].

    In training mode a generator may draw noise (per-pixel noise, mixed styles); it takes it from the `random` of
    `forward` and from nowhere else, so that a resumed run equals an uninterrupted one. Without `random`, and in
    evaluation mode, a scene is a function of its latent and label alone.

    Attributes:
        config: how to build it again.
    """

    config: GeneratorConfig

    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of the scenes that it was made for."""

    @abstractmethod
    def forward(self, latents: Tensor, labels: Tensor | None = None, random: torch.Generator | None = None) -> Tensor:
        """Scenes for training.

        Args:
            latents: what `draw_latents` gives.
            labels: (N,) int64 below `config.labels`; None where that is 0.
            random: source of noise, a generator on the CPU.
        """

    def codes(self, latents: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """What a scene is steered by, from what it is drawn from: moving a code a little changes its scene a little.

        Here the latents themselves, scaled by `truncation` (Brock et al. 2019, https://arxiv.org/abs/1809.11096,
        section 3.1); generators with a space of styles give those, pulled towards their mean.

        Args:
            latents: (N, ...), what `draw_latents` gives.
            labels: as for `forward`.
            truncation: below 1 scenes are more typical and less varied.
        """
        return latents * truncation

    def render(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scenes for use from `codes`, in [-1, 1] where a network does not say otherwise; differentiable."""
        scenes: Tensor = self(codes, labels)
        return scenes

    def sample(self, latents: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """Scenes for use; arguments as for `codes`."""
        return self.render(self.codes(latents, labels, truncation), labels)

    def plain(self) -> Self:
        """A copy for use, without what only training needs; it makes the same scenes."""
        return deepcopy(self)

    @abstractmethod
    def layers_to_join(self) -> Iterable[nn.Module]:
        """Layers whose output is a map (N, C, H, W): behind them scenes side by side grow together (see `wide`).

        The first of them should be the coarsest map, or scenes have decided too much to fit each other.
        """

    def draw_latents(self, count: int, generator: torch.Generator) -> Tensor:
        """Standard normal latents (count, latent) on the CPU, a pure function of the generator's state.

        Args:
            count: how many.
            generator: source of randomness on the CPU.
        """
        return own(torch.randn(whole(count), self.config.latent, generator=generator))
