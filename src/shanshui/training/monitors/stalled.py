"""Stalled: the images do not change any more, or they change and get no better."""

from collections.abc import Sequence
from statistics import median

from shanshui.training.monitors.reading import Alarm, Reading

STILL = 0.05
"""Movement from one reading to the next, in distances of real neighbours, below which images stand still."""

PATIENCE = 5
"""Readings whose median is compared with that of as many before them: single figures jump."""


def still(history: Sequence[Reading]) -> Alarm | None:
    """Images of the same latents that stand still from one reading to the next."""
    movement = history[-1].movement
    if movement is None or movement >= STILL:
        return None
    return Alarm(
        kind="stalled",
        message="The generator stands still: images of the same latents hardly change from one reading to the next.",
    )


def without_progress(history: Sequence[Reading]) -> Alarm | None:
    """The median of a figure that falls noisily is no lower than it was `PATIENCE` readings ago, by its standard error.

    Young trainings have no such history: it takes twice `PATIENCE` readings.
    """
    name = history[-1].choosing
    values = [each.figures[name] for each in history if name is not None and name in each.figures]
    if name is None or len(values) < 2 * PATIENCE:
        return None
    before, now = median(values[-2 * PATIENCE : -PATIENCE]), median(values[-PATIENCE:])
    if now < before - history[-1].errors.get(name, 0.0):
        return None
    return Alarm(
        kind="stalled",
        message=(
            f"The training makes no progress: {name} was {before:.4g} and is {now:.4g} (medians of {PATIENCE} "
            "readings each)."
        ),
    )
