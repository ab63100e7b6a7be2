"""Painting many photos on a Ray cluster: each of them once, whichever worker is lost on the way.

Ray Data hands blocks of a few photos to workers, and the block of a lost worker to another one. Some photos are then
painted again, into the same place and to the same bytes; but the manifest is written here alone, where each block is
heard of once, so nothing is lost in it and nothing stands in it twice.
"""

import importlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from glob import has_magic
from pathlib import Path
from typing import Any

from shanshui.commands.batch import Batch
from shanshui.commands.lines import appending, whole_lines
from shanshui.commands.photos import STREAM, photos_in, plan_outputs
from shanshui.commands.ray_workers import Job, Paint, PhotoWorker, ShardWorker, Told, Worker, exists, put
from shanshui.errors import ConfigError, DataError, ImageError, StorageError
from shanshui.events import Emit, Finished, ImageReady, Progress, Started, Warned
from shanshui.scenes.shards import INDEX, ShardSource, url_of
from shanshui.scenes.sources import open_source

BLOCK = 4
"""Photos that a worker takes at once, and at most paints in vain when it is lost; or one shard."""

_RECORDED = ("photo", "result", "status", "reason")
_MISSING = '--engine ray needs Ray, which is not installed: run `pip install "shanshui[cluster]"`.'


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

    A cluster that runs here, or that RAY_ADDRESS names, is used; else the cores of this machine become one. Shards
    become shards, anything else becomes files.

    Args:
        places: folders, archives or shards, by path or URL.
        out: a folder, by path or URL.
        addition: what is added to the names of files.
        brush: opens what paints, once in each worker.
        emit: hears of every result, warning and failure.
        task: what the work is called.
        skip_existing: leave results alone that are there.
        manifest: gets a line of JSON for each photo, or shard; what an earlier one calls done is not painted again.
        on_gpus: each worker takes a GPU.

    Raises:
        ConfigError: Ray is not installed, or a place is no file.
        ImageError: a photo could not be read or painted; the others are painted first.
        StorageError: a result or the manifest cannot be written.
    """
    known = finished(manifest)
    plan = _planned(places, out, addition, known, skip_existing)
    total = len(plan.jobs) + len(plan.skipped)
    emit(Started(task=task, total=total))
    with nullcontext(_unrecorded) if manifest is None else appending(manifest) as append:
        account = _Account(task, plan, known, append, emit)
        for told in _told(plan, brush, on_gpus):
            account.hear(told)
    if plan.index is not None:
        put(plan.index, "".join(sorted(account.lines)).encode())
    if account.failures:
        raise ImageError(f"Photos that could not be painted: {len(account.failures)}; the first: {account.failures[0]}")
    emit(Finished(task=task, done=total, reason="complete"))
    return Batch(written=account.written, skipped=plan.skipped)


@dataclass(frozen=True)
class _Plan:
    """What is to be done and by whom, and what is done already; `index` is where that of resulting shards goes."""

    worker: type[Worker]
    jobs: Sequence[Job]
    skipped: list[Path] = field(default_factory=list)
    index: str | None = None


class _Account:
    """What workers tell, summed up and handed on: `written` results, `failures`, and `lines` of the index of shards."""

    def __init__(
        self, task: str, plan: _Plan, known: set[str], append: Callable[[Mapping[str, Any]], None], emit: Emit
    ) -> None:
        self._task, self._known, self._append, self._emit = task, known, append, emit
        self._names = {job.name for job in plan.jobs}
        self._done = len(plan.skipped)
        self.written: list[Path] = []
        self.failures: list[str] = []
        self.lines: list[str] = []

    def hear(self, told: Told) -> None:
        """Take in what became of a photo or shard."""
        if told.fatal:
            raise StorageError(told.reason)
        if told.status == "failed" or told.result not in self._known:
            self._append({name: value for name, value in asdict(told).items() if name in _RECORDED and value})
        self._done += told.photo in self._names  # a photo that failed inside a shard is no job of its own
        if told.status == "done":
            self.lines.append(told.index)
            self.written.append(Path(told.result))
            self._emit(ImageReady(task=self._task, name=told.photo, path=Path(told.result), done=self._done))
        else:
            self.failures.append(told.reason)
            self._emit(Warned(task=self._task, message=told.reason))
        self._emit(Progress(task=self._task, done=self._done, values={}))


def _planned(places: Sequence[Path], out: Path | None, addition: str, known: set[str], skip_existing: bool) -> _Plan:
    if STREAM in (*places, out):
        raise ConfigError("Workers elsewhere read no standard input and write no standard output: give files.")
    reached = [url_of(place) or str(place.resolve()) for place in places]
    target = url_of(out or Path()) or str((out or Path()).resolve())
    shards = _shards(reached)
    if shards is not None:
        jobs = [replace(job, result=f"{target}/{number:06d}.tar") for number, job in enumerate(shards)]
        jobs = [replace(job, reuse=skip_existing or job.result in known) for job in jobs]
        return _Plan(ShardWorker, jobs, index=f"{target}/{INDEX}")
    found = [(place, photo) for place in reached for photo in photos_in(Path(place))]
    results = plan_outputs([photo for _, photo in found], addition, Path(target))
    jobs = [
        Job(place, str(photo.name), url_of(result) or str(result.resolve()))
        for (place, photo), result in zip(found, results, strict=True)
    ]
    done = {job.result for job in jobs if job.result in known or (skip_existing and exists(job.result))}
    return _Plan(
        PhotoWorker, [job for job in jobs if job.result not in done], [Path(result) for result in sorted(done)]
    )


def _shards(places: Sequence[str]) -> list[Job] | None:
    """A job for each shard, without its result; None where a place is anything else."""
    sources = [None if has_magic(place) else open_source(place) for place in places]
    shards = [source for source in sources if isinstance(source, ShardSource)]
    if not shards or len(shards) < len(places):
        return None
    return [
        Job(place, name, "", photos=photos)
        for place, source in zip(places, shards, strict=True)
        for name, photos in source.shards.items()
    ]


def finished(manifest: Path | None) -> set[str]:
    """Results that a manifest calls done."""
    if manifest is None:
        return set()
    try:
        return {line["result"] for line in whole_lines(manifest) if line["status"] == "done"}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{manifest} is no manifest of an earlier batch: give another --manifest.") from error


def _told(plan: _Plan, brush: Callable[[], Paint], on_gpus: bool) -> Iterator[Told]:
    """What became of each job, in the order in which they are ready."""
    if not plan.jobs:
        return
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
        blocks = len(plan.jobs) if plan.index else -(-len(plan.jobs) // BLOCK)
        rows = data.from_items([asdict(job) for job in plan.jobs], override_num_blocks=blocks)
        told = rows.flat_map(
            plan.worker,
            fn_constructor_args=(brush,),
            compute=data.ActorPoolStrategy(min_size=1, max_size=most),
            num_gpus=1 if on_gpus else None,
            num_cpus=None if on_gpus else 1,
        )
        yield from (Told(**row) for row in told.iter_rows())
    finally:
        if ours:
            ray.shutdown()


def _unrecorded(line: Mapping[str, Any]) -> None:
    """Write nothing down."""
