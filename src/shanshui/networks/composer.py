"""From a painting back to nature, as far as one likes: an image-conditioned StyleGAN2 whose style holds a slider.

The natural-scene module of the joint pipeline. An encoder takes the painting down to a sixteenth of its size; modulated
convolutions (Karras et al. 2020, https://arxiv.org/abs/1912.04958) bring it up again, joined at each size by what the
encoder had there. Their style comes from a latent, for variety, and from `naturalness` in [0, 1], which says how much
each of two losses counts in training, so that one network serves all mixtures of them (Dosovitskiy and Djolonga 2020,
"You Only Train Once: Loss-Conditional Training of Deep Networks").

What is made is added to the painting, of whose strokes, all that is finer than four pixels, as much is taken away at
each place as the composer decides. (To take them away by adding their negative, maps at a quarter of the resolution
would have to hold every one of them.) Every colour layer begins at zero: untrained, the composer leaves a painting as
it is. No layer looks at statistics of the whole picture, so that a part of one is the same whatever lies far away.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.errors import ConfigError
from shanshui.networks.borders import extended
from shanshui.networks.equalized import ACTIVATION_GAIN, EqualizedConv2d, EqualizedLinear, activate
from shanshui.networks.filters import Doubling, EqualizedHalving, double
from shanshui.networks.mapping import MappingNetwork
from shanshui.networks.modulation import ModulatedConvolution, ToRGB, convolve
from shanshui.networks.stylizers.feedforward import blur
from shanshui.together import own, whole

_ENTRY = 4
"""Pixels of each side that enter as one position: nothing works at full resolution."""

_WAVES = 4
"""Cosines that a value of the slider is told by."""


@dataclass(frozen=True, kw_only=True)
class ComposerConfig:
    """What a `Composer` is made of.

    Attributes:
        width: channels at a quarter of the resolution; each coarser map has twice as many.
        widest: most channels of a map.
        halvings: from a quarter down to the coarsest map.
        latent: numbers in a latent.
        style: numbers in a style.
        mapping_layers: layers between latent and style.
    """

    width: int = 48
    widest: int = 128
    halvings: int = 2
    latent: int = 64
    style: int = 128
    mapping_layers: int = 2

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        counts = (self.width // 2, self.widest, self.halvings, self.latent, self.style, self.mapping_layers)
        if min(counts) < 1:
            raise ConfigError(
                "A composer needs a width of at least 2, and a widest, halvings, latent, style and mapping_layers of "
                f"at least 1, not {self}."
            )

    @property
    def stride(self) -> int:
        """Pixels between positions of the coarsest map; sides are extended to a multiple of it."""
        return _ENTRY << self.halvings

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of every map, from a quarter of the resolution to the coarsest."""
        return tuple(min(self.width << step, self.widest) for step in range(self.halvings + 1))


