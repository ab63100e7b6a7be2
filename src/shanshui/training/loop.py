"""The one training loop: batches in, steps, and now and then a checkpoint, a sample sheet, a judgement."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from shanshui.events import Emit, Finished, ImageReady, Metric, Progress, Started
from shanshui.scenes.batches import Batches, batches
from shanshui.scenes.dataset import SceneDataset
from shanshui.training.learners.base import Learner
from shanshui.training.run import RunFolder
from shanshui.training.settings import StopCondition, TrainSettings

TASK = "train"


class Judge(Protocol):
    """Figures of a learner's images; lower is better. Training is told how to judge, it does not know how."""

    names: tuple[str, ...]

    def __call__(self, draw: Callable[[int], Iterable[NDArray[np.uint8]]]) -> Mapping[str, float]:
        """Figures by name of `draw(count)` images."""

    def choosing(self, looks_through: str | None) -> str:
        """The figure that may choose the best snapshot of a learner that looks through that encoder."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a training ended: images seen, the reason, and the last figures."""

    images_seen: int
    reason: str
    figures: Mapping[str, float]


def train(
    learner: Learner,
    dataset: SceneDataset,
    settings: TrainSettings,
    run: RunFolder,
    *,
    card: Mapping[str, Any],
    emit: Emit,
    judge: Judge | None = None,
    stop: StopCondition | None = None,
) -> Outcome:
    """Train until `settings.images` are seen, `stop` is met, or Ctrl-C (SIGINT) or SIGTERM asks to leave.

    Starts from the newest state in `run`, if there is one: the result then equals that of a run never interrupted.

    Raises:
        NonFiniteError: a loss or gradient is not finite; the last state is untouched.
        ConfigError: `stop` names a figure that is not measured.
        StorageError: something could not be written.
        DataError: no image of the data set can be read.
    """
    choosing = None if judge is None else judge.choosing(learner.looks_through)
    if stop is not None:
        stop.require_among(judge.names if judge is not None else ())

    card = {**card, "looks_through": learner.looks_through}
    progress = _resume(learner, run)
    emit(Started(task=TASK, total=settings.images))
    stream = batches(
        dataset,
        batch_size=settings.batch_size,
        seed=settings.seed,
        start=progress.images_seen,
        workers=settings.workers,
    )
    with _interruption() as interrupted, stream:
        pace = _Pace(stream)
        while not (reason := _reason_to_end(progress, settings, stop, interrupted)):
            batch = next(stream)
            terms = learner.step(batch, progress.images_seen)
            progress.images_seen += len(batch)
            due = _Due(progress.images_seen, len(batch), settings.images)
            if due(settings.log_every):
                emit(Progress(task=TASK, done=progress.images_seen, values=pace.values(terms, progress.images_seen)))
            if due(settings.sample_every):
                path = run.save_samples(progress.images_seen, learner.samples())
                emit(ImageReady(task=TASK, name="samples", path=path, done=progress.images_seen))
            if judge is not None and choosing is not None and due(settings.judge_every):
                _judge(learner, run, judge, choosing, progress, card, emit)
            if due(settings.checkpoint_every):
                _save(learner, run, progress, settings, card)
    if progress.images_seen != progress.saved_at:
        _save(learner, run, progress, settings, card)
    emit(Finished(task=TASK, done=progress.images_seen, reason=reason))
    return Outcome(images_seen=progress.images_seen, reason=reason, figures=progress.figures)


@dataclass(kw_only=True)
class _Progress:
    """What the loop itself has to remember; all of it is in the saved state."""

    images_seen: int = 0
    best: float = math.inf
    figures: Mapping[str, float] = field(default_factory=dict)
    saved_at: int = 0


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
        if self._last is not None:
            seconds, waited, images = (new - old for new, old in zip(now, self._last, strict=True))
            values |= {"speed.images_per_second": images / seconds, "speed.idle_share": waited / seconds}
        self._last = now
        return values


def _resume(learner: Learner, run: RunFolder) -> _Progress:
    state = run.newest_state()
    if state is None:
        return _Progress()
    learner.load_state_dict(state["learner"])
    return _Progress(
        images_seen=state["images_seen"],
        best=state["best"],
        figures=state["figures"],
        saved_at=state["images_seen"],
    )


def _save(
    learner: Learner, run: RunFolder, progress: _Progress, settings: TrainSettings, card: Mapping[str, Any]
) -> None:
    state = {"learner": learner.state_dict(), "best": progress.best, "figures": dict(progress.figures)}
    run.save_snapshot(progress.images_seen, learner.snapshot(), _carded(card, progress), keep=settings.keep)
    run.save_state(progress.images_seen, state, keep=settings.keep)
    progress.saved_at = progress.images_seen


def _judge(
    learner: Learner,
    run: RunFolder,
    judge: Judge,
    choosing: str,
    progress: _Progress,
    card: Mapping[str, Any],
    emit: Emit,
) -> None:
    progress.figures = judge(learner.draw)
    for name, value in progress.figures.items():
        emit(Metric(task=TASK, name=name, value=value, done=progress.images_seen))
    if progress.figures[choosing] < progress.best:
        progress.best = progress.figures[choosing]
        run.save_best(learner.snapshot(), _carded(card, progress))


def _carded(card: Mapping[str, Any], progress: _Progress) -> dict[str, Any]:
    return {**card, "images_seen": progress.images_seen, "scores": dict(progress.figures)}


def _reason_to_end(
    progress: _Progress, settings: TrainSettings, stop: StopCondition | None, interrupted: threading.Event
) -> str | None:
    if interrupted.is_set():
        return "interrupted"
    if stop is not None and progress.figures.get(stop.metric, math.inf) < stop.below:
        return f"{stop.metric} fell below {stop.below}"
    return "complete" if progress.images_seen >= settings.images else None


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
