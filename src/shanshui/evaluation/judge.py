"""Figures on demand: of two sets of images, or of a generator again and again while it learns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import torch

from shanshui.errors import DataError
from shanshui.evaluation.estimates import Estimate, Features
from shanshui.evaluation.examination import NEIGHBOURS, Examination, copies, movement
from shanshui.evaluation.features import Extractor, FeatureSet, Image, extract
from shanshui.evaluation.manifolds import Comparison
from shanshui.evaluation.protocols import (
    DEFAULT_FIGURES,
    choosing_metric,
    compare,
    features_of,
    protocol_of,
    split_figure,
)
from shanshui.evaluation.references import reference_features
from shanshui.events import Emit, ignore

TRACED = 64
"""Images whose movement from one examination to the next is followed."""


class Judge:
    """Measures batch after batch of generated images against one reference that is extracted once.

    The features of the preferred figure also tell variety, recall, movement and copies.

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
        heldout: Mapping[str, FeatureSet] = MappingProxyType({}),
        photo: Callable[[int], Image] | None = None,
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
            heldout: as `reference`, of photographs of the same kind that are never trained on; empty for none.
            photo: real image number so-and-so of the reference, height x width, to show beside its copy.
            batch_size: as in `extract`.
            device: where `extractor` lives.

        Raises:
            ConfigError: a figure that does not exist, or whose features are not in `reference`.
        """
        self._reference = reference
        self._extractor = extractor
        self._height, self._width = height, width
        self._figures = tuple(figures)
        self._heldout, self._photo = heldout, photo
        self._batch_size = batch_size
        self._device = device
        self.fakes = fakes
        self.names = tuple(
            protocol_of(figure, reference, fakes=fakes, height=height, width=width).name for figure in self._figures
        )

    def __call__(self, draw: Callable[[int], Iterable[Image]], before: Features | None = None) -> Examination:
        """All there is to say of a generator from one pass over its images.

        Args:
            draw: `draw(count)` gives that many of its images, HWC uint8, of the same latents each time.
            before: the `trace` of the previous examination; None at the first.

        Raises:
            DataError: fewer images than the protocol names.
            ImageError, NonFiniteError: as in `extract`.
        """
        images: list[Image] = []
        features = self._extract(draw(self.fakes), images.append)
        estimates = compare(self._reference, features, self._figures, height=self._height, width=self._width)
        name = split_figure(self._figures[0])[1]
        real, fake = self._reference[name].values, features[name].values
        comparison = Comparison(real, fake)
        heldout = self._heldout[name].values if name in self._heldout else None
        found = copies(comparison, real, fake, heldout)
        pairs = found.pairs if found is not None else ()
        return Examination(
            figures={name: estimate.value for name, estimate in estimates.items()},
            errors={name: each.standard_error for name, each in estimates.items() if each.standard_error is not None},
            variety=comparison.variety().value,
            recall=comparison.recall(min(NEIGHBOURS, len(real) - 1)).value,
            movement=movement(fake, before, comparison.spacing()),
            copies=found,
            trace=fake[:TRACED],
            evidence=self._beside(images, pairs),
        )

    def score(self, images: Iterable[Image]) -> dict[str, Estimate]:
        """The figures of the first `fakes` of `images`, with standard errors where the measure has one.

        Raises:
            DataError: fewer images than the protocol names.
            ImageError, NonFiniteError: as in `extract`.
        """
        features = self._extract(images)
        return compare(self._reference, features, self._figures, height=self._height, width=self._width)

    def _beside(self, images: Sequence[Image], pairs: Sequence[tuple[int, int]]) -> list[Image]:
        """Image, photograph, image, photograph."""
        if self._photo is None:
            return []
        return [image for row, number in pairs for image in (images[row], self._photo(number))]

    def _extract(
        self, images: Iterable[Image], watch: Callable[[Image], None] = lambda image: None
    ) -> dict[str, FeatureSet]:
        features = extract(
            islice(images, self.fakes),
            self._extractor,
            height=self._height,
            width=self._width,
            batch_size=self._batch_size,
            device=self._device,
            watch=watch,
        )
        judged = len(next(iter(features.values())))
        if judged != self.fakes:
            raise DataError(f"{judged} images came to be judged and {self.fakes} are needed: make more of them.")
        return features

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
