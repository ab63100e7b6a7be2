"""What can be measured of a scene without knowing what is in it: light, colour, where the sky ends, how busy it is.

Each statistic is a smooth function of the pixels, so that a generator can be asked how to change it. None of them needs
labels or weights. Colours are CIELAB (CIE 15:2004) for D65, from sRGB (IEC 61966-2-1).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

_WARM_HUE = 50.0
"""Degrees of the CIELAB hue that people call warmest: Ou et al. 2004, "A study of colour emotion", part I."""
_SUNSET_HUE = 60.0
_FOLIAGE_HUE = 120.0

_SKY, _GROUND = 0.4, 0.5
"""The sky is looked for in this share of the rows from the top, the ground in this share from the bottom."""
_EDGE = 0.05
"""How gradually both end, in shares of the height."""

_GREY = 15.0
"""A chroma with which a colour counts half as grey."""
_FAINT = 10.0
"""A chroma below which a sunset hardly counts."""
_BUSY = 2.0
"""A difference in texture counts this many times as much as one in lightness when the sky is told from the ground."""
_DECIDED = 4
"""How strongly the clearest row outvotes the others when the horizon is found; higher is less smooth."""
_PROFILE_ROWS = 32

_TO_XYZ = torch.tensor(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_LINEAR_BELOW = 0.04045
_CUBIC_ABOVE, _SLOPE = 216 / 24389, 24389 / 27


@dataclass(frozen=True)
class Look:
    """Scenes (N, 3, H, W) in [-1, 1], seen as statistics see them; what several of them share is computed once."""

    scenes: Tensor

    @cached_property
    def rgb(self) -> Tensor:
        """(N, 3, H, W), gamma-coded, in [0, 1]."""
        return ((self.scenes + 1) / 2).clamp(0, 1)

    @cached_property
    def lab(self) -> Tensor:
        """(N, 3, H, W): L* in [0, 100], a*, b*."""
        linear = torch.where(
            self.rgb <= _LINEAR_BELOW, self.rgb / 12.92, ((self.rgb.clamp_min(_LINEAR_BELOW) + 0.055) / 1.055) ** 2.4
        )
        relative = _TO_XYZ / _TO_XYZ.sum(dim=1, keepdim=True)
        xyz = torch.einsum("ij,njhw->nihw", relative.to(linear), linear)
        compressed = torch.where(xyz > _CUBIC_ABOVE, xyz.clamp_min(_CUBIC_ABOVE) ** (1 / 3), (_SLOPE * xyz + 16) / 116)
        x, y, z = compressed.unbind(dim=1)
        return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)

    @property
    def lightness(self) -> Tensor:
        """L*, (N, H, W)."""
        return self.lab[:, 0]

    @cached_property
    def chroma(self) -> Tensor:
        """C*, (N, H, W); smooth where a colour is grey."""
        return (self.lab[:, 1].square() + self.lab[:, 2].square() + 1e-3).sqrt()

    @cached_property
    def whiteness(self) -> Tensor:
        """(N, H, W) in [0, 1]: 1 is white, 0 is black or full of colour."""
        return self.lightness / 100 / (1 + (self.chroma / _GREY).square())

    def towards(self, hue: float) -> Tensor:
        """Chroma in the direction of a hue in degrees, (N, H, W); negative for the opposite hue."""
        angle = math.radians(hue)
        return self.lab[:, 1] * math.cos(angle) + self.lab[:, 2] * math.sin(angle)

    def texture(self, parts: int) -> Tensor:
        """Standard deviation of L* within squares of 1/`parts` of the height: (N, rows, columns)."""
        side = min(max(self.scenes.shape[2] // parts, 2), *self.scenes.shape[2:])
        mean = F.avg_pool2d(self.lightness[:, None], side)
        square = F.avg_pool2d(self.lightness[:, None].square(), side)
        return (square - mean.square()).clamp_min(0).add(1e-2).sqrt()[:, 0]


def brightness(look: Look) -> Tensor:
    """Mean L*."""
    return look.lightness.mean(dim=(1, 2))


def warmth(look: Look) -> Tensor:
    """Mean chroma towards the warmest hue (red-orange), away from the coldest (blue)."""
    return look.towards(_WARM_HUE).mean(dim=(1, 2))


def horizon(look: Look) -> Tensor:
    """Height of the row where sky ends and ground begins: 0 is the bottom, 1 the top.

    Above a horizon it is brighter, smoother and less green than below. Every row is scored by how much that is true
    of the means above and below it, times the product of both shares (the variance between two classes, Otsu 1979);
    the result is the mean height of all rows, weighted with a power of the score.
    """
    texture = F.interpolate(look.texture(16)[:, None], size=look.lightness.shape[1:], mode="bilinear")[:, 0]
    signs_of_sky = torch.stack([look.lightness, -_BUSY * texture, -look.towards(_FOLIAGE_HUE) / 2], dim=1)
    rows = min(_PROFILE_ROWS, look.scenes.shape[2])
    profile = F.adaptive_avg_pool1d(signs_of_sky.mean(dim=3), rows)
    sums = profile.cumsum(dim=2)[..., :-1]
    above = torch.arange(1, rows).to(profile)
    share = above / rows
    difference = sums / above - (profile.sum(dim=2, keepdim=True) - sums) / (rows - above)
    score = share * (1 - share) * difference.clamp_min(0).square().sum(dim=1) + 1e-2
    votes = (score / score.amax(dim=1, keepdim=True)) ** _DECIDED
    return 1 - (votes * share).sum(dim=1) / votes.sum(dim=1)


def greenness(look: Look) -> Tensor:
    """Excess green of the ground, 2 G - R - B (Woebbecke et al. 1995), of values in [0, 1]."""
    red, green, blue = look.rgb.unbind(dim=1)
    return _below(2 * green - red - blue)


def contrast(look: Look) -> Tensor:
    """Standard deviation of L*."""
    return look.lightness.std(dim=(1, 2))


def cloud(look: Look) -> Tensor:
    """How white the sky is, and how uneven at the scale of clouds: the geometric mean of both."""
    return (_above(look.whiteness) * _above(look.texture(8)) + 1e-4).sqrt()


def color(look: Look) -> Tensor:
    """Mean chroma C*."""
    return look.chroma.mean(dim=(1, 2))


def detail(look: Look) -> Tensor:
    """Logarithm of the mean difference in L* between neighbouring pixels."""
    down = look.lightness.diff(dim=1).abs().mean(dim=(1, 2))
    along = look.lightness.diff(dim=2).abs().mean(dim=(1, 2))
    return (down + along + 1e-3).log()


def sunset(look: Look) -> Tensor:
    """Mean chroma of the sky towards orange; other hues count nothing."""
    return _above(_FAINT * F.softplus(look.towards(_SUNSET_HUE) / _FAINT))


Statistic: TypeAlias = Callable[[Look], Tensor]

STATISTICS: Mapping[str, Statistic] = {
    statistic.__name__: statistic
    for statistic in (brightness, warmth, horizon, greenness, contrast, cloud, color, detail, sunset)
}
"""Name -> statistic: scenes -> (N,)."""


def measure(scenes: Tensor) -> Tensor:
    """Every statistic of scenes (N, 3, H, W) in [-1, 1]: (N, K), in the order of `STATISTICS`; differentiable."""
    look = Look(scenes)
    return torch.stack([statistic(look) for statistic in STATISTICS.values()], dim=1)


def _above(values: Tensor) -> Tensor:
    """Mean of (N, H, W) over the sky: (N,)."""
    return _mean_of_rows(values, (_SKY - _heights(values)) / _EDGE)


def _below(values: Tensor) -> Tensor:
    """Mean of (N, H, W) over the ground: (N,)."""
    return _mean_of_rows(values, (_heights(values) - (1 - _GROUND)) / _EDGE)


def _heights(values: Tensor) -> Tensor:
    """Distance of each row from the top, in (0, 1)."""
    rows = values.shape[1]
    return (torch.arange(rows).to(values) + 0.5) / rows


def _mean_of_rows(values: Tensor, inside: Tensor) -> Tensor:
    weights = torch.sigmoid(inside)
    return values.mean(dim=2) @ (weights / weights.sum())
