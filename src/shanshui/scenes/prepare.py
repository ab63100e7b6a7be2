"""Any collection of photographs as one clean training archive, or as shards.

The archive is a zip of square JPEGs (quality 95, no chroma subsampling: about a third of the bytes of PNG, with errors
well below those of the first compression) that is itself a data set. Inside it, `manifest.jsonl` says for each
image where it comes from and `skipped.jsonl` what was left out and why. The same source gives the same bytes.
Shards (`shards`) hold the same images, with both lists beside them.
"""

import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol, TypeAlias

from PIL import Image

from shanshui.atomic import atomic_write
from shanshui.errors import ConfigError, DataError, ImageError, StorageError
from shanshui.events import Emit, Finished, Progress, Started, ignore
from shanshui.images.files import read_picture
from shanshui.images.picture import DamagedImageError, NotAnImageError
from shanshui.images.pixels import to_eight_bits
from shanshui.images.resize import fit_crop
from shanshui.scenes.ahead import ahead
from shanshui.scenes.base import Source
from shanshui.scenes.credits import Credit, credit_of
from shanshui.scenes.shards import INDEX, ShardWriter

_TASK = "prepare"
_QUALITY = 95
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date a zip knows: the bytes of an archive do not depend on the day it was made."""

Kind: TypeAlias = Literal["not an image", "damaged", "too small", "duplicate", "near-duplicate", "unreadable"]


@dataclass(frozen=True)
class Skipped:
    """A file that was left out: its name in the source, the kind of reason, and a sentence."""

    name: str
    kind: Kind
    reason: str


@dataclass(frozen=True)
class Entry:
    """One line of the manifest.

    `file` is the name in the archive, `original` that in the `source`; `sha256` is of the original file; sizes are in
    pixels.
    """

    file: str
    original: str
    sha256: str
    source: str
    licence: str
    author: str
    original_width: int
    original_height: int
    width: int
    height: int


@dataclass(frozen=True)
class PrepareReport:
    """What `prepare` wrote to `archive` and what it left out."""

    archive: Path
    size: int
    entries: tuple[Entry, ...]
    skipped: tuple[Skipped, ...]

    def as_json(self) -> dict[str, Any]:
        """Counts and every skipped file, for machines."""
        return {
            "archive": str(self.archive),
            "size": self.size,
            "images": len(self.entries),
            "skipped": [asdict(skip) for skip in self.skipped],
        }

    def summary(self) -> str:
        """A few lines for people."""
        lines = [f"{self.archive}: {len(self.entries)} images of {self.size} x {self.size} pixels."]
        counts = Counter(skip.kind for skip in self.skipped)
        lines += [f"  left out, {kind}: {count}" for kind, count in sorted(counts.items())]
        if self.skipped:
            lines.append("  skipped.jsonl inside the archive names each of them and says why.")
        return "\n".join(lines)


def prepare(
    source: Source,
    out: Path,
    *,
    size: int,
    emit: Emit = ignore,
    licence: str = "",
    credits: Mapping[str, Credit] | None = None,
    repeats: Mapping[str, str] | None = None,
    shard_images: int | None = None,
) -> PrepareReport:
    """Write the usable images of `source` to the zip archive `out`, whole or not at all.

    Each becomes its largest centred square at size x size pixels, 8-bit RGB, named by the hash of its original file.
    Left out are damaged files, files that are no images, images whose shorter side is below `size`, and images whose
    decoded pixels are equal to those of an earlier one.

    Args:
        source: the photographs.
        out: ends in .zip; an existing archive is replaced at the very end. With `shard_images`, a folder for shards,
            which is a data set once the last of them is written.
        size: side in pixels, at least 1.
        emit: hears `Started`, `Progress` and `Finished`, counted in files of the source.
        licence: recorded for images that `credits` does not know.
        credits: name in the source, or bare file name, to its credit; see `read_credits`.
        repeats: near-duplicates to leave out, each with the file that it repeats; see `Inspection.repeats`.
        shard_images: images in a shard; None for one archive.

    Raises:
        ConfigError: an impossible size, or an output that is no .zip, is the source itself, or holds shards already.
        DataError: not one image is usable.
        StorageError: the archive cannot be written.
    """
    _require_output(source, out, size, shard_images)
    emit(Started(task=_TASK, total=len(source) - len(repeats or {})))
    entries: list[Entry] = []
    skipped = [Skipped(name, "not an image", f"{name} does not end like an image.") for name in source.passed_over]
    first_with: dict[str, str] = {}
    repeats = repeats or {}
    skipped += [Skipped(name, "near-duplicate", f"{name} nearly repeats {kept}.") for name, kept in repeats.items()]
    names = [name for name in source.names if name not in repeats]
    with _zipped(out) if shard_images is None else nullcontext(_Shards(ShardWriter(out, shard_images))) as store:
        for done, outcome in enumerate(ahead(lambda name: _treat(source, name, size), names), start=1):
            if isinstance(outcome, _Square):
                earlier = first_with.setdefault(outcome.pixels_hash, outcome.name)
                if earlier == outcome.name:
                    credit = credit_of(outcome.name, credits or {}, licence)
                    entries.append(outcome.entry(source.title, size, credit))
                    store.add(entries[-1], outcome.jpeg)
                else:
                    skipped.append(Skipped(outcome.name, "duplicate", f"{outcome.name} has the pixels of {earlier}."))
            else:
                skipped.append(outcome)
            emit(Progress(task=_TASK, done=done, values={"skipped": len(skipped)}))
        if not entries:
            raise DataError(f"{source.label} has no image that can be prepared at {size} pixels: {skipped[-1].reason}")
        skipped.sort(key=lambda skip: skip.name)
        store.close({"manifest.jsonl": _json_lines(entries), "skipped.jsonl": _json_lines(skipped)})
    emit(Finished(task=_TASK, done=len(names), reason="complete"))
    return PrepareReport(out, size, tuple(entries), tuple(skipped))


@dataclass(frozen=True)
class _Square:
    name: str
    jpeg: bytes
    sha256: str
    pixels_hash: str
    original_width: int
    original_height: int

    def entry(self, title: str, size: int, credit: Credit) -> Entry:
        return Entry(
            file=f"images/{self.sha256[:20]}.jpg",
            original=self.name,
            sha256=self.sha256,
            source=title,
            licence=credit.licence,
            author=credit.author,
            original_width=self.original_width,
            original_height=self.original_height,
            width=size,
            height=size,
        )


def _treat(source: Source, name: str, size: int) -> _Square | Skipped:
    try:
        content = source.read(name)
        picture = read_picture(content, name=name)
    except NotAnImageError as error:
        return Skipped(name, "not an image", str(error))
    except DamagedImageError as error:
        return Skipped(name, "damaged", str(error))
    except ImageError as error:
        return Skipped(name, "unreadable", str(error))
    if min(picture.height, picture.width) < size:
        return Skipped(
            name, "too small", f"{name} has {picture.width} x {picture.height} pixels, below {size} on a side."
        )
    pixels = to_eight_bits(picture.over_white())
    packed = io.BytesIO()
    Image.fromarray(fit_crop(pixels, size, size)).save(packed, "JPEG", quality=_QUALITY, subsampling="4:4:4")
    return _Square(
        name=name,
        jpeg=packed.getvalue(),
        sha256=hashlib.sha256(content).hexdigest(),
        pixels_hash=hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest(),
        original_width=picture.width,
        original_height=picture.height,
    )


class _Store(Protocol):
    """Where images go: all of them first, then the lists."""

    def add(self, entry: Entry, jpeg: bytes) -> None: ...

    def close(self, lists: Mapping[str, bytes]) -> None: ...


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def add(self, entry: Entry, jpeg: bytes) -> None:
        _store(self._archive, entry.file, jpeg)

    def close(self, lists: Mapping[str, bytes]) -> None:
        for name, content in lists.items():
            _store(self._archive, name, content)


class _Shards:
    def __init__(self, writer: ShardWriter) -> None:
        self._writer = writer

    def add(self, entry: Entry, jpeg: bytes) -> None:
        self._writer.add(PurePosixPath(entry.file).name, jpeg, asdict(entry))

    def close(self, lists: Mapping[str, bytes]) -> None:
        self._writer.close(lists)


@contextmanager
def _zipped(out: Path) -> Iterator[_Store]:
    with atomic_write(out) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        yield _Zip(archive)


def _require_output(source: Source, out: Path, size: int, shard_images: int | None) -> None:
    if size < 1:
        raise ConfigError(f"Images of {size} pixels cannot be prepared: the size must be at least 1.")
    if shard_images is not None:
        _require_folder_for_shards(out, shard_images)
        return
    if out.suffix.lower() != ".zip":
        raise ConfigError(f"{out} must end in .zip: prepare writes one archive.")
    origin = Path(source.label).resolve()
    if out.resolve() in (origin, *origin.parents):
        raise ConfigError(f"{out} is the source itself: choose another name.")
    if out.is_dir():
        raise StorageError(f"{out} is a folder: choose another name.")


def _require_folder_for_shards(out: Path, shard_images: int) -> None:
    if shard_images < 1:
        raise ConfigError(f"--shards is {shard_images}: give at least 1 image for each.")
    if (out / INDEX).exists():
        raise ConfigError(f"{out} holds shards already: choose another folder.")
    if out.exists() and not out.is_dir():
        raise StorageError(f"{out} is a file: choose another name.")


def _store(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, date_time=_EPOCH)
    info.create_system = 3
    info.external_attr = 0o644 << 16
    archive.writestr(info, content)


def _json_lines(records: Sequence[Entry] | Sequence[Skipped]) -> bytes:
    lines = (json.dumps(asdict(record), ensure_ascii=False) for record in records)
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
