"""Monitors: what a training that goes wrong looks like. Each is a pure function of the readings so far."""

from collections.abc import Mapping, Sequence

from shanshui.training.monitors.collapse import collapse
from shanshui.training.monitors.memorisation import memorisation
from shanshui.training.monitors.overfitting import overfitting
from shanshui.training.monitors.reading import Alarm, AlarmKind, Monitor, Reading
from shanshui.training.monitors.stalled import still, without_progress

MONITORS: tuple[Monitor, ...] = (collapse, memorisation, overfitting, still, without_progress)
"""In the order in which they are believed: images that are all alike are no copies of many, what copies has learned its
photographs by heart as well, and what does either may well stand still."""

CONFIRMED: Mapping[AlarmKind, int] = {"collapse": 2, "memorisation": 2, "overfitting": 3, "stalled": 3}
"""Readings in a row that have to look alike before there is an alarm: young networks jump."""


def suspicion(history: Sequence[Reading]) -> Alarm | None:
    """What looks wrong at the newest reading of `history`: the first that `MONITORS` say, or None."""
    return next((found for monitor in MONITORS if history and (found := monitor(history)) is not None), None)


def alarm(history: Sequence[Reading]) -> Alarm | None:
    """A suspicion that the readings before the newest one confirm, or None."""
    found = suspicion(history)
    if found is None:
        return None
    before = [suspicion(history[: len(history) - back]) for back in range(1, CONFIRMED[found.kind])]
    return found if all(each is not None and each.kind == found.kind for each in before) else None
