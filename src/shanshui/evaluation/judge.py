"""Figures on demand: of two sets of images, or of a generator again and again while it learns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

import torch

from shanshui.errors import DataError
from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.features import Extractor, FeatureSet, Image, extract
from shanshui.evaluation.protocols import DEFAULT_FIGURES, choosing_metric, compare, features_of, protocol_of
from shanshui.evaluation.references import reference_features
from shanshui.events import Emit, ignore


class Judge:
    """Measures batch after batch of generated images against one reference that is extracted once.

    Attributes:
        names: full names of the figures, the preferred first; known before anything is judged.
        fakes: number of generated images that each judgement takes.
    """

    def __init__(
        self,
        reference: Mapping[str, FeatureSet],
        extractor: Extractor,
        *,
        height: int,
        width: int,
        fakes: int,
        figures: Sequence[str] = DEFAULT_FIGURES,
        batch_size: int = 32,
        device: torch.device | str = "cpu",
    ) -> None:
        """A judge with the features `reference` of real images (see `reference_features`).

        Args:
            reference: feature name -> features of the real images, extracted at height x width.
            extractor: the network that extracted them.
            height: rows of the images that the network sees.
            width: columns of them.
            fakes: number of generated images in each judgement.
            figures: measure and feature, the preferred first.
            batch_size: as in `extract`.
            device: where `extractor` lives.

        Raises:
            ConfigError: a figure that does not exist, or whose features are not in `reference`.
        """
        self._reference = reference
        self._extractor = extractor
        self._height, self._width = height, width
        self._figures = tuple(figures)
        self._batch_size = batch_size
        self._device = device
        self.fakes = fakes
        self.names = tuple(
            protocol_of(figure, reference, fakes=fakes, height=height, width=width).name for figure in self._figures
        )

    def __call__(self, draw: Callable[[int], Iterable[Image]]) -> Mapping[str, float]:
        """The figures of a generator: `draw(count)` gives that many of its images, HWC uint8."""
        return {name: estimate.value for name, estimate in self.score(draw(self.fakes)).items()}

    def score(self, images: Iterable[Image]) -> dict[str, Estimate]:
        """The figures of the first `fakes` of `images`, with standard errors where the measure has one.

        Raises:
            DataError: fewer images than the protocol names.
            ImageError, NonFiniteError: as in `extract`.
        """
        features = extract(
            islice(images, self.fakes),
            self._extractor,
            height=self._height,
            width=self._width,
            batch_size=self._batch_size,
            device=self._device,
        )
        judged = len(next(iter(features.values())))
        if judged != self.fakes:
            raise DataError(f"{judged} images came to be judged and {self.fakes} are needed: make more of them.")
        return compare(self._reference, features, self._figures, height=self._height, width=self._width)

    def choosing(self, looks_through: str | None) -> str:
        """The figure that chooses the best snapshot of a learner; see `choosing_metric`."""
        return choosing_metric(self.names, looks_through=looks_through)


def evaluate(
    real: Iterable[Image],
    fake: Iterable[Image],
    extractor: Extractor,
    figures: Sequence[str] = DEFAULT_FIGURES,
    *,
    height: int,
    width: int,
    digest: str | None = None,
    count: int | None = None,
    cache: Path | None = None,
    batch_size: int = 32,
    device: torch.device | str = "cpu",
    emit: Emit = ignore,
) -> dict[str, Estimate]:
    """The figures of all `fake` images against all `real` ones, under their full names, in the order of `figures`.

    Args:
        real: HWC uint8, of any sizes.
        fake: HWC uint8, of any sizes.
        extractor: as in `extract`.
        figures: measure and feature, for instance `kid_vgg19_relu5_4`.
        height: rows of the images that the network sees, on both sides.
        width: columns of them.
        digest: fingerprint of the set that `real` comes from, to keep its features on disk; None keeps nothing.
        count: number of images that `real` takes from that set, None for all; part of what is kept.
        cache: folder for them; None for `default_cache_folder()`.
        batch_size: as in `extract`.
        device: where `extractor` lives.
        emit: hears a `Warned` when the cache cannot be written.

    Raises:
        ConfigError: a figure that does not exist or that the extractor has no features for.
        DataError, ImageError, NonFiniteError: as in `extract` and in the measures.
    """
    reals = reference_features(
        real,
        extractor,
        features_of(figures),
        height=height,
        width=width,
        digest=digest,
        count=count,
        cache=cache,
        batch_size=batch_size,
        device=device,
        emit=emit,
    )
    fakes = extract(fake, extractor, height=height, width=width, batch_size=batch_size, device=device)
    return compare(reals, fakes, figures, height=height, width=width)
