"""What was found about one judged set of images: figures, words, and the images that explain them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.features import Image


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Figures in words.

    Attributes:
        headline: one line, for instance `diverse but blurry: precision 0.31, recall 0.62`.
        findings: full sentences, the weightiest first.
        warnings: what stands against trusting the figures (few images, a judge that helped to train the model).
    """

    headline: str
    findings: Sequence[str] = ()
    warnings: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """A judged image beside the images nearest to it in feature space.

    Attributes:
        image: the judged image.
        nearest: the nearest images, the nearest first.
        distances: their Euclidean distances in feature space; 1 is what real images have on average.
    """

    image: Image
    nearest: Sequence[Image]
    distances: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Values of several named groups to draw as histograms on one axis.

    Attributes:
        title: what is distributed, in words.
        axis: name and unit of the values.
        groups: group name -> values (N,).
    """

    title: str
    axis: str
    groups: Mapping[str, NDArray[np.floating]]


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Images that explain the figures; all HWC uint8 of one size, small enough for a page.

    Attributes:
        shown: judged images, spread evenly over the set.
        most_typical: judged images deepest inside the real manifold, the most typical first.
        least_typical: judged images farthest from it, the least typical first.
        neighbours: some judged images with the real images nearest to them.
        copies: judged images that count as memorised, the most suspicious first, with the training image.
        distributions: histograms.
    """

    shown: Sequence[Image]
    most_typical: Sequence[Image] = ()
    least_typical: Sequence[Image] = ()
    neighbours: Sequence[Neighbours] = ()
    copies: Sequence[Neighbours] = ()
    distributions: Sequence[Distribution] = ()


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """One judged set.

    Attributes:
        label: what was judged: a path, a model, a snapshot of a run.
        images_seen: how long a snapshot had been trained; None for anything that is not a snapshot.
        figures: full name of each figure -> estimate.
        control: the same figures of one half of the real images against the other: what perfection would score.
        verdict: the figures in words.
        gallery: images to look at.
    """

    label: str
    images_seen: int | None = None
    figures: Mapping[str, Estimate]
    control: Mapping[str, Estimate]
    verdict: Verdict
    gallery: Gallery
