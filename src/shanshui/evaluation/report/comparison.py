"""The figures of several judged sets side by side, and which of them are ahead."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from shanshui.evaluation.assessment import Assessment
from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.measures import Better
from shanshui.evaluation.report.charts import Reading
from shanshui.evaluation.report.scales import fixed

DIRECTION: Mapping[Better, str] = {
    "lower": "↓ lower is better",
    "higher": "↑ higher is better",
    "near one": "→ 1 ← nearer to one is better",
}


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What a figure says, for people.

    Attributes:
        title: a few words, for instance `Kernel distance`.
        meaning: one sentence.
        better: in which direction it improves.
    """

    title: str
    meaning: str
    better: Better


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of all judged sets.

    Attributes:
        name: its full name.
        explanation: what it says.
        readings: one for each set; None where a set does not have this figure.
        control: real images against real ones; None where that was not measured.
    """

    name: str
    explanation: Explanation
    readings: Sequence[Reading | None]
    control: Reading | None

    def best(self) -> int | None:
        """The set with the best value, the first among equals; None without readings."""
        known = [index for index, reading in enumerate(self.readings) if reading is not None]
        return min(known, key=self._badness, default=None)

    def leaders(self) -> frozenset[int]:
        """The best set, and those whose intervals overlap the interval of the best."""
        best = self.best()
        if best is None:
            return frozenset()
        low, high = _bounds(self.readings[best])
        bounds = {index: _bounds(reading) for index, reading in enumerate(self.readings) if reading is not None}
        return frozenset(index for index, (start, end) in bounds.items() if start <= high and low <= end)

    def written(self, reading: Reading) -> tuple[str, str | None]:
        """Value and interval of `reading`, with as many decimals as all readings of this figure share."""
        decimals = self._decimals()
        interval = reading.interval
        if interval is None:
            return fixed(reading.value, decimals), None
        return fixed(reading.value, decimals), f"{fixed(interval[0], decimals)} to {fixed(interval[1], decimals)}"

    def _badness(self, index: int) -> float:
        reading = self.readings[index]
        assert reading is not None
        return {"lower": reading.value, "higher": -reading.value, "near one": abs(reading.value - 1)}[
            self.explanation.better
        ]

    def _decimals(self) -> int:
        """Two significant digits of the narrowest interval; without one, four of the greatest value."""
        known = [reading for reading in (*self.readings, self.control) if reading is not None]
        reaches = [reading.interval[1] - reading.interval[0] for reading in known if reading.interval is not None]
        narrowest = min((reach for reach in reaches if reach > 0), default=0.0) / 2
        if narrowest > 0:
            return _decimals_of(narrowest, digits=2)
        return _decimals_of(max((abs(reading.value) for reading in known), default=0.0), digits=4)


def compared(assessments: Sequence[Assessment], explain: Callable[[str], Explanation]) -> tuple[Figure, ...]:
    """Every figure that any of `assessments` has, in the order in which they first appear.

    The control of a figure is a property of the real images alone: the first assessment that has it speaks for all.
    """
    names = dict.fromkeys(name for each in assessments for name in (*each.figures, *each.control))
    return tuple(
        Figure(
            name=name,
            explanation=explain(name),
            readings=[_reading(each.figures.get(name)) for each in assessments],
            control=next((_reading(each.control[name]) for each in assessments if name in each.control), None),
        )
        for name in names
    )


def breakable(name: str) -> str:
    """The full name of a figure as HTML that may break after each of its words."""
    return escape(name).replace("_", "_<wbr>")


def _reading(estimate: Estimate | None) -> Reading | None:
    return None if estimate is None else Reading(value=estimate.value, interval=estimate.interval())


def _bounds(reading: Reading | None) -> tuple[float, float]:
    assert reading is not None
    return reading.interval or (reading.value, reading.value)


def _decimals_of(size: float, *, digits: int) -> int:
    """Decimals that show `digits` significant digits of `size`, at least none and at most six."""
    if size <= 0:
        return digits - 1
    return min(max(digits - 1 - math.floor(math.log10(size)), 0), 6)
