"""What `shanshui evaluate` judges: data sets, models, and the snapshots of a run, each as a stream of images."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from numpy.typing import NDArray

from shanshui.checkpoints.weights import read_header
from shanshui.checkpoints.zoo import resolve
from shanshui.errors import DataError
from shanshui.evaluation.stills import stills
from shanshui.events import Emit
from shanshui.images.files import read_picture
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.stylize import Stylizer
from shanshui.scenes.base import Source
from shanshui.scenes.sources import open_source

STYLIZED_SIDE = 256  # pixels at which a stylizer paints to be judged, unless a size is asked for


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A set of images to judge, not yet made.

    Attributes:
        label: what it is called in tables.
        size: height and width of its images as they are.
        total: number of images.
        images: makes the stream of them, at the size (height, width) or their own.
        photos: makes the stream of photos that they were painted from; None for scenes.
        images_seen: how long the snapshot that makes them was trained; None for anything else.
        looks_through: family of the encoder through which the model was trained, as far as its card says.
    """

    label: str
    size: tuple[int, int]
    total: int
    images: Callable[[tuple[int, int]], Iterable[NDArray[np.uint8]]]
    photos: Callable[[tuple[int, int]], Iterable[NDArray[np.uint8]]] | None = None
    images_seen: int | None = None
    looks_through: str | None = None


def data_set(place: Path, count: int | None, emit: Emit) -> Judged:
    """The images of a folder or archive: all of them, or `count` spread evenly."""
    source = open_source(place)
    return Judged(
        label=str(place),
        size=size_of_first(source),
        total=len(source) if count is None else count,
        images=lambda size: stills(source, *size, count=count, emit=emit),
    )


def model(name: str | Path, count: int, seed: int, batch_size: int, device: torch.device) -> Judged:
    """`count` scenes of a generator, which is loaded when it is asked for them: a run may have many snapshots."""

    def images(size: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
        generator = SceneGenerator.from_pretrained(name, device=device)
        return (np.asarray(scene) for scene in generator.generate(count, seed, batch_size=batch_size))

    return Judged(
        label=str(name),
        size=SceneGenerator.from_pretrained(name, device=device).size,
        total=count,
        images=images,
        looks_through=read_header(resolve(name)).card.get("looks_through"),
    )


def snapshots(run: Path, count: int, seed: int, batch_size: int, device: torch.device) -> list[Judged]:
    """`count` scenes of every snapshot of a run, the earliest first.

    Raises:
        DataError: the folder has no snapshots.
    """
    files = sorted((run / "checkpoints").glob("*.safetensors"))
    if not files:
        raise DataError(f"{run} has no snapshots in its folder checkpoints: give the folder of a run of `train scene`.")
    return [
        replace(
            model(file, count, seed, batch_size, device),
            label=f"after {int(file.stem):,} images",
            images_seen=int(file.stem),
        )
        for file in files
    ]


def painted(name: str, style: str, photos: Path, count: int | None, device: torch.device, emit: Emit) -> Judged:
    """The photos of a data set as a stylizer paints them at the size at which they are judged."""
    stylizer = Stylizer.from_pretrained(name, device=device)
    content = data_set(photos, count, emit)
    return Judged(
        label=f"{name} in the style {style}",
        size=(STYLIZED_SIDE, STYLIZED_SIDE),
        total=content.total,
        images=lambda size: (np.asarray(stylizer(photo, style)) for photo in content.images(size)),
        photos=content.images,
        looks_through=read_header(resolve(name)).card.get("looks_through"),
    )


def paired(pictures: Path, photos: Path, emit: Emit) -> Judged:
    """Stylised pictures and the photos that they were made from, which bear the same names.

    Raises:
        DataError: a picture or a photo has no partner.
    """
    names = [[PurePosixPath(name).stem for name in open_source(place).names] for place in (pictures, photos)]
    alone = set(names[0]) ^ set(names[1])
    if alone:
        raise DataError(
            f"{min(alone)} is in only one of {pictures} and {photos}: each picture needs the photo of its name."
        )
    return replace(data_set(pictures, None, emit), photos=data_set(photos, None, emit).images)


def painting_controls(paintings: Path, photos: Path, count: int | None, emit: Emit) -> list[Judged]:
    """What games the product of content and style: photos left as they are, and paintings instead of the photos.

    Each is `count` images, or as many as there are of both.
    """
    most = min(len(open_source(place)) for place in (paintings, photos))
    count = most if count is None else min(count, most)
    content, target = data_set(photos, count, emit), data_set(paintings, count, emit)
    return [
        replace(content, label="control: photos left as they are", photos=content.images),
        replace(target, label="control: the paintings themselves", photos=content.images),
    ]


def common_size(sets: Iterable[Judged]) -> tuple[int, int]:
    """The size of the smallest set, so that no judged image is enlarged and all are seen alike."""
    return min((each.size for each in sets), key=lambda size: size[0] * size[1])


def size_of_first(source: Source) -> tuple[int, int]:
    """Height and width of the first image of a data set."""
    name = source.names[0]
    picture = read_picture(source.read(name), name=f"{name} in {source.label}")
    return picture.height, picture.width
