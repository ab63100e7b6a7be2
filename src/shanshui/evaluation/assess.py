"""One judged set after another against the same real images: figures, their control, words, images to look at."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor

from shanshui.errors import DataError
from shanshui.evaluation.assessment import Assessment
from shanshui.evaluation.collection import Collection, halves
from shanshui.evaluation.diversity import PairDistance
from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.figures import ALWAYS_THERE, OF_PICTURES, feature_of
from shanshui.evaluation.gallery import gallery
from shanshui.evaluation.pairing import Pairing
from shanshui.evaluation.protocols import Protocol, split_figure
from shanshui.evaluation.similarity import ms_ssim
from shanshui.evaluation.verdict import verdict


@dataclass(frozen=True, kw_only=True)
class Assessor:
    """Measures judged sets against `real`.

    Attributes:
        real: the reference; held-out images where `train` is given.
        train: what the judged models learned from, to find copies of it; None when unknown.
        figures: measure and feature of each figure, at least one of them with a feature.
        height: rows of the images that the networks saw.
        width: columns of them.
        distances: distances between images by name, besides `ALWAYS_THERE`.
    """

    real: Collection
    train: Collection | None = None
    figures: Sequence[str]
    height: int
    width: int
    distances: Mapping[str, PairDistance] = field(default_factory=dict)

    def assess(
        self, judged: Collection, *, images_seen: int | None = None, looks_through: str | None = None
    ) -> Assessment:
        """Everything about `judged`.

        Args:
            judged: the set.
            images_seen: of the snapshot that made it.
            looks_through: family of the encoder through which its model was trained; None where there was none, or
                nobody knows.

        Raises:
            ConfigError: a figure that does not exist or cannot be measured with what is given.
            DataError: too few images for a figure.
        """
        pairing = self._pairing(self.real, judged)
        figures = {self._name(figure, judged): pairing.figure(figure) for figure in self.figures}
        control = {self._name(figure, judged): estimate for figure, estimate in self.control.items()}
        return Assessment(
            label=judged.label,
            images_seen=images_seen,
            figures=figures,
            control=control,
            verdict=verdict(figures, control, looks_through=looks_through),
            gallery=gallery(pairing, self._main_feature),
        )

    @cached_property
    def control(self) -> Mapping[str, Estimate]:
        """The figures of one half of the real images against the other: what perfection would score.

        A figure for which a half has too few images is left out.
        """
        pairing = self._pairing(*halves(self.real))
        control = {}
        for figure in self.figures:
            if split_figure(figure)[0] not in OF_PICTURES:
                with suppress(DataError):
                    control[figure] = pairing.figure(figure)
        return control

    @property
    def _main_feature(self) -> str:
        """The feature that the first figure with one looks at."""
        return next(feature for feature in map(feature_of, self.figures) if feature is not None)

    def _pairing(self, real: Collection, judged: Collection) -> Pairing:
        distances = {ALWAYS_THERE: _difference, **self.distances}
        return Pairing(real=real, judged=judged, train=self.train, distances=distances)

    def _name(self, figure: str, judged: Collection) -> str:
        measure, feature = split_figure(figure)
        protocol = Protocol(
            measure=measure,
            feature=feature,
            height=self.height,
            width=self.width,
            reals=len(self.real),
            fakes=len(judged),
            trained=len(self.train) if measure == "memorized" and self.train is not None else None,
        )
        return protocol.name


def _difference(first: Tensor, second: Tensor) -> Tensor:
    return 1 - ms_ssim(first, second)
