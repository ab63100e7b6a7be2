"""What StyleGAN and StyleGAN2 share: styles, their mean, their mixtures, and noise per pixel.

Karras et al. 2019, "A Style-Based Generator Architecture for Generative Adversarial Networks"
(https://arxiv.org/abs/1812.04948). A latent becomes a style; a synthesis network makes a scene out of one style per
layer, starting from a learned constant.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.networks.generators.base import GeneratorConfig, SceneNetwork
from shanshui.networks.mapping import MappingNetwork
from shanshui.together import common_mean, own, whole

_STYLE_MEAN_DECAY = 0.995


@dataclass(frozen=True, kw_only=True)
class StyleBasedConfig(GeneratorConfig):
    """Scenes of start * 2^doublings pixels, made from styles. The defaults are the papers' for 1024 px.

    Attributes:
        latent: numbers in a latent.
        start: rows and columns of the learned constant; (9, 16) makes scenes of 16:9.
        width: channels of the finest map; each coarser one has twice as many.
        widest: most channels of a map.
        style: numbers in a style.
        mapping_layers: layers between latent and style.
        mixing: share of the training scenes whose coarse and fine layers get styles of two latents.
    """

    latent: int = 512
    start: tuple[int, int] = (4, 4)
    width: int = 32
    widest: int = 512
    style: int = 512
    mapping_layers: int = 8
    mixing: float = 0.9

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        counts = (*self.start, self.doublings, self.latent, self.width, self.widest, self.style, self.mapping_layers)
        if min(counts) < 1 or self.labels < 0:
            raise ConfigError(
                "A style-based generator needs a start, doublings, latent, width, widest, style and mapping_layers of "
                f"at least 1 and labels of at least 0, not {self}."
            )
        if not 0 <= self.mixing <= 1:
            raise ConfigError(f"The share of scenes with mixed styles must be 0 to 1: mixing cannot be {self.mixing}.")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of the scenes."""
        return self.size_after(self.doublings)

    def size_after(self, doublings: int) -> tuple[int, int]:
        """Rows and columns of the map after some doublings of the first one."""
        rows, columns = self.start
        return rows * 2**doublings, columns * 2**doublings

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of every map from the coarsest to the finest."""
        return tuple(min(self.width * 2**halvings, self.widest) for halvings in range(self.doublings, -1, -1))


class Synthesis(nn.Module, ABC):
    """Styles (N, layers, style) -> scenes (N, 3, H, W).

    Attributes:
        layers: how many layers take a style.
    """

    layers: int

    @abstractmethod
    def layers_to_join(self) -> Iterable[nn.Module]:
        """As for `SceneNetwork`."""

    @abstractmethod
    def forward(self, styles: Tensor, random: torch.Generator | None = None) -> Tensor:
        """Scenes; in training with noise from `random`, otherwise with noise that is always the same."""


class StyleBasedGenerator(SceneNetwork):
    """Latents (N, latent) -> scenes (N, 3, H, W), of which [-1, 1] is what can be shown; `sample` clamps.

    `forward` is `synthesis(styles(latents, labels, random), random)`: a penalty on the way from styles to scenes (path
    length) calls the two parts.

    Attributes:
        mapping: latents and labels -> styles (N, style).
        synthesis: styles (N, layers, style) -> scenes.
        style_mean: (style,) moving average of the training's styles, the centre of truncation. It is part of the
            state, and nothing else changes from step to step but the weights.
    """

    config: StyleBasedConfig
    style_mean: Tensor

    def __init__(self, config: StyleBasedConfig, synthesis: Synthesis) -> None:
        """Join a new mapping network to `synthesis`."""
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(config.latent, config.style, depth=config.mapping_layers, labels=config.labels)
        self.synthesis = synthesis
        self.register_buffer("style_mean", torch.zeros(config.style))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.config.size

    @property
    def layers(self) -> int:
        """How many layers take a style."""
        return self.synthesis.layers

    def forward(self, latents: Tensor, labels: Tensor | None = None, random: torch.Generator | None = None) -> Tensor:
        """Scenes.

        In training `random` mixes styles and draws noise; without it no style is mixed and the noise is that of
        evaluation.

        Raises:
            ValueError: labels for a network without, or none for a network with.
        """
        scenes: Tensor = self.synthesis(self.styles(latents, labels, random), random)
        return scenes

    def styles(self, latents: Tensor, labels: Tensor | None = None, random: torch.Generator | None = None) -> Tensor:
        """One style for each layer, (N, layers, style); in training it mixes, and moves `style_mean`.

        Mixing (Karras et al. 2019, section 3.1): a share `config.mixing` of the scenes takes the styles behind a random
        layer from a second latent. Departure: scene by scene, as the paper has it, while its program decides once
        for a batch.
        """
        styles = self.mapping(latents, labels)
        if self.training:
            with torch.no_grad():
                mean = common_mean(styles.mean(dim=0).to(self.style_mean))
                self.style_mean.lerp_(mean, 1 - _STYLE_MEAN_DECAY)
        spread = self._for_each_layer(styles)
        if not self.training or random is None or self.config.mixing == 0:
            return spread
        others = self.draw_latents(len(latents), random).to(latents)
        from_second = self._draw_mixture(len(latents), random).to(latents.device)
        return torch.where(from_second[..., None], self._for_each_layer(self.mapping(others, labels)), spread)

    def codes(self, latents: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """One style for each layer, (N, layers, style), with `truncation` times its distance from the mean style.

        psi of Karras et al. 2019, appendix B.
        """
        return self._for_each_layer(torch.lerp(self.style_mean, self.mapping(latents, labels), truncation))

    def render(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scenes of styles (N, layers, style), clamped to [-1, 1]; the labels are in the styles already."""
        scenes: Tensor = self.synthesis(codes)
        return scenes.clamp(-1, 1)

    def layers_to_join(self) -> Iterable[nn.Module]:
        return self.synthesis.layers_to_join()

    def _for_each_layer(self, styles: Tensor) -> Tensor:
        return styles[:, None].expand(-1, self.layers, -1)

    def _draw_mixture(self, count: int, random: torch.Generator) -> Tensor:
        """(N, layers): whether a layer's style is the second latent's. The first layer's never is."""
        mixes = own(torch.rand(whole(count), 1, generator=random)) < self.config.mixing
        first = own(torch.randint(1, self.layers, (whole(count), 1), generator=random))
        return mixes & (torch.arange(self.layers) >= first)


class PixelNoise(nn.Module):
    """Noise of one value per pixel times learned strengths that start at 0: (1 or N, strengths, H, W).

    Args:
        height: rows of the map.
        width: columns of the map.
        strengths: 1, or one for each channel of the map.
    """

    fixed: Tensor

    def __init__(self, height: int, width: int, strengths: int = 1) -> None:
        super().__init__()
        self.strengths = nn.Parameter(torch.zeros(strengths, 1, 1))
        self.register_buffer("fixed", torch.randn(1, 1, height, width))

    def forward(self, count: int, random: torch.Generator | None, *, gain: float = 1.0) -> Tensor:
        """In training `count` maps from `random`, where there is one; otherwise one map, always the same."""
        noise = self.fixed
        if self.training and random is not None:
            noise = own(torch.randn(whole(count), *self.fixed.shape[1:], generator=random)).to(self.fixed)
        return noise * (gain * self.strengths)
