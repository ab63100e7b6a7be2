"""What has happened in a run so far, told by its events: pure bookkeeping, nothing of files or pages."""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shanshui.events import (
    NEAREST,
    SAMPLES,
    Alarmed,
    Answered,
    Event,
    Finished,
    ImageReady,
    Metric,
    Progress,
    Started,
    Warned,
)

Happening: TypeAlias = Started | Warned | Alarmed | Answered | Finished


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """Finite values (N,) over strictly rising counts of images seen (N,)."""

    xs: NDArray[np.float64]
    values: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A sheet of pictures that was written after so many images."""

    images_seen: int
    path: Path


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Something worth a line: when, in seconds since 1970, after how many images, and what."""

    time: float
    images_seen: int
    event: Happening


@dataclass(frozen=True, kw_only=True)
class RunStory:
    """A run as it stands.

    Attributes:
        total: images that it is to see; None where that was never said.
        images_seen: so far.
        seconds: for which it has been training, without the time between an end and a resume.
        latest: when it was last heard of, in seconds since 1970; None before the first event.
        ended: why it ended; None while nothing has said that it did.
        values: losses, logits, speeds and the like by name.
        figures: judged figures by full name.
        sheets: sample sheets, the oldest first.
        nearest: generated images beside the training photographs nearest to them, the oldest sheet first.
        moments: in the order in which they happened.
        unreadable: lines of the log that could not be understood.
    """

    total: int | None = None
    images_seen: int = 0
    seconds: float = 0.0
    latest: float | None = None
    ended: str | None = None
    values: Mapping[str, Series] = field(default_factory=dict)
    figures: Mapping[str, Series] = field(default_factory=dict)
    sheets: Sequence[Sheet] = ()
    nearest: Sequence[Sheet] = ()
    moments: Sequence[Moment] = ()
    unreadable: int = 0


class Chronicle:
    """Hears events one by one and tells the story so far.

    A resumed run goes on from its newest checkpoint, and a rolled back one from an earlier one: what had been logged
    beyond it is void, so that no curve ever runs backwards. Alarms and answers before a rollback stay, for they are
    why it happened.
    """

    def __init__(self) -> None:
        self._total: int | None = None
        self._images_seen = 0
        self._seconds = 0.0
        self._latest: float | None = None
        self._ended: str | None = None
        self._resuming = False
        self._values: dict[str, _Track] = {}
        self._figures: dict[str, _Track] = {}
        self._sheets: dict[str, list[Sheet]] = {SAMPLES: [], NEAREST: []}
        self._moments: list[Moment] = []

    def hear(self, time: float, event: Event) -> None:
        """Take in an `event` that happened at `time`, in seconds since 1970."""
        if not isinstance(event, Started) and self._latest is not None:
            self._seconds += max(time - self._latest, 0.0)
        self._latest = time
        if isinstance(event, Started):
            self._total, self._ended, self._resuming = event.total, None, True
        elif not isinstance(event, Warned):
            self._advance(event)
        match event:
            case Progress():
                _record(self._values, event.values, event.done)
            case Metric():
                _record(self._figures, {event.name: event.value}, event.done)
            case ImageReady():
                if event.name in self._sheets:
                    self._sheets[event.name].append(Sheet(images_seen=event.done, path=event.path))
            case _:
                self._moments.append(Moment(time=time, images_seen=self._images_seen, event=event))
        if isinstance(event, Finished):
            self._ended = event.reason
        if isinstance(event, Answered) and event.resumed_at is not None:
            self._void_measurements(event.resumed_at)
            self._images_seen = event.resumed_at

    def resume(self, images_seen: int) -> None:
        """The run goes on from `images_seen` images: what was heard beyond is void."""
        self._void_measurements(images_seen)
        self._void_moments(images_seen)
        self._images_seen = images_seen

    def break_off(self, time: float, reason: str) -> None:
        """The run ended at `time` without saying so itself."""
        self.hear(time, Finished(task="", done=self._images_seen, reason=reason))

    def story(self, *, unreadable: int = 0) -> RunStory:
        """The story so far; `unreadable` lines of the log told nothing."""
        return RunStory(
            total=self._total,
            images_seen=self._images_seen,
            seconds=self._seconds,
            latest=self._latest,
            ended=self._ended,
            values={name: track.series() for name, track in self._values.items() if len(track)},
            figures={name: track.series() for name, track in self._figures.items() if len(track)},
            sheets=tuple(self._sheets[SAMPLES]),
            nearest=tuple(self._sheets[NEAREST]),
            moments=tuple(self._moments),
            unreadable=unreadable,
        )

    def _advance(self, event: Progress | Metric | ImageReady | Alarmed | Answered | Finished) -> None:
        """Move to where `event` happened.

        The log of a resumed run does not say where it goes on: its first event does. A measurement that comes again
        replaces the one before; an end measures nothing.
        """
        if self._resuming or event.done < self._images_seen:
            self.resume(event.done if isinstance(event, Finished) else event.done - 1)
        self._resuming = False
        self._images_seen = event.done

    def _void_measurements(self, beyond: int) -> None:
        for track in (*self._values.values(), *self._figures.values()):
            track.cut(beyond)
        for sheets in self._sheets.values():
            while sheets and sheets[-1].images_seen > beyond:
                sheets.pop()

    def _void_moments(self, beyond: int) -> None:
        """Forget what happened since the run was last at `beyond`, but not that it began or ended."""
        kept: list[Moment] = []
        while self._moments and (_is_border(self._moments[-1]) or _reached(self._moments[-1]) > beyond):
            moment = self._moments.pop()
            if _is_border(moment):
                kept.append(moment)
        self._moments += reversed(kept)


class _Track:
    """A growing series, in eight bytes a number: runs log for weeks."""

    def __init__(self) -> None:
        self._xs, self._values = array("d"), array("d")

    def __len__(self) -> int:
        return len(self._xs)

    def add(self, at: int, value: float) -> None:
        self.cut(at - 1)
        self._xs.append(at)
        self._values.append(value)

    def cut(self, beyond: int) -> None:
        while self._xs and self._xs[-1] > beyond:
            self._xs.pop()
            self._values.pop()

    def series(self) -> Series:
        return Series(xs=np.array(self._xs, dtype=np.float64), values=np.array(self._values, dtype=np.float64))


def _record(tracks: dict[str, _Track], values: Mapping[str, float], at: int) -> None:
    for name, value in values.items():
        if math.isfinite(value):  # what is not finite has no place on a chart; it stops the run, which says so
            tracks.setdefault(name, _Track()).add(at, value)


def _is_border(moment: Moment) -> bool:
    return isinstance(moment.event, Started | Finished)


def _reached(moment: Moment) -> int:
    """Where the run stood after this moment."""
    if isinstance(moment.event, Answered) and moment.event.resumed_at is not None:
        return moment.event.resumed_at
    return moment.images_seen
