"""Schedules: rise, fall, and the published ones that they must be able to say."""

import math
from itertools import pairwise

import pytest

from shanshui.errors import ConfigError
from shanshui.training.schedules import Schedule


@pytest.mark.parametrize(
    ("schedule", "seen", "factor"),
    [
        (Schedule(), 10**6, 1.0),
        (Schedule(warm_up=100), 0, 0.0),
        (Schedule(warm_up=100), 25, 0.25),
        (Schedule(warm_up=100, start=0.2), 50, 0.6),
        (Schedule(warm_up=100, rise="cosine"), 25, (1 - math.cos(math.pi / 4)) / 2),
        (Schedule(warm_up=100, rise="cosine", start=0.2), 50, 0.6),
        (Schedule(warm_up=100, rise="cosine"), 10**6, 1.0),
        (Schedule(kind="linear", decay_images=100), 75, 0.25),
        (Schedule(kind="linear", decay_images=100), 500, 0.0),
        (Schedule(kind="linear", decay_images=100, floor=0.5), 50, 0.75),
        (Schedule(kind="cosine", decay_images=100), 50, 0.5),
        (Schedule(kind="cosine", decay_images=100, floor=0.2), 100, 0.2),
        (Schedule(kind="late-linear", decay_images=100), 50, 1.0),
        (Schedule(kind="late-linear", decay_images=100), 75, 0.5),
        (Schedule(kind="late-linear", decay_images=100), 500, 0.0),
        (Schedule(kind="linear", warm_up=10, decay_images=100), 5, 0.5 * 0.95),
    ],
)
def test_schedules_are_functions_of_images_seen(schedule: Schedule, seen: int, factor: float) -> None:
    assert schedule.value(seen) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("largest", "schedule", "start", "middle", "end"),
    [
        (2e-4, Schedule(kind="cosine", decay_images=1000, floor=0.25), 2e-4, 1.25e-4, 5e-5),
        (0.99, Schedule(warm_up=1000, rise="cosine", start=0.9 / 0.99), 0.9, 0.945, 0.99),
        (150, Schedule(kind="cosine", decay_images=1000, floor=0.1), 150, 82.5, 15),
        (500_000, Schedule(warm_up=1000, rise="cosine"), 0, 250_000, 500_000),
    ],
    ids=["learning rate", "beta2", "gamma", "half-life"],
)
def test_the_schedules_of_r3gan_can_be_said(
    largest: float, schedule: Schedule, start: float, middle: float, end: float
) -> None:
    values = [largest * schedule.value(seen) for seen in (0, 500, 1000, 5000)]
    assert values == pytest.approx([start, middle, end, end])


def test_no_factor_leaves_the_unit_interval_and_rise_and_fall_do_not_turn_back() -> None:
    rising = Schedule(warm_up=70, rise="cosine", start=0.3)
    falling = Schedule(kind="cosine", decay_images=70, floor=0.3)
    for schedule, sign in ((rising, 1), (falling, -1)):
        values = [schedule.value(seen) for seen in range(100)]
        assert min(values) >= 0.3 - 1e-12 and max(values) <= 1
        assert all(sign * (after - before) >= 0 for before, after in pairwise(values))


def test_impossible_schedules_are_refused() -> None:
    with pytest.raises(ConfigError, match="from 0 to 1"):
        Schedule(floor=1.5)
    with pytest.raises(ConfigError, match="from 0 to 1"):
        Schedule(warm_up=10, start=-0.1)
    with pytest.raises(ConfigError, match="decay_images"):
        Schedule(kind="cosine")
