"""Listeners that write a run's events to its folder: a line of JSON each, and TensorBoard."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from shanshui.events import Alarmed, Answered, Emit, Event, ImageReady, Metric, Progress
from shanshui.images.files import read_picture
from shanshui.training.run import RunFolder


@contextmanager
def journal(run: RunFolder) -> Iterator[Emit]:
    """Every event as one line of events.jsonl, with its type and the time in seconds since 1970."""
    with run.journal() as append:

        def listen(event: Event) -> None:
            append({"event": type(event).__name__, "time": time.time(), **asdict(event)})

        yield listen


@contextmanager
def tensorboard(run: RunFolder, config: Mapping[str, Any], *, resumed_at: int) -> Iterator[Emit]:
    """Losses, figures, sample sheets, alarms with their answers, and the settings for TensorBoard.

    Steps are images seen. What an interrupted or rolled back run had logged beyond where it goes on is declared void,
    so curves never run backwards.

    Args:
        run: whose folder TensorBoard is to look at.
        config: what config.json says.
        resumed_at: images seen at which the run goes on, 0 for a new one.
    """
    board = _Board(run, resumed_at)
    board.describe(config, resumed_at)
    try:
        yield board.hear
    finally:
        board.close()


class _Board:
    """The run on TensorBoard, to go on from `resumed_at` images."""

    def __init__(self, run: RunFolder, resumed_at: int) -> None:
        self._folder = str(run.path)
        self._writer = self._from(resumed_at)
        self._found = ""

    def describe(self, config: Mapping[str, Any], at: int) -> None:
        lines = (f"    {line}" for line in json.dumps(config, indent=2, default=str).splitlines())
        self._writer.add_text("config", "\n".join(lines), at)

    def hear(self, event: Event) -> None:
        match event:
            case Progress():
                for name, value in event.values.items():
                    self._writer.add_scalar(name.replace(".", "/"), value, event.done)
            case Metric():
                self._writer.add_scalar(f"metrics/{event.name}", event.value, event.done)
            case ImageReady():
                self._show(event.name, event.path, event.done)
            case Alarmed():
                self._found = f"After {event.done:,} images: {event.message}"
                self._writer.add_text(f"alarms/{event.alarm}", self._found, event.done)
                if event.path is not None:
                    self._show(f"alarms/{event.alarm}", event.path, event.done)
            case Answered():
                self._answer(event)

    def close(self) -> None:
        self._writer.close()

    def _answer(self, event: Answered) -> None:
        """A rollback makes void even the alarm that led to it, so the answer says what was found, too."""
        at = event.done
        if event.resumed_at is not None:
            at = event.resumed_at
            self._writer.close()
            self._writer = self._from(at)
        self._writer.add_text(f"answers/{event.alarm}", f"{self._found} {event.message}", at)

    def _from(self, resumed_at: int) -> SummaryWriter:
        return SummaryWriter(self._folder, purge_step=resumed_at + 1)

    def _show(self, name: str, path: Path, at: int) -> None:
        self._writer.add_image(name, read_picture(path).pixels, at, dataformats="HWC")
