"""Memorisation: the generator repeats its training photographs."""

from collections.abc import Sequence

from shanshui.training.monitors.reading import Alarm, Copies, Reading

TIMES, ERRORS = 3.0, 3.0
"""A share of copies is suspicious when it is so many times what is expected, and so many standard errors above it."""

CONFIRMED = 2


def memorisation(history: Sequence[Reading]) -> Alarm | None:
    """More images near a training photograph than photographs that were not trained on, in two readings in a row."""
    if len(history) < CONFIRMED or not all(_copies(each.copies) for each in history[-CONFIRMED:]):
        return None
    found = history[-1].copies
    assert found is not None
    return Alarm(
        kind="memorisation",
        message=(
            f"The generator repeats its training photographs: {found.share:.0%} of its images lie as near to one as "
            f"only {found.expected:.0%} of other photographs do."
        ),
    )


def _copies(found: Copies | None) -> bool:
    if found is None:
        return False
    return found.share > TIMES * found.expected and found.share - found.expected > ERRORS * found.error
