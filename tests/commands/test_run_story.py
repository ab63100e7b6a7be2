"""The story of a run: what its events come to, over interruptions and rollbacks."""

from pathlib import Path

import numpy as np
import pytest

from shanshui.commands.run_report.curves import thinned
from shanshui.commands.run_report.sheets import spread
from shanshui.commands.run_report.story import Chronicle, RunStory, Series, Sheet
from shanshui.events import Alarmed, Answered, Event, Finished, ImageReady, Metric, Progress, Started, Warned


def progress(done: int, loss: float) -> Progress:
    return Progress(task="train", done=done, values={"loss": loss})


def metric(done: int, value: float) -> Metric:
    return Metric(task="train", name="kid", value=value, done=done)


def sheet(done: int) -> ImageReady:
    return ImageReady(task="train", name="samples", path=Path(f"samples/{done}.png"), done=done)


def alarm(done: int, message: str = "All alike.") -> Alarmed:
    return Alarmed(task="train", alarm="collapse", message=message, done=done)


def answer(done: int, resumed_at: int | None = None) -> Answered:
    kind = "warn" if resumed_at is None else "rollback"
    return Answered(task="train", alarm="collapse", answer=kind, message="Done.", done=done, resumed_at=resumed_at)


START = Started(task="train", total=1000)


def chronicle(*events: Event) -> Chronicle:
    """One event a second."""
    heard = Chronicle()
    for second, event in enumerate(events):
        heard.hear(float(second), event)
    return heard


def story(*events: Event) -> RunStory:
    return chronicle(*events).story()


def loss(told: RunStory) -> list[tuple[float, float]]:
    series = told.values["loss"]
    return list(zip(series.xs.tolist(), series.values.tolist(), strict=True))


def kinds(told: RunStory) -> list[str]:
    return [type(moment.event).__name__ for moment in told.moments]


def test_events_become_curves_sheets_and_moments() -> None:
    told = story(START, progress(10, 3.0), sheet(10), metric(10, 0.5), alarm(10), answer(10), progress(20, 2.0))
    assert loss(told) == [(10, 3.0), (20, 2.0)]
    assert told.figures["kid"].values.tolist() == [0.5]
    assert told.sheets == (Sheet(images_seen=10, path=Path("samples/10.png")),)
    assert kinds(told) == ["Started", "Alarmed", "Answered"]
    assert (told.images_seen, told.total, told.latest, told.ended) == (20, 1000, 6.0, None)


def test_nothing_heard_is_a_story_too() -> None:
    assert story().images_seen == 0 and story().latest is None and story().values == {}


def test_a_killed_run_goes_on_from_its_checkpoint_and_what_came_after_it_is_void() -> None:
    lost = (progress(60, 9.0), metric(70, 9.0), sheet(70), alarm(70, "void"))
    told = story(START, progress(40, 4.0), metric(40, 0.4), sheet(40), *lost, START, progress(60, 6.0))
    assert loss(told) == [(40, 4.0), (60, 6.0)]
    assert told.figures["kid"].xs.tolist() == [40]
    assert [each.images_seen for each in told.sheets] == [40]
    assert kinds(told) == ["Started", "Started"], "the alarm will be raised again, if it is one"


def test_where_a_run_goes_on_can_be_told_before_its_first_event() -> None:
    heard = chronicle(START, progress(40, 4.0), progress(60, 9.0), sheet(60))
    heard.resume(50)
    assert loss(heard.story()) == [(40, 4.0)] and heard.story().sheets == () and heard.story().images_seen == 50


def test_a_measurement_at_the_very_point_where_a_run_was_killed_is_not_there_twice() -> None:
    told = story(START, progress(40, 4.0), alarm(60), START, alarm(60), progress(60, 6.0))
    assert loss(told) == [(40, 4.0), (60, 6.0)] and kinds(told).count("Alarmed") == 1


def test_a_run_that_was_complete_loses_nothing_when_it_is_resumed() -> None:
    told = story(START, progress(40, 4.0), Finished(task="train", done=40, reason="complete"), START,
                 Finished(task="train", done=40, reason="complete"))  # fmt: skip
    assert loss(told) == [(40, 4.0)] and told.ended == "complete"


