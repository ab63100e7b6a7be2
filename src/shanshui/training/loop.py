"""The one training loop: batches in, steps, and now and then a checkpoint, a sample sheet, a judgement."""

import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from shanshui.events import Emit, Finished, Progress, Started
from shanshui.scenes.batches import Batches, batches
from shanshui.scenes.dataset import SceneDataset
from shanshui.training.cost import Hardware, hardware_of
from shanshui.training.course import TASK, Course, Plan
from shanshui.training.crew import Crew
from shanshui.training.run import RunFolder
from shanshui.training.settings import TrainSettings
from shanshui.training.watch import Watch


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a training ended: images seen, the reason, the last figures, and what rollbacks have changed."""

    images_seen: int
    reason: str
    figures: Mapping[str, float]
    remedies: Sequence[str] = ()


def train(
    plan: Plan,
    dataset: SceneDataset,
    settings: TrainSettings,
    run: RunFolder,
    *,
    card: Mapping[str, Any],
    emit: Emit,
    watch: Watch | None = None,
    hardware: Hardware | None = None,
    crew: Crew | None = None,
) -> Outcome:
    """Train until `settings.images` are seen, `watch` says stop, or Ctrl-C (SIGINT) or SIGTERM asks to leave.

    Starts from the newest state in `run`, if there is one: the result then equals that of a run never interrupted.
    Where several processes learn together, each of `crew` calls this at the same time.

    Raises:
        NonFiniteError, ExplodingError: a loss, gradient or weight is not finite or far too large, and that is answered
            with a stop; the last state is untouched.
        ConfigError: `watch` stops at a figure that is not measured.
        StorageError: something could not be written.
        DataError: no image of the data set can be read.
        LostProcessError: another process of `crew` has ended.
    """
    crew = crew or Crew()
    used = hardware or hardware_of(torch.device("cpu"))
    course = Course(plan, run, settings, watch or Watch(), used, card, emit, crew)
    emit(Started(task=TASK, total=settings.images))
    stream = batches(
        dataset,
        batch_size=settings.batch_size,
        seed=settings.seed,
        start=course.progress.images_seen,
        workers=settings.workers,
        share=course.share,
    )
    with _interruption() as interrupted, stream:
        pace, saved_at = _Pace(stream), time.monotonic()
        while not (reason := course.reason_to_end(interrupted=interrupted.is_set())):
            batch = stream.at(course.progress.images_seen)
            terms = course.step(batch)
            if not terms:  # the step was refused, and the training went back
                continue
            seen = course.progress.images_seen
            due = _Due(seen, settings.batch_size, settings.images)
            if due(settings.log_every):
                emit(Progress(task=TASK, done=seen, values=pace.values(crew.means(terms), seen)))
            if due(settings.sample_every):
                course.sample()
            if due(settings.judge_every):
                course.judge()
            late = time.monotonic() - saved_at >= 60 * settings.checkpoint_minutes
            if due(settings.checkpoint_every) or (due(settings.log_every) and crew.heard(late)):
                course.save()
                saved_at = time.monotonic()
    course.end(reason)
    progress = course.progress
    emit(Finished(task=TASK, done=progress.images_seen, reason=reason))
    return Outcome(
        images_seen=progress.images_seen, reason=reason, figures=progress.figures, remedies=progress.remedies
    )


@dataclass(frozen=True)
class _Due:
    """Whether something that happens every so many images happens at this step; all of it happens at the last."""

    images_seen: int
    batch_size: int
    last: int

    def __call__(self, every: int) -> bool:
        before = self.images_seen - self.batch_size
        return self.images_seen >= self.last or self.images_seen // every > before // every


class _Pace:
    """Rate and waiting time since the previous report."""

    def __init__(self, stream: Batches) -> None:
        self._stream = stream
        self._last: tuple[float, float, int] | None = None

    def values(self, terms: Mapping[str, Tensor], images_seen: int) -> dict[str, float]:
        """The terms as numbers, images per second, and the share of time in which the learner waited for images."""
        now = (time.perf_counter(), self._stream.waited, images_seen)
        values = {name: float(term) for name, term in terms.items()}
        if self._last is not None and images_seen > self._last[2]:  # a rollback is no pace
            seconds, waited, images = (new - old for new, old in zip(now, self._last, strict=True))
            values |= {"speed.images_per_second": images / seconds, "speed.idle_share": waited / seconds}
        self._last = now
        return values


@contextmanager
def _interruption() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that the step in progress ends and is saved; a second Ctrl-C kills.

    Signals can only be caught in the main thread; elsewhere the event stays unset.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, frame: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
