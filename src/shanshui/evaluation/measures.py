"""The measures by name: what each computes from two sets of features, and what it means in words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal, TypeAlias

from shanshui.errors import ConfigError
from shanshui.evaluation.estimates import Estimate, Features
from shanshui.evaluation.gaussians import frechet, frechet_at_infinity
from shanshui.evaluation.kernels import kid, mmd
from shanshui.evaluation.manifolds import Comparison
from shanshui.evaluation.memorization import copied
from shanshui.evaluation.sharpness import contrast, sharpness

Better: TypeAlias = Literal["lower", "higher", "near one"]

MOST_NEIGHBOURS = 100

SURROUNDINGS = 10
"""Real images around an image that its nearest is measured against, to tell a twin from a crowd."""


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Features of real images (M, D) and of judged ones (N, D), and what their measures share."""

    real: Features
    fake: Features

    @cached_property
    def overlap(self) -> Comparison:
        """Their nearest neighbours."""
        return Comparison(self.real, self.fake)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What a figure says.

    Attributes:
        title: a few words for a table.
        meaning: one sentence for somebody who meets it for the first time.
        better: the direction of good.
        compute: from the features of both sides; None for a measure that needs more than those.
    """

    title: str
    meaning: str
    better: Better
    compute: Callable[[Sides], Estimate] | None = None


MEASURES: Mapping[str, Measure] = {
    "kid": Measure(
        title="Kernel distance (KID)",
        meaning="Distance between the two sets; zero when nothing tells them apart; unbiased, so right at few images.",
        better="lower",
        compute=lambda sides: kid(sides.real, sides.fake),
    ),
    "frechet": Measure(
        title="Frechet distance (FID)",
        meaning="Distance between Gaussians fitted to both sets; too large at few images, so compare at equal counts.",
        better="lower",
        compute=lambda sides: frechet(sides.real, sides.fake),
    ),
    "frechetinf": Measure(
        title="Frechet distance without its bias",
        meaning="The Frechet distance extrapolated to infinitely many images.",
        better="lower",
        compute=lambda sides: frechet_at_infinity(sides.real, sides.fake),
    ),
    "mmd": Measure(
        title="Gaussian-kernel distance (MMD)",
        meaning="Like KID with a Gaussian kernel, which sees differences of any shape; the distance behind CMMD.",
        better="lower",
        compute=lambda sides: mmd(sides.real, sides.fake),
    ),
    "variety": Measure(
        title="Variety",
        meaning="Mean distance between two judged images over that between two real ones; near 0 they are all alike.",
        better="near one",
        compute=lambda sides: sides.overlap.variety(),
    ),
    "distinctness": Measure(
        title="Distinctness",
        meaning="Distance of a judged image to the judged one most like it, over the same of real images; near 0 the "
        "set repeats itself.",
        better="near one",
        compute=lambda sides: sides.overlap.distinctness(),
    ),
    "copied": Measure(
        title="Copies of real images",
        meaning="Share of judged images that lie as near to one real image as only 1 % of real images lie to another.",
        better="lower",
        compute=lambda sides: _copied(sides.overlap, min(SURROUNDINGS, len(sides.real) - 1)),
    ),
    "sharpness": Measure(
        title="Fine detail",
        meaning="Energy of the finest detail relative to middle-sized detail, over the same of real images: below 1 "
        "blurred, above 1 noisy or harsh.",
        better="near one",
        compute=lambda sides: sharpness(sides.real, sides.fake),
    ),
    "contrast": Measure(
        title="Contrast",
        meaning="Energy of middle-sized detail over that of the real images: below 1 flat or foggy, above 1 harsh.",
        better="near one",
        compute=lambda sides: contrast(sides.real, sides.fake),
    ),
    "diversity": Measure(
        title="Diversity of pairs",
        meaning="Mean perceptual difference of two judged images picked at random; near 0 they are all alike.",
        better="higher",
    ),
    "memorized": Measure(
        title="Memorised share",
        meaning="Share of judged images that lie as near to one training image as only 1 % of held-out images do.",
        better="lower",
    ),
    "content": Measure(
        title="Change of content (LPIPS)",
        meaning="Mean perceptual distance between each photo and its stylised picture; 0 when nothing was changed.",
        better="lower",
    ),
    "artfid": Measure(
        title="ArtFID",
        meaning="(1 + change of content) x (1 + Frechet distance to the paintings); read it beside its two controls.",
        better="lower",
    ),
}
"""First word of a figure -> measure. A new measure is an entry here."""

_NEIGHBOUR_MEASURES: Mapping[str, tuple[Callable[[Comparison, int], Estimate], str, str]] = {
    "precision": (
        Comparison.precision,
        "Precision",
        "Share of judged images that lie among the real ones: low when they do not look real.",
    ),
    "recall": (
        Comparison.recall,
        "Recall",
        "Share of real images that lie among the judged ones: low when kinds of scenes are missing.",
    ),
    "density": (
        Comparison.density,
        "Density",
        "How thickly real images surround each judged one; like precision, but no outlier can inflate it; 1 is real.",
    ),
    "coverage": (
        Comparison.coverage,
        "Coverage",
        "Share of real images that have a judged one among their nearest; like recall, but no outlier can inflate it.",
    ),
}

_WORD = re.compile(r"(?P<word>[a-z]+)(?P<neighbours>[1-9]\d{0,2})?")


def measure_of(word: str) -> Measure:
    """The measure that the first word of a figure names: `kid`, or `precision3` with its number of neighbours.

    Raises:
        ConfigError: there is no such measure.
    """
    match = _WORD.fullmatch(word)
    if match is not None and match["neighbours"] is None and word in MEASURES:
        return MEASURES[word]
    if match is not None and match["neighbours"] is not None and match["word"] in _NEIGHBOUR_MEASURES:
        neighbours = int(match["neighbours"])
        if neighbours <= MOST_NEIGHBOURS:
            compute, title, meaning = _NEIGHBOUR_MEASURES[match["word"]]
            return Measure(
                title=f"{title} ({neighbours} neighbour{'s' if neighbours > 1 else ''})",
                meaning=meaning,
                better="higher",
                compute=partial(_with_neighbours, compute, neighbours),
            )
    raise ConfigError(f"There is no measure {word!r}: choose among {', '.join(sorted(known_words()))}.")


def known_words() -> tuple[str, ...]:
    """Every measure as an example of how it is written."""
    usual = {"precision": 3, "recall": 3, "density": 5, "coverage": 5}
    return (*MEASURES, *(f"{word}{usual[word]}" for word in _NEIGHBOUR_MEASURES))


def _copied(overlap: Comparison, around: int) -> Estimate:
    return copied(overlap.nearest(around)[0], overlap.surroundings(around))


def _with_neighbours(compute: Callable[[Comparison, int], Estimate], neighbours: int, sides: Sides) -> Estimate:
    return compute(sides.overlap, neighbours)
