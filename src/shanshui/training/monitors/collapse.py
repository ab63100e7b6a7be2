"""Collapse: the generator makes one scene, or a few, whatever the latents are."""

import math
from collections.abc import Sequence

from shanshui.training.monitors.reading import Alarm, Reading
from shanshui.training.monitors.stalled import STILL

ALIKE = 0.02
"""Variety that images of a generator which learns exceed after a few hundred images already."""

FALLEN = 0.5
"""Share of the best variety so far below which something was lost."""

NARROWED, FORGOTTEN, KNOWN = 0.75, 0.25, 0.1
"""Variety below this share of its best is a collapse if recall, once above `KNOWN`, is below that share of its best."""


def collapse(history: Sequence[Reading]) -> Alarm | None:
    """Images that are all alike, or much more alike than those of earlier readings.

    A young generator has little variety, or that of noise, and recall stays near 0 for its first thousands of images.
    So neither is compared with what it should be, only with what it was at readings whose figure was no worse: who
    collapses loses something, who learns trades the variety of noise for that of scenes. Images that are alike and do
    not move are not collapsed but not learned at all: see `stalled`.
    """
    now = history[-1]
    if now.variety is None or not _collapsed(history, now.variety):
        return None
    best = max((each.variety or 0.0 for each in _no_worse(history)), default=0.0)
    before = f", after up to {best:.2g} times earlier in this training" if best > now.variety else ""
    return Alarm(
        kind="collapse",
        message=(
            f"The generator collapses: its images differ from each other {now.variety:.2g} times as much as real ones "
            f"do{before}."
        ),
    )


def _collapsed(history: Sequence[Reading], now: float) -> bool:
    newest, earlier = history[-1], _no_worse(history)
    if now < ALIKE:
        return newest.movement is None or newest.movement >= STILL
    variety = max((each.variety or 0.0 for each in earlier), default=0.0)
    recall = max((each.recall or 0.0 for each in earlier), default=0.0)
    forgotten = recall >= KNOWN and (newest.recall or 0.0) < FORGOTTEN * recall
    return now < FALLEN * variety or (forgotten and now < NARROWED * variety)


def _no_worse(history: Sequence[Reading]) -> list[Reading]:
    """The earlier readings whose figure, where there is one, was at least as good as now."""
    now = history[-1]
    if now.choosing is None:
        return list(history[:-1])
    value = now.figures[now.choosing]
    return [each for each in history[:-1] if each.figures.get(now.choosing, math.inf) <= value]
