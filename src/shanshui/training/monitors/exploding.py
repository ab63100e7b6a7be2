"""Exploding: a loss, a gradient or the weights grow beyond anything that learning needs; felt before every step."""

from collections.abc import Sequence
from statistics import median
from typing import Literal, NamedTuple

MEMORY = 100
"""Steps that the running medians look back."""

FEWEST = 20
"""Steps before a median of gradients means something: those of the first steps differ by orders of magnitude."""

LEAP = 1000.0
"""Times its running median that a loss or a gradient norm may be. Losses of all games are of order 1 when balanced."""

JUMP, GROWTH = 5.0, 100.0
"""Times their largest norm in recent steps, and times their norm in the beginning, that weights may grow."""


class Pulse(NamedTuple):
    """One step of an optimiser, before it is made.

    Attributes:
        loss: the sum of the terms.
        gradient: the norm of its gradient over all parameters together.
        weights: the norm of all parameters together.
    """

    loss: float
    gradient: float
    weights: float


def exploding(history: Sequence[Pulse], now: Pulse) -> Literal["loss", "gradient", "weights"] | None:
    """Which of `now` has exploded, given the steps before it: what `remembered` kept."""
    if not history:
        return None
    recent = history[-MEMORY:]
    if abs(now.loss) > LEAP * max(1.0, median(abs(each.loss) for each in recent)):
        return "loss"
    if len(recent) >= FEWEST and now.gradient > LEAP * median(each.gradient for each in recent) > 0:
        return "gradient"
    largest = max(each.weights for each in recent)
    grown = now.weights > JUMP * largest > 0 or now.weights > GROWTH * history[0].weights > 0
    return "weights" if grown else None


def remembered(history: Sequence[Pulse], now: Pulse) -> tuple[Pulse, ...]:
    """`history` with `now`: the first step, for the weights, and the last `MEMORY`, for the medians."""
    return (*history[:1], *history[1:][-MEMORY + 1 :], now)
