"""The terminal as a listener: events become a progress bar, or plain lines where there is no screen."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from shanshui.events import Alarmed, Answered, Emit, Event, Finished, ImageReady, Metric, Started, Warned
from shanshui.events import Progress as Advanced

SECONDS_BETWEEN_LINES = 15.0
FIGURES_SHOWN = 4


@contextmanager
def terminal(stream: TextIO | None = None) -> Iterator[Emit]:
    """An `Emit` that shows events on `stream` (stderr by default) for as long as the block runs."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield PlainLines(stream)
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[pace]}"),
        _Figures(),
        console=Console(file=stream),
        transient=True,
    ) as progress:
        yield ProgressBar(progress)


class Pace:
    """Rate and time left of one task, counted from the first figure it gave: a resumed run starts in the middle."""

    def __init__(self, total: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self._clock = clock
        self._origin: tuple[float, int] | None = None

    def at(self, done: int) -> str:
        """`done` as a sentence: `1,200 of 40,000 images, 18.4 images/s, 35 min left`."""
        now = self._clock()
        if self._origin is None:
            self._origin = (now, done)
        seconds, count = now - self._origin[0], done - self._origin[1]
        parts = [f"{done:,} of {_images(self.total)}" if self.total is not None else _images(done)]
        if seconds > 0 and count > 0:
            rate = count / seconds
            parts.append(f"{rate:.1f} images/s" if rate < 100 else f"{rate:.0f} images/s")
            if self.total is not None and done < self.total:
                parts.append(f"{duration((self.total - done) / rate)} left")
        return ", ".join(parts)


class PlainLines:
    """A line for what is worth one, and for progress every fifteen seconds. Suits log files and pipes.

    That work began is not worth a line: when it fails at once, the one sentence of the error stands alone.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._paces: dict[str, Pace] = {}
        self._last_line = clock()

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                self._paces[event.task] = Pace(event.total, self._clock)
            case Advanced():
                pace = self._paces.setdefault(event.task, Pace(None, self._clock)).at(event.done)
                if self._clock() - self._last_line >= SECONDS_BETWEEN_LINES:
                    self._line(f"{event.task}: {pace}{_figures(event.values, prefix=', ')}")
            case _:
                self._line(sentence(event))

    def _line(self, text: str) -> None:
        self._last_line = self._clock()
        print(text, file=self._stream, flush=True)


class ProgressBar:
    """A live bar per task; warnings and measurements scroll by above it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, tuple[TaskID, Pace]] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                self._open(event.task, event.total)
            case Advanced():
                row, pace = self._tasks.get(event.task) or self._open(event.task, None)
                self._progress.update(row, completed=event.done, pace=pace.at(event.done), figures=dict(event.values))
            case ImageReady():
                pass  # the bar says how far the work is; the folder shows the pictures
            case _:
                if isinstance(event, Finished) and event.task in self._tasks:
                    self._progress.remove_task(self._tasks.pop(event.task)[0])
                self._progress.console.print(sentence(event), highlight=False, markup=False)

    def _open(self, task: str, total: int | None) -> tuple[TaskID, Pace]:
        row = self._progress.add_task(task, total=total, pace="", figures={})
        self._tasks[task] = (row, Pace(total))
        return self._tasks[task]


class _Figures(ProgressColumn):
    """The figures of this moment (losses), as many as fit."""

    def render(self, task: Task) -> Text:
        return Text(_figures(task.fields["figures"]), style="dim", no_wrap=True, overflow="ellipsis")


def sentence(event: Event) -> str:
    """An event in words, on one line."""
    match event:
        case Started(task=task):
            return f"{task}: started"
        case Advanced(task=task, done=done):
            return f"{task}: {_images(done)}"
        case ImageReady(path=path):
            return f"wrote {path}"
        case Metric(task=task, name=name, value=value, done=done):
            return f"{task}: {name} = {value:.4g} after {_images(done)}"
        case Warned(task=task, message=message):
            return f"{task}: warning: {message}"
        case Alarmed(task=task, alarm=alarm, message=message, done=done):
            return f"{task}: {alarm} after {_images(done)}: {message}"
        case Answered(task=task, message=message):
            return f"{task}: {message}"
        case Finished(task=task, done=done, reason=reason):
            return f"{task}: {reason} after {_images(done)}"


def duration(seconds: float) -> str:
    """Seconds in words of one or two units: `48 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _images(count: int) -> str:
    return f"{count:,} image" if count == 1 else f"{count:,} images"


def _figures(values: Mapping[str, float], prefix: str = "") -> str:
    shown = [f"{name} {value:.3g}" for name, value in list(values.items())[:FIGURES_SHOWN]]
    return prefix + ", ".join(shown) if shown else ""
