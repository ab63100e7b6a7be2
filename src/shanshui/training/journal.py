"""events.jsonl read back: what `listeners.journal` has written of a run, event by event."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from shanshui import jsontext
from shanshui.events import Alarmed, Answered, Event, Finished, ImageReady, Metric, Progress, Started, Warned


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """An event and when it happened, in seconds since 1970."""

    time: float
    event: Event


@dataclass(frozen=True, kw_only=True)
class Journal:
    """All that a run has said, in order; `unreadable` counts the lines that could not be understood."""

    entries: Sequence[Recorded] = ()
    unreadable: int = 0


def read_journal(path: Path) -> Journal:
    """What is in the file at `path`; an empty journal when there is none.

    A line that was torn by a crash, or that a newer version wrote, is counted and passed over.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return Journal()
    entries = [_recorded(line) for line in lines if line.strip()]
    known = [entry for entry in entries if entry is not None]
    return Journal(entries=known, unreadable=len(entries) - len(known))


def _recorded(line: str) -> Recorded | None:
    try:
        entry = jsontext.parsed(line)
        return Recorded(time=float(entry["time"]), event=_KINDS[entry["event"]](entry))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


_Entry: TypeAlias = Mapping[str, Any]


def _started(entry: _Entry) -> Started:
    return Started(task=str(entry["task"]), total=_count(entry["total"]))


def _progress(entry: _Entry) -> Progress:
    values = {str(name): float(value) for name, value in entry["values"].items()}
    return Progress(task=str(entry["task"]), done=int(entry["done"]), values=values)


def _image_ready(entry: _Entry) -> ImageReady:
    return ImageReady(
        task=str(entry["task"]), name=str(entry["name"]), path=Path(entry["path"]), done=int(entry["done"])
    )


def _metric(entry: _Entry) -> Metric:
    return Metric(
        task=str(entry["task"]), name=str(entry["name"]), value=float(entry["value"]), done=int(entry["done"])
    )


def _warned(entry: _Entry) -> Warned:
    return Warned(task=str(entry["task"]), message=str(entry["message"]))


def _alarmed(entry: _Entry) -> Alarmed:
    return Alarmed(
        task=str(entry["task"]),
        alarm=str(entry["alarm"]),
        message=str(entry["message"]),
        done=int(entry["done"]),
        path=None if entry["path"] is None else Path(entry["path"]),
    )


def _answered(entry: _Entry) -> Answered:
    return Answered(
        task=str(entry["task"]),
        alarm=str(entry["alarm"]),
        answer=str(entry["answer"]),
        message=str(entry["message"]),
        done=int(entry["done"]),
        resumed_at=_count(entry["resumed_at"]),
    )


def _finished(entry: _Entry) -> Finished:
    return Finished(task=str(entry["task"]), done=int(entry["done"]), reason=str(entry["reason"]))


def _count(value: Any) -> int | None:
    return None if value is None else int(value)


_KINDS: Mapping[str, Callable[[_Entry], Event]] = {
    Started.__name__: _started,
    Progress.__name__: _progress,
    ImageReady.__name__: _image_ready,
    Metric.__name__: _metric,
    Warned.__name__: _warned,
    Alarmed.__name__: _alarmed,
    Answered.__name__: _answered,
    Finished.__name__: _finished,
}
