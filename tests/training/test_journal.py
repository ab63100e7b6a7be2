"""What a run has said can be read back; TensorBoard hears the same."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from shanshui.events import (
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
from shanshui.images.files import write_picture
from shanshui.training.journal import read_journal
from shanshui.training.listeners import journal, tensorboard
from shanshui.training.run import RunFolder

EVENTS: tuple[Event, ...] = (
    Started(task="train", total=100),
    Progress(task="train", done=10, values={"loss": 0.5}),
    ImageReady(task="train", name="samples", path=Path("run/samples/1.png"), done=10),
    Metric(task="train", name="kid", value=0.25, done=10),
    Warned(task="train", message="odd"),
    Alarmed(task="train", alarm="collapse", message="All alike.", done=20, path=Path("run/samples/c.png")),
    Alarmed(task="train", alarm="stalled", message="Nothing moves.", done=20),
    Answered(task="train", alarm="collapse", answer="rollback", message="Back.", done=20, resumed_at=10),
    Finished(task="train", done=30, reason="complete"),
)


def written(run: RunFolder, *events: Event) -> None:
    with journal(run) as append:
        for event in events:
            append(event)


def test_every_kind_of_event_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", {})
    written(run, *EVENTS)
    assert {type(event) for event in EVENTS} == set(get_args(Event))
    found = read_journal(run.events)
    assert tuple(entry.event for entry in found.entries) == EVENTS
    assert found.unreadable == 0
    times = [entry.time for entry in found.entries]
    assert times == sorted(times) and times[0] > 1.7e9


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "Progress", "time": 1.0, "done": 5, "val',
        "not json",
        "[1, 2]",
        '"text"',
        '{"event": "Unheard", "time": 1.0}',
        '{"event": "Metric", "time": 1.0, "task": "train", "name": "kid", "value": "low", "done": 5}',
        '{"event": "Progress", "time": 1.0, "task": "train", "done": 5, "values": [1]}',
        '{"event": ["Progress"], "time": 1.0}',
        "[" * 100_000,
        "\x00\x00",
    ],
)
def test_a_line_that_cannot_be_understood_is_counted_and_passed_over(tmp_path: Path, line: str) -> None:
    path = tmp_path / "events.jsonl"
    good = json.dumps({"event": "Finished", "time": 1.0, "task": "train", "done": 5, "reason": "complete"})
    path.write_text(f"{good}\n{line}\n\n{good}\n", encoding="utf-8")
    found = read_journal(path)
    assert len(found.entries) == 2 and found.unreadable == 1


def test_a_run_that_has_said_nothing_has_an_empty_journal(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "events.jsonl").entries == ()


def test_tensorboard_shows_alarms_answers_and_settings_and_no_curve_runs_backwards(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", {})
    evidence = run.path / "evidence.png"
    write_picture(evidence, np.zeros((4, 6, 3), np.uint8))
    with tensorboard(run, {"learner": {"width": 8}}, resumed_at=0) as hear:
        for done in (10, 20, 30):
            hear(Progress(task="train", done=done, values={"loss": float(done)}))
        hear(Alarmed(task="train", alarm="collapse", message="All alike.", done=30, path=evidence))
        hear(Answered(task="train", alarm="collapse", answer="rollback", message="Back.", done=30, resumed_at=10))
        hear(Progress(task="train", done=20, values={"loss": -20.0}))
        hear(Metric(task="train", name="kid", value=0.5, done=20))
        hear(Alarmed(task="train", alarm="stalled", message="Nothing moves.", done=20, path=evidence))
        hear(Answered(task="train", alarm="stalled", answer="warn", message="On.", done=20))

    board = on_tensorboard(run)
    assert [(point.step, point.value) for point in board.Scalars("loss")] == [(10, 10.0), (20, -20.0)]
    assert board.Scalars("metrics/kid")[0].value == 0.5
    assert said(board, "config/text_summary") == [(0, '    {\n      "learner": {\n        "width": 8\n      }\n    }')]
    assert said(board, "alarms/stalled/text_summary") == [(20, "After 20 images: Nothing moves.")]
    assert said(board, "answers/collapse/text_summary") == [(10, "After 30 images: All alike. Back.")]
    assert said(board, "answers/stalled/text_summary") == [(20, "After 20 images: Nothing moves. On.")]
    (picture,) = board.Images("alarms/stalled")
    assert (picture.width, picture.height) == (6, 4)


def on_tensorboard(run: RunFolder) -> Any:
    """What TensorBoard reads of the run; it has no types."""
    return (
        import_module("tensorboard.backend.event_processing.event_accumulator").EventAccumulator(str(run.path)).Reload()
    )


def said(board: Any, tag: str) -> list[tuple[int, str]]:
    return [(entry.step, entry.tensor_proto.string_val[0].decode()) for entry in board.Tensors(tag)]
