"""StyleGAN: styles scale and shift normalised maps.

Karras et al. 2019, "A Style-Based Generator Architecture for Generative Adversarial Networks"
(https://arxiv.org/abs/1812.04948).

Departures: all sizes learn at once instead of growing one by one, as in the paper's successor; doubling and the blur
[1, 2, 1] behind its convolution are one operation, the same away from the border (see `filters`); styles are mixed
scene by scene; truncation acts on all layers.

The constant begins with all numbers equal, as in the authors' program. It then has no deviation for the first
normalisation to divide by, and its first gradient is some 100,000 times all others'. One that begins normally
distributed, as in StyleGAN2, has no such gradient but made worse scenes: see docs/numerics.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from shanshui.networks.equalized import ACTIVATION_GAIN, EqualizedConv2d, EqualizedLinear, activate
from shanshui.networks.filters import EqualizedDoubling
from shanshui.networks.generators.style_based import PixelNoise, StyleBasedConfig, StyleBasedGenerator, Synthesis

_EPSILON = 1e-8


@dataclass(frozen=True, kw_only=True)
class StyleGANConfig(StyleBasedConfig):
    """How a `StyleGAN` is built; the paper's for 1024 px is `doublings` 8 and `width` 16, for 256 px 6 and 64."""


class StyleGAN(StyleBasedGenerator):
    """Latents (N, latent) -> scenes (N, 3, H, W), of which [-1, 1] is what can be shown; `sample` clamps."""

    config: StyleGANConfig

    def __init__(self, config: StyleGANConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__(config, _PlainSynthesis(config))


class _PlainSynthesis(Synthesis):
    """A constant, two styled layers at each size, and colours from the last map."""

    def __init__(self, config: StyleGANConfig) -> None:
        super().__init__()
        channels = config.channels
        self.layers = 2 * len(channels)
        self.constant = nn.Parameter(torch.ones(1, channels[0], *config.start))
        enter: list[nn.Module] = [nn.Identity()]
        enter += [EqualizedDoubling(coarse, fine, gain=ACTIVATION_GAIN) for coarse, fine in pairwise(channels)]
        self.stages = nn.ModuleList(
            _Stage(entrance, config.style, count, config.size_after(doublings))
            for doublings, (entrance, count) in enumerate(zip(enter, channels, strict=True))
        )
        self.to_rgb = EqualizedConv2d(channels[-1], 3, 1)

    def layers_to_join(self) -> Iterable[nn.Module]:
        return (module for module in self.modules() if isinstance(module, _Finish))

    def forward(self, styles: Tensor, random: torch.Generator | None = None) -> Tensor:
        x = self.constant.expand(len(styles), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        for stage, pair in zip(self.stages, styles.split(2, dim=1), strict=True):
            x = stage(x, pair, random)
        with torch.autocast(x.device.type, enabled=False):
            colors: Tensor = self.to_rgb(x.to(self.to_rgb.weight.dtype))
        return colors


class _Stage(nn.Module):
    """One size: what `enter` makes is finished, convolved and finished again; (N, 2, style) styles finish it."""

    def __init__(self, enter: nn.Module, style: int, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.enter = enter
        self.entered = _Finish(style, channels, size)
        self.refine = EqualizedConv2d(channels, channels, 3, gain=ACTIVATION_GAIN, bias=False)
        self.refined = _Finish(style, channels, size)

    def forward(self, x: Tensor, styles: Tensor, random: torch.Generator | None) -> Tensor:
        x = self.entered(self.enter(x), styles[:, 0], random)
        finished: Tensor = self.refined(self.refine(x), styles[:, 1], random)
        return finished


class _Finish(nn.Module):
    """Noise, bias, leaky ReLU, and adaptive instance normalisation."""

    def __init__(self, style: int, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))
        self.noise = PixelNoise(*size, strengths=channels)
        self.norm = AdaptiveNorm(style, channels)

    def forward(self, x: Tensor, styles: Tensor, random: torch.Generator | None) -> Tensor:
        offset = self.noise(len(x), random, gain=ACTIVATION_GAIN) + ACTIVATION_GAIN * self.bias
        normalized: Tensor = self.norm(activate(x + offset.to(x.dtype)), styles)
        return normalized


class AdaptiveNorm(nn.Module):
    """(1 + scale_i) (x_i - mean(x_i)) / std(x_i) + shift_i for each map x_i of each image (equation 1).

    Scale and shift are affine in the style and start around 0, so that a map starts with standard deviation 1.
    """

    def __init__(self, style: int, channels: int) -> None:
        super().__init__()
        self.affine = EqualizedLinear(style, 2 * channels)

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        """(N, C, H, W), (N, style) -> (N, C, H, W) in the precision of `x`, in channels-last memory."""
        count, channels, height, width = x.shape
        with torch.autocast(x.device.type, enabled=False):
            scale, shift = self.affine(styles)[:, None].chunk(2, dim=2)
            positions = x.permute(0, 2, 3, 1).flatten(1, 2)
            # Means as products with a row of equal shares: in channels-last memory several times faster than `mean`.
            shares = x.new_full((count, 1, height * width), 1 / (height * width))
            centred = positions - shares @ positions
            variance = (shares @ centred.square()).to(scale.dtype)
            factor = (1 + scale) * torch.rsqrt(variance + _EPSILON)
            normalized = torch.addcmul(shift.to(x.dtype), centred, factor.to(x.dtype))
        return normalized.view(count, height, width, channels).permute(0, 3, 1, 2)
