"""One side of an evaluation: a set of images as measures and pages see it, without the images in memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from shanshui.evaluation.album import Album
from shanshui.evaluation.diversity import SAMPLE_SIZE, PairDistance, PixelSample
from shanshui.evaluation.estimates import content_order
from shanshui.evaluation.features import Extractor, FeatureSet, Image, extract
from shanshui.evaluation.references import reference_features
from shanshui.evaluation.stills import Stills, stills
from shanshui.evaluation.stylization import with_changes
from shanshui.events import Emit, Finished, Progress, Started, ignore

TASK = "evaluate"


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
        changes: name of a distance -> how far each stylised picture went from its photo.
    """

    label: str
    features: Mapping[str, FeatureSet]
    sample: PixelSample
    image: Callable[[int], Image]
    changes: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

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


def collect_stylized(
    label: str, pictures: Iterable[Image], photos: Iterable[Image], distances: Mapping[str, PairDistance], lens: Lens
) -> Collection:
    """Everything about stylised `pictures`, and how far each went from its photo; see `with_changes`.

    Raises:
        DataError: pictures and photos are not equally many; otherwise as in `collect`.
    """
    changes: dict[str, list[float]] = {name: [] for name in distances}
    watched = with_changes(pictures, photos, distances, changes, height=lens.height, width=lens.width)
    collection = collect(label, watched, lens)
    return replace(collection, changes={name: np.array(values) for name, values in changes.items()})


def collect_stills(
    images: Stills, names: Iterable[str], lens: Lens, *, cache: Path | None = None, emit: Emit = ignore
) -> Collection:
    """Everything about a data set, whose features `names` come from the cache where they are known.

    Its images are decoded again when they are to be seen, and its sample is spread evenly over the set.

    Raises:
        ConfigError, DataError, ImageError, NonFiniteError: as in `reference_features`.
    """
    features = reference_features(
        with_progress(images, len(images.source) if images.count is None else images.count, emit),
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


def with_progress(images: Iterable[Image], total: int, emit: Emit) -> Iterator[Image]:
    """`images` as they are, while it is told how many are done; in silence when only the first is looked at."""
    done = 0
    for image in images:
        if done == 1:
            emit(Started(task=TASK, total=total))
        yield image
        done += 1
        if done > 1:
            emit(Progress(task=TASK, done=done, values={}))
    if done > 1:
        emit(Finished(task=TASK, done=done, reason="complete"))


def halves(real: Collection) -> tuple[Collection, Collection]:
    """`real` in two halves by chance, the same ones whatever the order of its images."""
    order = content_order(next(iter(real.features.values())).values)
    return _part(real, order[0::2]), _part(real, order[1::2])


def _part(whole: Collection, rows: NDArray[np.intp]) -> Collection:
    features = {name: FeatureSet(name, each.values[rows]) for name, each in whole.features.items()}
    return replace(whole, features=features, image=lambda row: whole.image(int(rows[row])))
