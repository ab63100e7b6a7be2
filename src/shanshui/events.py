"""What long work says while it runs.

Library code never prints: it calls an `Emit`, and whoever listens (terminal, log file, TensorBoard, a web page)
subscribes to the same typed events.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class Started:
    """Work began: `task` names it, `total` counts its units (images), or None when unknown."""

    task: str
    total: int | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """`done` units are finished; `values` are named figures of this moment (losses, rates)."""

    task: str
    done: int
    values: Mapping[str, float]


SAMPLES = "samples"
"""Name of the images that show how a training gets on."""
NEAREST = "nearest"
"""Name of the images that show what was made beside the training photographs nearest to it."""


@dataclass(frozen=True, kw_only=True)
class ImageReady:
    """An image was written to `path` after `done` units."""

    task: str
    name: str
    path: Path
    done: int


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A measured figure whose name is its whole protocol, for instance `kid_vgg19_relu4_4_2k`."""

    task: str
    name: str
    value: float
    done: int


@dataclass(frozen=True, kw_only=True)
class Warned:
    """Something a user should know that does not stop the work."""

    task: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Alarmed:
    """A monitor found something wrong after `done` units.

    Attributes:
        alarm: which one, for instance `collapse`.
        message: what was found, in one sentence.
        path: a picture of the evidence, where there is one.
    """

    task: str
    alarm: str
    message: str
    done: int
    path: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What was done about an alarm: `answer` is warn, stop or rollback, `message` says it in one sentence.

    After a rollback the work goes on from `resumed_at` units.
    """

    task: str
    alarm: str
    answer: str
    message: str
    done: int
    resumed_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Finished:
    """Work ended after `done` units, for `reason`: complete, interrupted, or a condition that was met."""

    task: str
    done: int
    reason: str


Event: TypeAlias = Started | Progress | ImageReady | Metric | Warned | Alarmed | Answered | Finished
Emit: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""


def broadcast(*listeners: Emit) -> Emit:
    """One `Emit` that passes each event to every listener, in order."""

    def emit(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return emit
