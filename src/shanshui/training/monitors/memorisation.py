"""Memorisation: the generator repeats its training photographs."""

from collections.abc import Sequence

from shanshui.training.monitors.reading import Alarm, Copies, Reading

TIMES, ERRORS = 3.0, 2.0
"""A share of copies is suspicious when it is so many times what is expected, and so many standard errors above it."""


def memorisation(history: Sequence[Reading]) -> Alarm | None:
    """More images near a training photograph than photographs that were not trained on."""
    found = history[-1].copies
    if found is None or not _suspicious(found):
        return None
    return Alarm(
        kind="memorisation",
        message=(
            f"The generator repeats its training photographs: {found.share:.0%} of its images lie as near to one as "
            f"only {found.expected:.0%} of other photographs do."
        ),
    )


def _suspicious(found: Copies) -> bool:
    return found.share > TIMES * found.expected and found.share - found.expected > ERRORS * found.error