class Composer(nn.Module):
    """Paintings, latents and naturalness -> scenes."""

    def __init__(self, config: ComposerConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        channels, style = config.channels, config.style
        self.mapping = MappingNetwork(config.latent, style, depth=config.mapping_layers)
        self.slider = EqualizedLinear(_WAVES, style)
        self.stem = EqualizedConv2d(3 * _ENTRY**2, channels[0], 3, gain=ACTIVATION_GAIN)
        self.halving = nn.ModuleList(
            EqualizedHalving(fine, coarse, 3, gain=ACTIVATION_GAIN) for fine, coarse in pairwise(channels)
        )
        self.bottom = NoisyConvolution(convolve, style, channels[-1], channels[-1])
        self.to_rgb = ToRGB(style, channels[-1])
        self.rises = nn.ModuleList(Rise(style, coarse, fine) for coarse, fine in pairwise(reversed(channels)))
        self.finish = NoisyConvolution(Doubling(), style, channels[0], config.width // 2)
        self.strokes = EqualizedConv2d(config.width // 2, (3 + 1) * 2**2, 3)
        for name, parameter in self.named_parameters():
            if "to_rgb.weight" in name or name == "strokes.weight":
                nn.init.zeros_(parameter)

    def forward(
        self, paintings: Tensor, latents: Tensor, naturalness: Tensor, random: torch.Generator | None = None
    ) -> Tensor:
        """Compose.

        Args:
            paintings: (N, 3, H, W) RGB in [-1, 1], any H and W of at least 1.
            latents: (N, latent), as from `draw_latents`.
            naturalness: (N,) from 0 (the painting) to 1 (a natural scene).
            random: source of the noise of pixels, on the CPU; none is added without it.

        Returns:
            (N, 3, H, W), of which [-1, 1] is what can be shown, in float32 at least.
        """
        height, width = paintings.shape[2:]
        styles = self.styles(latents, naturalness)
        whole = extended(paintings, self.config.stride)
        maps = self._encoded(whole)
        x = self.bottom(maps[-1], styles, random)
        picture = self.to_rgb(x, styles)
        for rise, seen in zip(self.rises, reversed(maps[:-1]), strict=True):
            x, picture = rise(x, picture, seen, styles, random)
        finished = functional.pixel_shuffle(self.strokes(self.finish(x, styles, random)), 2)
        strokes, lost = blur(finished.to(picture.dtype)).split((3, 1), 1)
        smooth = double(double(functional.avg_pool2d(whole, _ENTRY)))
        scenes: Tensor = whole - lost * (whole - smooth) + double(double(picture)) + strokes
        return scenes[:, :, :height, :width]

    def styles(self, latents: Tensor, naturalness: Tensor) -> Tensor:
        """(N, latent), (N,) -> (N, style)."""
        steps = torch.arange(1, _WAVES + 1, device=naturalness.device)
        waves = torch.cos(math.pi * steps * naturalness[:, None])
        with torch.autocast(latents.device.type, enabled=False):
            styles: Tensor = self.mapping(latents) + self.slider(waves)
        return styles

    def draw_latents(self, count: int, generator: torch.Generator) -> Tensor:
        """Standard normal latents (count, latent) on the CPU, a pure function of the generator's state."""
        return own(torch.randn(whole(count), self.config.latent, generator=generator))

    def _encoded(self, whole: Tensor) -> list[Tensor]:
        """Maps from a quarter of the resolution to the coarsest."""
        x = functional.pixel_unshuffle(whole, _ENTRY).contiguous(memory_format=torch.channels_last)
        maps = [activate(self.stem(x))]
        for halve in self.halving:
            maps.append(activate(halve(maps[-1])))
        return maps


class NoisyConvolution(ModulatedConvolution):
    """A `ModulatedConvolution` of maps of any size, with noise of one value a pixel."""

    def __init__(
        self, convolve: Callable[[Tensor, Tensor], Tensor], style: int, channels_in: int, channels_out: int
    ) -> None:
        super().__init__(convolve, style, channels_in, channels_out)
        self.noise_strength = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, styles: Tensor, random: torch.Generator | None) -> Tensor:
        """(N, I, H, W), styles (N, style), a source of noise -> (N, O, H, W) or twice that size."""
        noise = x.new_zeros(1, 1, 1, 1)
        if random is not None:
            factor = 2 if isinstance(self.convolve, Doubling) else 1
            size = factor * x.shape[2], factor * x.shape[3]
            noise = own(torch.randn(whole(len(x)), 1, *size, generator=random)).to(x.device)
        return self.styled(x, styles, noise * (ACTIVATION_GAIN * self.noise_strength))


class Rise(nn.Module):
    """From a map to the next finer one, joined by what the encoder saw there."""

    def __init__(self, style: int, coarse: int, fine: int) -> None:
        super().__init__()
        self.enlarge = NoisyConvolution(Doubling(), style, coarse, fine)
        self.refine = NoisyConvolution(convolve, style, fine, fine)
        self.to_rgb = ToRGB(style, fine)

    def forward(
        self, x: Tensor, picture: Tensor, seen: Tensor, styles: Tensor, random: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        """A map (N, coarse, H, W), a picture (N, 3, H, W), `seen` (N, fine, 2 H, 2 W) -> map and picture of 2 H."""
        joined = (self.enlarge(x, styles, random) + seen) * math.sqrt(0.5)
        x = self.refine(joined, styles, random)
        return x, double(picture) + self.to_rgb(x, styles)
