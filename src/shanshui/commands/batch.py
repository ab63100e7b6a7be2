"""Painting one photo or thousands: decoded ahead, told as it goes, taken up again where it stopped."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from shanshui.commands.lines import appending
from shanshui.commands.photos import Photo
from shanshui.errors import ImageError, ShanshuiError
from shanshui.events import Emit, Finished, ImageReady, Progress, Started, Warned
from shanshui.images.files import Picture, write_picture
from shanshui.scenes.ahead import ahead

READ_AHEAD = 1
"""Photos that are decoded while another one is painted: each may be a print of hundreds of megabytes."""

Record: TypeAlias = Callable[[Photo, Path, str, str], None]
"""What happened to a photo: where its result lies, `done`, `skipped` or `failed`, and why it failed."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What became of many photos.

    Attributes:
        written: results, in the order of the photos.
        skipped: results that were there before.
    """

    written: list[Path]
    skipped: list[Path]


def paint_batch(
    photos: Sequence[Photo],
    targets: Sequence[Path],
    paint: Callable[[Picture], Picture],
    emit: Emit,
    *,
    task: str,
    skip_existing: bool = False,
    manifest: Path | None = None,
) -> Batch:
    """Write what `paint` makes of each photo.

    Args:
        photos: what to read.
        targets: where each result goes.
        paint: from photo to result.
        emit: hears of every result, warning and failure.
        task: what the work is called.
        skip_existing: leave results alone that are there; files appear whole or not at all, so they are complete.
        manifest: a file that gets a line of JSON for each photo, at once and for good.

    Raises:
        ImageError: a photo could not be read; where there are several, the others are painted first.
        StorageError: a result or the manifest cannot be written.
    """
    work = list(zip(photos, targets, strict=True))
    emit(Started(task=task, total=len(work)))
    batch, failures = Batch(written=[], skipped=[]), []

    def decode(item: tuple[Photo, Path]) -> Picture | ImageError | None:
        photo, target = item
        if skip_existing and target.exists():
            return None
        try:
            return photo.read()
        except ImageError as error:
            return error

    with nullcontext(_unrecorded) if manifest is None else _recording(manifest) as record:
        for done, ((photo, target), read) in enumerate(zip(work, ahead(decode, work, most=READ_AHEAD), strict=True), 1):
            try:
                if read is None:
                    batch.skipped.append(target)
                    record(photo, target, "skipped", "")
                else:
                    write_picture(target, paint(_or_raise(read)))
                    batch.written.append(target)
                    record(photo, target, "done", "")
                    emit(ImageReady(task=task, name=target.stem, path=target, done=done))
            except ShanshuiError as error:
                record(photo, target, "failed", str(error))
                if len(work) == 1 or not isinstance(error, ImageError):
                    raise
                failures.append(error)
                emit(Warned(task=task, message=str(error)))
            emit(Progress(task=task, done=done, values={}))
    if failures:
        raise ImageError(f"{len(failures)} of {len(work)} photos could not be painted; the first: {failures[0]}")
    emit(Finished(task=task, done=len(work), reason="complete"))
    return batch


def _or_raise(read: Picture | ImageError) -> Picture:
    if isinstance(read, ImageError):
        raise read
    return read


def _unrecorded(photo: Photo, target: Path, status: str, reason: str) -> None:
    """Write nothing down."""


@contextmanager
def _recording(path: Path) -> Iterator[Record]:
    """A line of a manifest for each photo."""
    with appending(path) as append:

        def record(photo: Photo, target: Path, status: str, reason: str) -> None:
            line = {"photo": str(photo.file or photo.name), "result": str(target), "status": status}
            append(line | ({"reason": reason} if reason else {}))

        yield record
