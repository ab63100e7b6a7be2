"""Events on a terminal, and where there is none."""

import io
from pathlib import Path

from shanshui.commands.terminal import SECONDS_BETWEEN_LINES, Pace, PlainLines, duration, terminal
from shanshui.events import Finished, ImageReady, Metric, Progress, Started, Warned


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_pace_of_a_resumed_run_counts_only_what_this_run_did() -> None:
    clock = Clock()
    pace = Pace(10_000, clock)
    assert pace.at(4_000) == "4,000 of 10,000 images"
    clock.now = 10.0
    assert pace.at(4_200) == "4,200 of 10,000 images, 20.0 images/s, 5 min left"


def test_pace_without_a_total_gives_no_time_left() -> None:
    clock = Clock()
    pace = Pace(None, clock)
    pace.at(0)
    clock.now = 2.0
    assert pace.at(600) == "600 images, 300 images/s"


def test_durations_are_read_at_a_glance() -> None:
    assert [duration(s) for s in (4, 89, 91, 3600, 9000)] == ["4 s", "89 s", "2 min", "60 min", "2 h 30 min"]


def test_a_log_file_gets_a_line_now_and_then() -> None:
    clock, stream = Clock(), io.StringIO()
    emit = PlainLines(stream, clock)
    emit(Started(task="train", total=100))
    for done in range(10):
        clock.now += SECONDS_BETWEEN_LINES / 5
        emit(Progress(task="train", done=done, values={"loss": 0.5}))
    emit(Metric(task="train", name="kid_vgg19", value=0.25, done=9))
    emit(Warned(task="train", message="one odd file"))
    emit(Finished(task="train", done=9, reason="interrupted"))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2 + 3
    assert "loss 0.5" in lines[0] and "images/s" in lines[0]
    assert lines[-3:] == [
        "train: kid_vgg19 = 0.25 after 9 images",
        "train: warning: one odd file",
        "train: interrupted after 9 images",
    ]


def test_a_screen_shows_warnings_and_the_end_as_they_are_written() -> None:
    screen = Screen()
    with terminal(screen) as emit:
        emit(Started(task="paint", total=2))
        emit(ImageReady(task="paint", name="a", path=Path("a.png"), done=1))
        emit(Progress(task="paint", done=1, values={"loss": 1.0}))
        emit(Warned(task="paint", message="[b] is no markup"))
        emit(Finished(task="paint", done=2, reason="complete"))
    assert "paint: warning: [b] is no markup" in screen.getvalue()
    assert "paint: complete after 2 images" in screen.getvalue()
