"""Sets too large for one file or one machine: a folder of WebDataset shards with an index, here or in an object store.

A shard is a plain tar, as the library `webdataset` and its kin read it: KEY.jpg and KEY.json beside each other. The
index beside them, `shards.jsonl`, has one line for each shard, which says where in it every image lies: so one image is
one read of a range of bytes (HTTP and object stores know that, too), the order of a training does not depend on how
the images are packed, and a resumed training goes on in the middle of a shard.
"""

import io
import json
import re
import tarfile
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import fsspec

from shanshui import jsontext
from shanshui.atomic import atomic_write, atomic_write_bytes
from shanshui.errors import DataError, ImageError
from shanshui.scenes.base import Source

INDEX = "shards.jsonl"

_PATIENCE = (0.5, 2.0, 8.0)
"""Seconds between attempts at a store that does not answer."""

_HEADER = tarfile.BLOCKSIZE

Member: TypeAlias = tuple[str, bytes, bytes]
"""File name, image, and JSON about it."""


class ShardWriter:
    """Packs images into shards of `images` each; the folder is a data set once `close` has written its index."""

    def __init__(self, folder: Path, images: int) -> None:
        self._folder, self._images = folder, images
        self._waiting: list[Member] = []
        self._lines: list[str] = []

    def add(self, name: str, image: bytes, about: Mapping[str, Any]) -> None:
        """One image, whose file is called `name`, and what is known about it.

        Raises:
            StorageError: a shard cannot be written.
        """
        self._waiting.append((name, image, json.dumps(about, ensure_ascii=False).encode("utf-8", "backslashreplace")))
        if len(self._waiting) == self._images:
            self._pack()

    def close(self, beside: Mapping[str, bytes]) -> None:
        """Write the last shard, the files `beside` the shards, and the index.

        Raises:
            StorageError: something cannot be written.
        """
        if self._waiting:
            self._pack()
        for name, content in beside.items():
            atomic_write_bytes(self._folder / name, content)
        atomic_write_bytes(self._folder / INDEX, "".join(self._lines).encode("utf-8"))

    def _pack(self) -> None:
        name = f"{len(self._lines):06d}.tar"
        with atomic_write(self._folder / name) as file:
            self._lines.append(write_shard(file, name, self._waiting))
        self._waiting = []


def write_shard(file: BinaryIO, shard: str, members: Iterable[Member]) -> str:
    """Pack (file name, image, JSON about it) of each image into the tar `file`, which is called `shard`.

    Returns:
        its line of the index.
    """
    line = _Shard(shard=shard)
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, image, about in members:
            line.add(name, tar.offset + _HEADER, image)
            for member, content in ((name, image), (f"{Path(name).stem}.json", about)):
                info = tarfile.TarInfo(member)  # its date is 1970: the same images make the same bytes
                info.size, info.mode = len(content), 0o644
                tar.addfile(info, io.BytesIO(content))
    return f"{json.dumps(asdict(line))}\n"


def read_shard(file: BinaryIO) -> Iterator[Member]:
    """What `write_shard` packed, in order.

    Raises:
        DataError: it is no whole shard.
    """
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            contents = [(member.name, _content(tar, member)) for member in tar]
    except (tarfile.TarError, EOFError) as error:
        raise DataError(f"The shard is damaged or was cut short ({error}): fetch or prepare it again.") from error
    if len(contents) % 2:
        raise DataError("The shard is cut short: fetch or prepare it again.")
    for (name, image), (_, about) in zip(contents[::2], contents[1::2], strict=True):
        yield name, image, about


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    content = b"" if file is None else file.read()
    if len(content) != member.size:
        raise EOFError(f"{member.name} is incomplete")
    return content


@dataclass(frozen=True, kw_only=True)
class _Shard:
    """One line of the index: the file, and for each image its name, where its bytes lie, and their checksum."""

    shard: str
    names: list[str] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    checksums: list[int] = field(default_factory=list)

    def add(self, name: str, offset: int, image: bytes) -> None:
        """One image, whose bytes begin at `offset`."""
        self.names.append(name)
        self.offsets.append(offset)
        self.sizes.append(len(image))
        self.checksums.append(zlib.crc32(image))


@dataclass(frozen=True)
class _Place:
    shard: str
    offset: int
    size: int
    checksum: int


class ShardSource(Source):
    """The images of a folder of shards, by path or URL."""

    def __init__(self, place: str) -> None:
        """Read the index; the shards are not touched.

        Raises:
            DataError: there is no index, or it is damaged.
        """
        self._root = place.rstrip("/")
        self._files: Any = _files(self._root)
        try:
            index = self._patiently(INDEX, None, None).decode("utf-8")
            self._places = {name: place for line in index.splitlines() for name, place in _places(line)}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{self._root}/{INDEX} is damaged: prepare the shards again.") from error
        super().__init__(place, self._root.rpartition("/")[2], self._places)

    def read(self, name: str) -> bytes:
        """The content of one image.

        Raises:
            DataError: the store does not answer, or a shard is gone.
            ImageError: the bytes are not those that were packed.
        """
        place = self._places[name]
        content = self._patiently(place.shard, place.offset, place.offset + place.size)
        if len(content) != place.size or zlib.crc32(content) != place.checksum:
            raise ImageError(f"{name} in {self._root}/{place.shard} is damaged: fetch or prepare that shard again.")
        return content

    def fingerprint(self, name: str) -> str:
        """Size and checksum from the index."""
        place = self._places[name]
        return f"{place.size}:{place.checksum:08x}"

    @cached_property
    def shards(self) -> Mapping[str, int]:
        """How many images each shard holds, by its name, sorted."""
        return dict(sorted(Counter(place.shard for place in self._places.values()).items()))

    def shard(self, name: str) -> bytes:
        """The content of one shard, to be read from its beginning to its end.

        Raises:
            DataError: the store does not answer, or the shard is gone.
        """
        return self._patiently(name, None, None)

    def _patiently(self, file: str, start: int | None, end: int | None) -> bytes:
        """Some bytes of a file: a store that is busy is asked again before a training ends for it."""
        for pause in (*_PATIENCE, None):
            try:
                content: bytes = self._files.cat_file(f"{self._root}/{file}", start=start, end=end)
                return content
            except FileNotFoundError as error:
                raise DataError(f"{self._root}/{file} does not exist: give a folder that `prepare` wrote.") from error
            except Exception as error:
                if pause is None:
                    raise DataError(f"{self._root}/{file} cannot be read ({error}): check the connection.") from error
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def url_of(path: Path | str) -> str | None:
    """The URL that `path` is, or was before it became a Path, which takes `https://` for `https:/`; None for a path."""
    match = re.fullmatch(r"([a-z][a-z0-9+.-]+):/+(.+)", Path(path).as_posix())
    return None if match is None else f"{match[1]}://{match[2]}"


def _files(root: str) -> Any:
    try:
        return fsspec.core.url_to_fs(root)[0]
    except (ImportError, ValueError) as error:
        raise DataError(f"{root} cannot be opened: {str(error).rstrip('.')}.") from error


def _places(line: str) -> list[tuple[str, _Place]]:
    shard = _Shard(**jsontext.parsed(line))
    columns = zip(shard.names, shard.offsets, shard.sizes, shard.checksums, strict=True)
    return [(name, _Place(shard.shard, offset, size, checksum)) for name, offset, size, checksum in columns]
