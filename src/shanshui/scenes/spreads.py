"""How a measurement is spread over a data set, in classes that have names."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from shanshui.scenes.traits import Traits

_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Classes of a value: `names` has one more entry than `bounds`, and a bound belongs to the class above it."""

    bounds: tuple[float, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Counts by class, none of them left out, and the values below which 5, 25, 50, 75 and 95 % of the pictures lie."""

    counts: Mapping[str, int]
    quantiles: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        """In types that JSON has."""
        quantiles = {f"{share:.0%}": value for share, value in zip(_SHARES, self.quantiles, strict=False)}
        return {"counts": dict(self.counts), "quantiles": quantiles}


_SIDES = (64, 128, 256, 512, 1024, 2048)

SHORT_SIDES = Scale(
    bounds=_SIDES,
    names=(
        f"below {_SIDES[0]}",
        *(f"{low}-{high - 1}" for low, high in pairwise(_SIDES)),
        f"{_SIDES[-1]}+",
    ),
)
BRIGHTNESS = Scale(bounds=(0.2, 0.35, 0.5, 0.65), names=("very dark", "dark", "medium", "bright", "very bright"))
CONTRAST = Scale(bounds=(0.08, 0.15, 0.22, 0.3), names=("very weak", "weak", "medium", "strong", "very strong"))
COLOR = Scale(bounds=(0.02, 0.1, 0.2, 0.35), names=("none", "pale", "medium", "strong", "glaring"))
ASPECT = Scale(bounds=(0.8, 1.25, 1.6, 2.1), names=("upright", "square", "wide", "wider", "panorama"))


def spreads(traits: Iterable[Traits]) -> dict[str, Spread]:
    """Short side in pixels, brightness, contrast, colour and aspect (width over height) of the pictures."""
    pictures = tuple(traits)
    return {
        "short side": spread([min(one.width, one.height) for one in pictures], SHORT_SIDES),
        "brightness": spread([one.brightness for one in pictures], BRIGHTNESS),
        "contrast": spread([one.contrast for one in pictures], CONTRAST),
        "colour": spread([one.color for one in pictures], COLOR),
        "aspect": spread([one.width / one.height for one in pictures], ASPECT),
    }


def spread(values: Iterable[float], scale: Scale) -> Spread:
    """`values` by the classes of `scale`; without values there are no quantiles."""
    numbers = sorted(values)
    counts = dict.fromkeys(scale.names, 0)
    for number in numbers:
        counts[scale.names[bisect_right(scale.bounds, number)]] += 1
    quantiles = np.quantile(numbers, _SHARES).tolist() if numbers else []
    return Spread(counts=counts, quantiles=tuple(quantiles))
