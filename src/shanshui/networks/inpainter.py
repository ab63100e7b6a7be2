"""Holes in pictures filled: a U-shaped network of gated convolutions.

A convolution that treats every position alike cannot tell what is there from what is missing; a gated one learns for
each channel and position how much of it may pass (Yu et al. 2019, "Free-Form Image Inpainting with Gated Convolution",
https://arxiv.org/abs/1806.03589, section 3.1). At the bottom, where a position stands for 16 x 16 pixels, dilated
convolutions look 14 positions far, so that half of a picture of 256 pixels can be filled from the other half.

It begins with a membrane, the colours of a hole's rim spread over it, and with texture borrowed from elsewhere in the
picture, of which it takes away a share at each place, and adds to both: untrained, it leaves them so. What has to be
learned is what no rule can say, so that an hour of a processor goes far; that a sky is not to have the texture of the
road below it is learned long before what it is to have instead. No layer looks at statistics of the whole picture. A
latent and noise of one value a pixel decide what is there where nothing else does.

Departures: one U-shaped network from half of the resolution down instead of two hourglasses at full resolution; a leaky
ReLU instead of the ELU; contextual attention that has nothing to learn; gates come from an eighth of the channels,
which costs a seventh of what full ones do, and an open one passes twice its feature, so that half open, as all begin,
they keep the variance.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.errors import ConfigError
from shanshui.networks.borders import extended
from shanshui.networks.borrowing import CELL, borrowed
from shanshui.networks.fixup import SLOPE, draw_weight
from shanshui.networks.membrane import membrane
from shanshui.together import own, whole

_ENTRY = 2
"""Pixels of each side that enter as one position: nothing works at full resolution."""

_SEEN = 8
"""Values of a pixel: colours of membrane and borrowed texture, whether it is missing, noise."""

_SQUEEZE = 8

_QUIET = 0.2
"""How loud noise and latent are in the beginning, beside what is seen."""


@dataclass(frozen=True, kw_only=True)
class InpainterConfig:
    """What an `Inpainter` is made of.

    Attributes:
        width: channels at half the resolution; each coarser map has twice as many.
        widest: most channels of a map.
        halvings: from half down to the coarsest map.
        dilations: of the residual layers at the coarsest map.
        latent: numbers in a latent.
    """

    width: int = 24
    widest: int = 192
    halvings: int = 3
    dilations: tuple[int, ...] = (1, 2, 4, 1, 2, 4)
    latent: int = 32

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        if min(self.width, self.widest, self.halvings, self.latent, *self.dilations) < 1:
            raise ConfigError(
                f"An inpainter needs a width, widest, halvings, latent and dilations of at least 1, not {self}."
            )

    @property
    def stride(self) -> int:
        """Sides are extended to a multiple of it: pixels between positions of the coarsest map, and whole cells."""
        return max(_ENTRY << self.halvings, CELL)

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of every map, from half of the resolution to the coarsest."""
        return tuple(min(self.width << step, self.widest) for step in range(self.halvings + 1))


class Inpainter(nn.Module):
    """Pictures with holes, latents and noise -> pictures."""

    def __init__(self, config: InpainterConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        channels = config.channels
        bottom = channels[-1]
        self.stem = GatedConvolution(_SEEN * _ENTRY**2, channels[0])
        self.looks = nn.ModuleList(GatedConvolution(count, count) for count in channels[:-1])
        self.halving = nn.ModuleList(GatedConvolution(fine, coarse, stride=2) for fine, coarse in pairwise(channels))
        self.noise_strength = nn.Parameter(torch.tensor(_QUIET))
        self.fate = nn.Linear(config.latent, bottom)
        draw_weight(self.fate, _QUIET)
        self.far = nn.ModuleList(GatedConvolution(bottom, bottom, dilation=dilation) for dilation in config.dilations)
        self.rises = nn.ModuleList(
            GatedConvolution(coarse + fine, fine) for coarse, fine in pairwise(reversed(channels))
        )
        self.strokes = nn.Conv2d(channels[0], (3 + 1) * _ENTRY**2, 3, padding=1)
        nn.init.zeros_(self.strokes.weight)
        nn.init.zeros_(self.strokes.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor, masks: Tensor, latents: Tensor, noise: Tensor) -> Tensor:
        """Fill.

        Args:
            images: (N, 3, H, W) RGB in [-1, 1], any H and W of at least 1; what is missing is not looked at.
            masks: (N, 1, H, W), 1 where a pixel is missing, 0 elsewhere.
            latents: (N, latent), as from `draw_latents`.
            noise: (N, 1, H, W), standard normal.

        Returns:
            (N, 3, H, W), of which [-1, 1] is what can be shown, in float32 at least; not only the holes: the caller
            takes what it wants.
        """
        height, width = images.shape[2:]
        begun, missing, noise = (extended(each, self.config.stride) for each in (membrane(images, masks), masks, noise))
        texture = borrowed(begun, missing, noise)
        seen = torch.cat([begun, texture, missing, noise * self.noise_strength], dim=1)
        finished = functional.pixel_shuffle(self._painted(seen, latents), _ENTRY).to(images.dtype)
        strokes, lost = finished.split((3, 1), 1)
        made: Tensor = begun + (1 - lost) * texture + strokes
        return made[:, :, :height, :width]

    def draw_latents(self, count: int, generator: torch.Generator) -> Tensor:
        """Standard normal latents (count, latent) on the CPU, a pure function of the generator's state."""
        return own(torch.randn(whole(count), self.config.latent, generator=generator))

    def _painted(self, seen: Tensor, latents: Tensor) -> Tensor:
        """(N, 8, H, W) and latents -> (N, 16, H / 2, W / 2)."""
        x = functional.pixel_unshuffle(seen, _ENTRY).contiguous(memory_format=torch.channels_last)
        x, maps = self.stem(x), []
        for look, halve in zip(self.looks, self.halving, strict=True):
            maps.append(look(x))
            x = halve(maps[-1])
        x = x + self.fate(latents)[:, :, None, None]
        for layer in self.far:
            x = x + layer(x) / math.sqrt(len(self.far))
        for rise, fine in zip(self.rises, reversed(maps), strict=True):
            x = rise(torch.cat([doubled(x), fine], dim=1))
        painted: Tensor = self.strokes(x)
        return painted


class GatedConvolution(nn.Module):
    """A 3 x 3 convolution and a gate for each channel and position: (N, C, H, W) -> (N, C', H / stride, W / stride)."""

    def __init__(self, channels_in: int, channels_out: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        squeezed = max(1, channels_in // _SQUEEZE)
        self.features = nn.Conv2d(channels_in, channels_out, 3, stride, padding=dilation, dilation=dilation)
        self.squeeze = nn.Conv2d(channels_in, squeezed, 1)
        self.gate = nn.Conv2d(squeezed, channels_out, 3, stride, padding=dilation, dilation=dilation)
        draw_weight(self.features, nn.init.calculate_gain("leaky_relu", SLOPE))

    def forward(self, x: Tensor) -> Tensor:
        """Features times twice their gates."""
        gates = torch.sigmoid(self.gate(functional.leaky_relu(self.squeeze(x), SLOPE)))
        return functional.leaky_relu(self.features(x), SLOPE) * (2 * gates)


def doubled(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 2 H, 2 W), each position four times."""
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
