"""One side of an evaluation: a set of images as measures and pages see it, without the images in memory."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from shanshui.evaluation.album import Album
from shanshui.evaluation.diversity import SAMPLE_SIZE, PixelSample
from shanshui.evaluation.features import Extractor, FeatureSet, Image, extract
from shanshui.evaluation.references import reference_features
from shanshui.evaluation.stills import Stills, stills
from shanshui.events import Emit, ignore


@dataclass(frozen=True, kw_only=True)
class Lens:
    """How images are looked at.

    Attributes:
        extractor: the networks that judge, as one.
        height: rows that every image is brought to before them.
        width: columns.
        batch_size: images at a time.
        device: where the networks live.
    """

    extractor: Extractor
    height: int
    width: int
    batch_size: int = 32
    device: torch.device | str = "cpu"


@dataclass(frozen=True, kw_only=True)
class Collection:
    """A set of images.

    Attributes:
        label: what people call it.
        features: feature name -> features of all its images.
        sample: some of its images in full, drawn at random.
        image: row of the features -> that image, or a smaller version of it.
    """

    label: str
    features: Mapping[str, FeatureSet]
    sample: PixelSample
    image: Callable[[int], Image]

    def __len__(self) -> int:
        """The number of images."""
        return max(map(len, self.features.values()), default=0)


def collect(label: str, images: Iterable[Image], lens: Lens) -> Collection:
    """Everything about `images`, which are consumed once.

    Raises:
        DataError, ImageError, NonFiniteError: as in `extract`.
        StorageError: no room for temporary files.
    """
    sample, album = PixelSample(), Album()

    def watch(image: Image) -> None:
        sample.add(image)
        album.add(image)

    features = extract(
        images,
        lens.extractor,
        height=lens.height,
        width=lens.width,
        batch_size=lens.batch_size,
        device=lens.device,
        watch=watch,
    )
    return Collection(label=label, features=features, sample=sample, image=album.__getitem__)


def collect_stills(
    images: Stills, names: Iterable[str], lens: Lens, *, cache: Path | None = None, emit: Emit = ignore
) -> Collection:
    """Everything about a data set, whose features `names` come from the cache where they are known.

    Its images are decoded again when they are to be seen, and its sample is spread evenly over the set.

    Raises:
        ConfigError, DataError, ImageError, NonFiniteError: as in `reference_features`.
    """
    features = reference_features(
        images,
        lens.extractor,
        names,
        height=lens.height,
        width=lens.width,
        digest=images.source.digest,
        count=images.count,
        cache=cache,
        batch_size=lens.batch_size,
        device=lens.device,
        emit=emit,
    )
    count = max(map(len, features.values()))
    sample = PixelSample()
    for image in stills(images.source, lens.height, lens.width, count=min(count, SAMPLE_SIZE)):
        sample.add(image)
    return Collection(
        label=images.source.label, features=features, sample=sample, image=lambda row: images.at(row, of=count)
    )