def test_a_rollback_makes_measurements_void_but_not_the_alarm_that_led_to_it() -> None:
    told = story(
        START, progress(20, 2.0), sheet(20), progress(40, 9.0), sheet(40), alarm(40), answer(40, resumed_at=30)
    )
    assert loss(told) == [(20, 2.0)] and told.images_seen == 30
    assert [each.images_seen for each in told.sheets] == [20]
    assert kinds(told) == ["Started", "Alarmed", "Answered"]
    assert [moment.images_seen for moment in told.moments] == [0, 40, 40]


def test_an_alarm_before_a_rollback_survives_a_later_interruption() -> None:
    told = story(START, progress(40, 9.0), alarm(40), answer(40, resumed_at=10), progress(20, 2.0), progress(30, 9.0),
                 alarm(30, "void"), START, progress(30, 3.0))  # fmt: skip
    assert loss(told) == [(20, 2.0), (30, 3.0)]
    assert [moment.event.message for moment in told.moments if isinstance(moment.event, Alarmed)] == ["All alike."]


def test_a_log_whose_beginning_of_the_resumed_run_was_torn_still_runs_forwards() -> None:
    told = story(START, progress(20, 2.0), progress(40, 9.0), progress(30, 3.0))
    assert loss(told) == [(20, 2.0), (30, 3.0)]


def test_the_time_between_an_end_and_a_resume_is_no_training() -> None:
    heard = chronicle(START, progress(10, 1.0), Finished(task="train", done=10, reason="interrupted"))
    heard.hear(1000.0, START)
    assert heard.story().ended is None
    heard.hear(1005.0, progress(20, 1.0))
    assert heard.story().seconds == 2 + 5


def test_a_run_that_breaks_off_says_why() -> None:
    heard = chronicle(START, progress(10, 1.0))
    heard.break_off(9.0, "the loss is not finite")
    told = heard.story()
    assert (told.ended, told.images_seen, told.seconds) == ("the loss is not finite", 10, 9.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_on_no_curve(value: float) -> None:
    assert loss(story(START, progress(10, 1.0), progress(20, value))) == [(10, 1.0)]


def test_warnings_stand_where_the_run_was() -> None:
    told = story(START, progress(10, 1.0), Warned(task="train", message="odd"))
    assert told.moments[-1].images_seen == 10


def test_a_short_curve_is_drawn_as_it_is() -> None:
    xs, readings = thinned(Series(xs=np.array([1.0, 2.0]), values=np.array([5.0, 6.0])), at_most=2)
    assert list(xs) == [1, 2] and [reading.value for reading in readings] == [5, 6]
    assert all(reading.interval is None for reading in readings)


def test_a_long_curve_becomes_means_with_all_values_in_their_bands() -> None:
    values = np.random.default_rng(0).normal(size=1003)
    values[500] = 40.0
    xs, readings = thinned(Series(xs=np.arange(1003.0), values=values), at_most=50)
    assert len(xs) == len(readings) == 50 and all(np.diff(xs) > 0)
    intervals = [reading.interval for reading in readings]
    assert max(high for _, high in filter(None, intervals)) == 40.0, "a peak is never thinned away"
    first = values[:20]
    assert readings[0].value == pytest.approx(first.mean()) and intervals[0] == (first.min(), first.max())


@pytest.mark.parametrize("count", [1, 2, 12, 13, 49, 500])
def test_sheets_are_spread_over_the_run_with_the_first_and_the_newest(count: int) -> None:
    sheets = [Sheet(images_seen=number, path=Path(f"{number}.png")) for number in range(count)]
    chosen = spread(sheets, at_most=12)
    assert chosen[0] is sheets[0] and chosen[-1] is sheets[-1]
    assert min(count, 7) <= len(chosen) <= 12 and len(set(chosen)) == len(chosen)
    later = spread([*sheets, Sheet(images_seen=count, path=Path("new.png"))], at_most=12)
    assert set(later[:-2]) <= set(chosen), "no sheet comes back: each is made small once"
