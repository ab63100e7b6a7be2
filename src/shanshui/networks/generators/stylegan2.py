"""StyleGAN2: styles modulate the weights of convolutions; every size adds to the picture.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (https://arxiv.org/abs/1912.04958): the
generator with skip connections. It learns with `discriminators.stylegan2`, the non-saturating game, lazy R1 and path
length regularisation.

Departures: colours are doubled with their border repeated instead of with zeros around them; styles are mixed scene by
scene. Nothing else: modulation is computed on maps instead of weights, which gives the same numbers (`modulation`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from shanshui.networks.equalized import ACTIVATION_GAIN
from shanshui.networks.filters import Doubling, double
from shanshui.networks.generators.style_based import PixelNoise, StyleBasedConfig, StyleBasedGenerator, Synthesis
from shanshui.networks.modulation import ModulatedConvolution, ToRGB, convolve


@dataclass(frozen=True, kw_only=True)
class StyleGAN2Config(StyleBasedConfig):
    """How a `StyleGAN2` is built; the paper's for 1024 px is `doublings` 8 and `width` 32, for 256 px 6 and 64."""


class StyleGAN2(StyleBasedGenerator):
    """Latents (N, latent) -> scenes (N, 3, H, W), of which [-1, 1] is what can be shown; `sample` clamps."""

    config: StyleGAN2Config

    def __init__(self, config: StyleGAN2Config) -> None:
        """Weights from torch's global generator."""
        super().__init__(config, _SkipSynthesis(config))


class _SkipSynthesis(Synthesis):
    """A constant, one convolution; then two for each doubling. The picture is the sum of what each size adds.

    What a size adds has the style of the next size's first convolution, as in the paper.
    """

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        channels, style = config.channels, config.style
        self.layers = 2 * config.doublings + 2
        self.constant = nn.Parameter(torch.randn(1, channels[0], *config.start))
        self.first = StyledConvolution(convolve, style, channels[0], channels[0], config.start)
        self.doubling = nn.ModuleList()
        self.refining = nn.ModuleList()
        for doublings, (coarse, fine) in enumerate(pairwise(channels), start=1):
            size = config.size_after(doublings)
            self.doubling.append(StyledConvolution(Doubling(), style, coarse, fine, size))
            self.refining.append(StyledConvolution(convolve, style, fine, fine, size))
        self.to_rgb = nn.ModuleList(ToRGB(style, count) for count in channels)

    def layers_to_join(self) -> Iterable[nn.Module]:
        return (module for module in self.modules() if isinstance(module, StyledConvolution))

    def forward(self, styles: Tensor, random: torch.Generator | None = None) -> Tensor:
        one_by_one = styles.unbind(dim=1)
        x = self.first(self.constant.expand(len(styles), -1, -1, -1), one_by_one[0], random)
        picture: Tensor = self.to_rgb[0](x, one_by_one[1])
        for k, (enlarge, refine) in enumerate(zip(self.doubling, self.refining, strict=True)):
            x = enlarge(x, one_by_one[2 * k + 1], random)
            x = refine(x, one_by_one[2 * k + 2], random)
            picture = double(picture) + self.to_rgb[k + 1](x, one_by_one[2 * k + 3])
        return picture


class StyledConvolution(ModulatedConvolution):
    """A `ModulatedConvolution` whose maps have one size, with noise of its own.

    Args:
        convolve: (maps, weight) -> maps of `size`.
        style: numbers in a style.
        channels_in: I.
        channels_out: O.
        size: rows and columns of the result.
    """

    def __init__(
        self,
        convolve: Callable[[Tensor, Tensor], Tensor],
        style: int,
        channels_in: int,
        channels_out: int,
        size: tuple[int, int],
    ) -> None:
        super().__init__(convolve, style, channels_in, channels_out)
        self.noise = PixelNoise(*size)

    def forward(self, x: Tensor, styles: Tensor, random: torch.Generator | None) -> Tensor:
        """(N, I, ., .), styles (N, style), a source of noise -> (N, O, *size)."""
        return self.styled(x, styles, self.noise(len(x), random, gain=ACTIVATION_GAIN))
