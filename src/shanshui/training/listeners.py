"""Listeners that write a run's events to its folder: a line of JSON each, and TensorBoard."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from torch.utils.tensorboard import SummaryWriter

from shanshui.events import Emit, Event, ImageReady, Metric, Progress
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
def tensorboard(run: RunFolder, *, resumed_at: int) -> Iterator[Emit]:
    """Losses, figures and sample sheets for TensorBoard; steps are images seen.

    What an interrupted run had logged beyond `resumed_at` is declared void, so curves never run backwards.
    """
    writer = SummaryWriter(str(run.path), purge_step=resumed_at or None)

    def listen(event: Event) -> None:
        match event:
            case Progress():
                for name, value in event.values.items():
                    writer.add_scalar(name.replace(".", "/"), value, event.done)
            case Metric():
                writer.add_scalar(f"metrics/{event.name}", event.value, event.done)
            case ImageReady():
                writer.add_image(event.name, read_picture(event.path).pixels, event.done, dataformats="HWC")

    try:
        yield listen
    finally:
        writer.close()
