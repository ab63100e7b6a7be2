"""Painting many photos on a Ray cluster: each of them once, whichever worker is lost on the way.

Ray Data hands blocks of a few photos to workers, and the block of a lost worker to another one. Some photos are then
painted again, into the same place and to the same bytes; but the manifest is written here alone, where each block is
heard of once, so nothing is lost in it and nothing stands in it twice.
"""

import importlib
import io
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import fsspec

from shanshui.commands.batch import Batch
from shanshui.commands.lines import appending, whole_lines
from shanshui.commands.photos import STREAM, Photo, photos_in, plan_outputs
from shanshui.errors import ConfigError, DataError, ImageError, ShanshuiError, StorageError
from shanshui.events import Emit, Finished, ImageReady, Progress, Started, Warned
from shanshui.images.encode import encode
from shanshui.images.files import Picture, write_picture
from shanshui.scenes.shards import url_of

BLOCK = 4
"""Photos that a worker takes at once, and at most paints in vain when it is lost."""

_MISSING = '--engine ray needs Ray, which is not installed: run `pip install "shanshui[cluster]"`.'

Paint: TypeAlias = Callable[[Picture], Picture]


@dataclass(frozen=True)
class Job:
    """One photo: the place and the name by which workers find it, and where its result goes."""

    place: str
    name: str
    result: str


def paint_on_ray(
    places: Sequence[Path],
    out: Path | None,
    addition: str,
    brush: Callable[[], Paint],
    emit: Emit,
    *,
    task: str,
    skip_existing: bool = False,
    manifest: Path | None = None,
    on_gpus: bool = False,
) -> Batch:
    """Write a picture for each photo in `places`, which every machine of the cluster has to reach, as `out`.

    A cluster that runs here, or that RAY_ADDRESS names, is used; else the cores of this machine become one.

    Args:
        places: folders, archives or shards, by path or URL.
        out: a folder, by path or URL.
        addition: what is added to the names of the results.
        brush: opens what paints, once in each worker.
        emit: hears of every result, warning and failure.
        task: what the work is called.
        skip_existing: leave results alone that are there.
        manifest: gets a line of JSON for each photo; what an earlier one calls done is not painted again.
        on_gpus: each worker takes a GPU.

    Raises:
        ConfigError: Ray is not installed, or a place is no file.
        ImageError: a photo could not be read or painted; the others are painted first.
        StorageError: a result or the manifest cannot be written.
    """
    jobs = _jobs(places, out, addition)
    known = finished(manifest)
    done = [job for job in jobs if job.result in known or (skip_existing and _exists(job.result))]
    skipped = {job.result for job in done}
    left = [job for job in jobs if job.result not in skipped]
    emit(Started(task=task, total=len(jobs)))
    batch = Batch(written=[], skipped=[Path(job.result) for job in done])
    failures: list[str] = []
    with nullcontext(_unrecorded) if manifest is None else appending(manifest) as append:
        for count, row in enumerate(_painted(left, brush, on_gpus) if left else (), len(done) + 1):
            line = {name: row[name] for name in ("photo", "result", "status")}
            append(line | ({"reason": row["reason"]} if row["reason"] else {}))
            if row["status"] == "done":
                batch.written.append(Path(row["result"]))
                emit(ImageReady(task=task, name=row["photo"], path=Path(row["result"]), done=count))
            elif row["fatal"]:
                raise StorageError(row["reason"])
            else:
                failures.append(row["reason"])
                emit(Warned(task=task, message=row["reason"]))
            emit(Progress(task=task, done=count, values={}))
    if failures:
        raise ImageError(f"{len(failures)} of {len(jobs)} photos could not be painted; the first: {failures[0]}")
    emit(Finished(task=task, done=len(jobs), reason="complete"))
    return batch


def _jobs(places: Sequence[Path], out: Path | None, addition: str) -> list[Job]:
    if STREAM in (*places, out):
        raise ConfigError("Workers elsewhere read no standard input and write no standard output: give files.")
    reached = [url_of(place) or str(place.resolve()) for place in places]
    found = [(place, photo) for place in reached for photo in photos_in(Path(place))]
    folder = Path() if out is None else Path(url_of(out) or out.resolve())
    targets = plan_outputs([photo for _, photo in found], addition, folder)
    return [
        Job(place, str(photo.name), url_of(target) or str(target.resolve()))
        for (place, photo), target in zip(found, targets, strict=True)
    ]


def finished(manifest: Path | None) -> set[str]:
    """Results that a manifest calls done."""
    if manifest is None:
        return set()
    try:
        return {line["result"] for line in whole_lines(manifest) if line["status"] == "done"}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{manifest} is no manifest of an earlier batch: give another --manifest.") from error


def _painted(jobs: Sequence[Job], brush: Callable[[], Paint], on_gpus: bool) -> Iterable[Mapping[str, Any]]:
    """What became of each, in the order in which they are ready."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anyone
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        ray, data = importlib.import_module("ray"), importlib.import_module("ray.data")
    except ImportError as error:
        raise ConfigError(_MISSING) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ours = not ray.is_initialized()
    if ours:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        data.DataContext.get_current().enable_progress_bars = False
        most = max(1, int(ray.cluster_resources().get("GPU" if on_gpus else "CPU", 1)))
        rows = data.from_items([asdict(job) for job in jobs], override_num_blocks=-(-len(jobs) // BLOCK))
        yield from rows.map(
            Worker,
            fn_constructor_args=(brush,),
            compute=data.ActorPoolStrategy(min_size=1, max_size=most),
            num_gpus=1 if on_gpus else None,
            num_cpus=None if on_gpus else 1,
        ).iter_rows()
    finally:
        if ours:
            ray.shutdown()


class Worker:
    """A process of the cluster that paints."""

    def __init__(self, brush: Callable[[], Paint]) -> None:
        """Open what paints."""
        self._paint = brush()
        self._places: dict[str, dict[str, Photo]] = {}

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Paint one photo, and say what became of it: `done`, or `failed` and why; `fatal` if others will fail, too."""
        job = Job(**row)
        try:
            _write(job.result, self._paint(self._photo(job).read()))
        except ShanshuiError as error:
            return _told(job, "failed", str(error), fatal=not isinstance(error, ImageError))
        return _told(job, "done")

    def _photo(self, job: Job) -> Photo:
        if job.place not in self._places:
            self._places[job.place] = {str(photo.name): photo for photo in photos_in(Path(job.place))}
        return self._places[job.place][job.name]


def _told(job: Job, status: str, reason: str = "", *, fatal: bool = False) -> dict[str, Any]:
    return {"photo": job.name, "result": job.result, "status": status, "reason": reason, "fatal": fatal}


def _write(result: str, picture: Picture) -> None:
    """To a file, or to an object of a store, where it appears whole or not at all, as well."""
    if url_of(result) is None:
        write_picture(result, picture)
        return
    content = io.BytesIO()
    encode(content, Path(result).suffix.lower(), picture)
    try:
        fsspec.core.url_to_fs(result)[0].pipe_file(result, content.getvalue())
    except (OSError, ImportError, ValueError) as error:
        raise StorageError(f"{result} cannot be written: {str(error).rstrip('.')}.") from error


def _exists(result: str) -> bool:
    if url_of(result) is None:
        return Path(result).exists()
    return bool(fsspec.core.url_to_fs(result)[0].exists(result))


def _unrecorded(line: Mapping[str, Any]) -> None:
    """Write nothing down."""
