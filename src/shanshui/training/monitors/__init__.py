"""Monitors: what a training that goes wrong looks like. Each is a pure function of the readings so far."""

from collections.abc import Sequence

from shanshui.training.monitors.collapse import collapse
from shanshui.training.monitors.memorisation import memorisation
from shanshui.training.monitors.overfitting import overfitting
from shanshui.training.monitors.reading import Alarm, Monitor, Reading
from shanshui.training.monitors.stalled import stalled

MONITORS: tuple[Monitor, ...] = (stalled, collapse, memorisation, overfitting)
"""In the order in which they are believed: what stands still says nothing about what was learned, images that are all
alike are no copies of many, and what copies has also learned its photographs by heart."""


def alarm(history: Sequence[Reading]) -> Alarm | None:
    """What is wrong with a training of which `history` is known: the first alarm of `MONITORS`, or None."""
    return next((found for monitor in MONITORS if (found := monitor(history)) is not None), None)
