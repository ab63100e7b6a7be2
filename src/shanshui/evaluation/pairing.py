"""Two sets of images and what is computed of both together, each thing once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from shanshui.errors import ConfigError
from shanshui.evaluation.collection import Collection
from shanshui.evaluation.diversity import PairDistance, pair_figure
from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.measures import Sides
from shanshui.evaluation.memorization import Memorization, memorization
from shanshui.evaluation.protocols import figure_of, sides_of, split_figure
from shanshui.evaluation.stylization import artfid, content

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """Two sets of images and what their figures and their gallery share.

    Attributes:
        real: the reference; held-out images where `train` is given.
        judged: what is measured against it.
        train: what the judged images were learned from; None when unknown.
        distances: name -> distance between images, for `diversity_NAME`.
    """

    real: Collection
    judged: Collection
    train: Collection | None
    distances: Mapping[str, PairDistance]
    _sides: dict[str, Sides] = field(default_factory=dict)
    _memorization: dict[str, Memorization] = field(default_factory=dict)

    def figure(self, figure: str) -> Estimate:
        """One figure, by measure and feature."""
        measure, feature = split_figure(figure)
        if measure == "diversity":
            return pair_figure(self.judged.sample, _known(feature, self.distances, figure))
        if measure == "memorized":
            return self.memorization(feature).share
        if measure == "content":
            return content(_known(feature, self.judged.changes, figure))
        if measure == "artfid":
            distance, _, feature = feature.partition("_")
            change = content(_known(distance, self.judged.changes, figure))
            return artfid(change, figure_of("frechet", self.sides(feature)))
        return figure_of(measure, self.sides(feature))

    def sides(self, feature: str) -> Sides:
        """Features of both sets, ready to be compared."""
        if feature not in self._sides:
            self._sides[feature] = sides_of(
                *(_known(feature, side.features, feature) for side in (self.real, self.judged))
            )
        return self._sides[feature]

    def memorization(self, feature: str) -> Memorization:
        """How the judged images lie to the training images, beside how the real (held-out) ones do."""
        if self.train is None:
            raise ConfigError("Memorisation needs to know what was trained on: add --train PATH.")
        if feature not in self._memorization:
            judged, train, real = (
                _known(feature, side.features, feature).values for side in (self.judged, self.train, self.real)
            )
            self._memorization[feature] = memorization(judged, train, real)
        return self._memorization[feature]


def _known(name: str, among: Mapping[str, T], figure: str) -> T:
    if name not in among:
        raise ConfigError(f"{figure} needs {name}, and there are: {', '.join(sorted(among))}.")
    return among[name]
