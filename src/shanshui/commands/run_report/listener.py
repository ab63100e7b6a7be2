"""A listener that writes a run's page while the run goes on, and the same page for a run of old."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shanshui import jsontext
from shanshui.atomic import atomic_write_text
from shanshui.checkpoints.weights import read_header
from shanshui.commands.explained import explained
from shanshui.commands.run_report.album import Album
from shanshui.commands.run_report.page import render
from shanshui.commands.run_report.status import Best
from shanshui.commands.run_report.story import Chronicle
from shanshui.errors import ConfigError, ModelError, ShanshuiError
from shanshui.evaluation.protocols import choosing_metric
from shanshui.events import Emit, Event, Finished, Started, Warned
from shanshui.training.journal import read_journal
from shanshui.training.run import RunFolder

PAGE = "report.html"
SECONDS_BETWEEN_PAGES = 20.0
SHARE_OF_TIME = 0.01
"""Of the training's time that its page may take at the most."""


@contextmanager
def report(
    run: RunFolder,
    config: Mapping[str, Any],
    *,
    resumed_at: int,
    warn: Emit,
    pause: float = SECONDS_BETWEEN_PAGES,
) -> Iterator[Emit]:
    """Keep report.html in the folder of `run` up to date with the events of its training.

    The page is a convenience and never ends a training: what keeps it from being written is said through `warn`. A bug
    in it is said there too, and raised once the training has ended by itself.

    Args:
        run: what the folder's events.jsonl says already is part of the story.
        config: what config.json says.
        resumed_at: images seen at which the run goes on, 0 for a new one.
        warn: hears a `Warned` when the page cannot be written.
        pause: seconds between two pages at the least.
    """
    reporter = _Reporter(run.path, config, warn, pause)
    reporter.recall(resumed_at)
    try:
        yield reporter.hear
    except BaseException as error:
        reporter.break_off(_reason(error))
        raise
    reporter.close()


def write_report(folder: Path) -> Path:
    """Write report.html for the run in `folder`, from what the run has left there, and say where it is.

    Raises:
        ConfigError: there is no run in `folder`.
        StorageError: the page cannot be written.
    """
    page = _Page(folder, _config(folder))
    page.recall()
    page.write(live=False)
    return page.path


class _Page:
    """The page of the run in `folder`: its story so far, and what else it is made of."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.path = folder / PAGE
        self.chronicle = Chronicle()
        self._folder = folder
        self._config = config
        self._album = Album(folder)
        self._unreadable = 0

    def recall(self) -> None:
        """Take in what the log says already."""
        journal = read_journal(self._folder / "events.jsonl")
        for entry in journal.entries:
            self.chronicle.hear(entry.time, entry.event)
        self._unreadable = journal.unreadable

    def write(self, *, live: bool) -> None:
        """Write the page as things stand, whole or not at all."""
        page = render(
            self.chronicle.story(unreadable=self._unreadable),
            self._config,
            explain=explained,
            embed=self._album,
            live=live,
            best=_best(self._folder),
            newest=_newest(self._folder),
        )
        self._album.forget_unused()
        atomic_write_text(self.path, page)


class _Reporter:
    """Decides when the page is written, and keeps its troubles away from the training."""

    def __init__(self, folder: Path, config: Mapping[str, Any], warn: Emit, pause: float) -> None:
        self._page = _Page(folder, config)
        self._warn = warn
        self._pause = pause
        self._due = 0.0
        self._trouble: str | None = None
        self._bug: Exception | None = None

    def recall(self, resumed_at: int) -> None:
        with self._apart():
            self._page.recall()
            self._page.chronicle.resume(resumed_at)

    def hear(self, event: Event) -> None:
        """Take in `event`; write the page when it has waited long enough, or when the run begins or ends."""
        if self._bug is not None:
            return
        with self._apart():
            self._page.chronicle.hear(time.time(), event)
            if isinstance(event, Started | Finished) or time.monotonic() >= self._due:
                self._write()

    def break_off(self, reason: str) -> None:
        """The training ended with an error: the last page says which."""
        if self._bug is not None:
            return
        with self._apart():
            self._page.chronicle.break_off(time.time(), reason)
            self._write()

    def close(self) -> None:
        if self._bug is not None:
            raise self._bug

    def _write(self) -> None:
        began = time.monotonic()
        try:
            self._page.write(live=True)
        finally:
            now = time.monotonic()
            self._due = now + max(self._pause, (now - began) / SHARE_OF_TIME)

    @contextmanager
    def _apart(self) -> Iterator[None]:
        """Trouble inside the block is said and does not reach the training; so is a bug, which `close` raises."""
        try:
            yield
        except ShanshuiError as error:
            self._say(str(error))
        except Exception as bug:  # noqa: BLE001 - raised by `close`
            self._bug = bug
            self._say(f"{PAGE} is no longer kept up to date, for a bug in it: {type(bug).__name__}: {bug}")

    def _say(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._warn(Warned(task="report", message=trouble))


def _config(folder: Path) -> Mapping[str, Any]:
    try:
        return dict(jsontext.parsed((folder / "config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"There is no run in {folder}: give a folder that `shanshui train` has written.") from error


def _reason(error: BaseException) -> str:
    if isinstance(error, ShanshuiError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return f"a bug, {type(error).__name__}: {error}"


def _best(folder: Path) -> Best | None:
    """What the best snapshot says of itself; None while there is none."""
    file = folder / "best.safetensors"
    try:
        card = read_header(file).card
        scores = {str(name): float(value) for name, value in card["scores"].items()}
        figure = choosing_metric(list(scores), looks_through=card.get("looks_through"))
        return Best(
            file=file.name,
            images_seen=int(card["images_seen"]),
            figure=explained(figure).title,
            value=scores[figure],
        )
    except (ModelError, ConfigError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _newest(folder: Path) -> str | None:
    snapshots = sorted((folder / "checkpoints").glob("*.safetensors"))
    return f"checkpoints/{snapshots[-1].name}" if snapshots else None
