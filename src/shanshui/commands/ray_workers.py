"""What the workers of a cluster do: a photo that becomes a file, or a shard that becomes a shard."""

import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

import fsspec

from shanshui.atomic import atomic_write_bytes
from shanshui.commands.photos import Photo, photos_in, writable
from shanshui.errors import ImageError, ShanshuiError, StorageError
from shanshui.images.encode import encode
from shanshui.images.files import Picture, read_picture
from shanshui.scenes.shards import Member, ShardSource, read_shard, url_of, write_shard

Paint: TypeAlias = Callable[[Picture], Picture]


@dataclass(frozen=True)
class Job:
    """One photo or shard: the place and the name by which workers find it, and where its result goes.

    Attributes:
        photos: how many there are in it.
        reuse: whether paintings are kept that a shard at `result` holds already.
    """

    place: str
    name: str
    result: str
    photos: int = 1
    reuse: bool = False


@dataclass(frozen=True)
class Told:
    """What became of a photo or shard.

    Attributes:
        status: `done`, or `failed`.
        reason: why it failed.
        fatal: whether the others will fail, too.
        index: of a shard, its line of the index.
    """

    photo: str
    result: str
    status: str
    reason: str = ""
    fatal: bool = False
    index: str = ""


class Worker(ABC):
    """A process of the cluster that paints."""

    def __init__(self, brush: Callable[[], Paint]) -> None:
        """Open what paints."""
        self._paint = brush()

    def __call__(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Do one `Job`, and say what became of it, and of every photo in it that failed, as fields of `Told`."""
        job = Job(**row)
        try:
            return [vars(told) for told in self._do(job)]
        except ShanshuiError as error:
            fatal = isinstance(error, StorageError)  # a full disk fails all; a damaged shard only itself
            return [vars(Told(job.name, job.result, "failed", str(error), fatal))]

    @abstractmethod
    def _do(self, job: Job) -> list[Told]:
        """Write the result, or raise."""

    def _painted(self, photo: Picture, name: str) -> bytes:
        """The file called `name`."""
        content, painting = io.BytesIO(), self._paint(photo)
        try:
            encode(content, PurePosixPath(name).suffix.lower(), painting)
        except ImageError as error:
            raise type(error)(f"{name} {error}") from error.__cause__
        return content.getvalue()


class PhotoWorker(Worker):
    """A photo becomes a file."""

    def __init__(self, brush: Callable[[], Paint]) -> None:
        super().__init__(brush)
        self._places: dict[str, dict[str, Photo]] = {}

    def _do(self, job: Job) -> list[Told]:
        if job.place not in self._places:
            self._places[job.place] = {str(photo.name): photo for photo in photos_in(Path(job.place))}
        photo = self._places[job.place][job.name].read()
        put(job.result, self._painted(photo, job.result))
        return [Told(job.name, job.result, "done")]


class ShardWorker(Worker):
    """A shard becomes a shard: the same names, and what is known about the photos, with paintings in their place."""

    def _do(self, job: Job) -> list[Told]:
        before = fetch(job.result) if job.reuse and exists(job.result) else b""
        kept = {member[0]: member for member in read_shard(io.BytesIO(before))} if before else {}
        paintings, failed = (list(kept.values()), []) if len(kept) == job.photos else self._paintings(job, kept)
        packed = io.BytesIO()
        line = write_shard(packed, PurePosixPath(job.result).name, paintings)
        if packed.getvalue() != before:
            put(job.result, packed.getvalue())
        return [*failed, Told(job.name, job.result, "done", index=line)]

    def _paintings(self, job: Job, kept: Mapping[str, Member]) -> tuple[list[Member], list[Told]]:
        """The photos of a shard painted, but for those that are `kept`, and what failed."""
        paintings: list[Member] = []
        failed: list[Told] = []
        for photo, content, about in read_shard(io.BytesIO(ShardSource(job.place).shard(job.name))):
            name = str(writable(PurePosixPath(photo)))
            try:
                if name in kept:
                    paintings.append(kept[name])
                else:
                    picture = read_picture(content, name=f"{photo} in {job.name}")
                    paintings.append((name, self._painted(picture, name), about))
            except ImageError as error:
                failed.append(Told(photo, job.result, "failed", str(error)))
        return paintings, failed


def put(place: str, content: bytes) -> None:
    """Write a file, or an object of a store: it appears whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    if url_of(place) is None:
        atomic_write_bytes(Path(place), content)
        return
    try:
        fsspec.core.url_to_fs(place)[0].pipe_file(place, content)
    except (OSError, ImportError, ValueError) as error:
        raise StorageError(f"{place} cannot be written: {str(error).rstrip('.')}.") from error


def exists(place: str) -> bool:
    """Whether the file or object is there."""
    if url_of(place) is None:
        return Path(place).exists()
    return bool(fsspec.core.url_to_fs(place)[0].exists(place))


def fetch(place: str) -> bytes:
    """The content of a file or object that is there."""
    content: bytes = fsspec.core.url_to_fs(url_of(place) or place)[0].cat_file(place)
    return content
