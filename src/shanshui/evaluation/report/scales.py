"""From data to pixels: spans that are never empty, round ticks, and labels that tell them apart."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A straight line from `low`..`high` in data to `start`..`end` in pixels; `low` < `high`, `end` may lie below."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where `value` lies."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def span(values: Iterable[float], *, margin: float = 0.0) -> tuple[float, float]:
    """Lowest and highest of finite `values`, widened by the fraction `margin` on both sides and never empty.

    Values that are all equal stand in the middle of a span of a tenth of their size; no values at all span 0 to 1.
    """
    known = list(values)
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    size = max(abs(low), abs(high))
    if high - low <= 1e-12 * size or high == low:
        reach = 0.1 * size or 1.0
        return low - reach, high + reach
    reach = margin * (high - low)
    return low - reach, high + reach


def ticks(low: float, high: float, *, at_most: int) -> tuple[float, ...]:
    """At most `at_most` multiples of 1, 2 or 5 times a power of ten within `low`..`high`, as many as fit."""
    power = math.floor(math.log10((high - low) / max(at_most, 1)))
    for step in (factor * 10.0**exponent for exponent in range(power, power + 3) for factor in (1, 2, 5)):
        # A tick that rounding puts just outside the span still counts.
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < at_most:
            return tuple(index * step for index in range(first, last + 1))
    return ()


def tick_labels(values: Sequence[float]) -> tuple[str, ...]:
    """A label for each of evenly spaced ticks, all in one unit: `0.5`, `20k`, `1.5M`, or `3e-7` below a thousandth."""
    size = max(map(abs, values), default=0.0)
    if size == 0.0:
        return tuple("0" for _ in values)
    unit, suffix = _unit(size)
    decimals = next(
        (count for count in range(12) if all(abs(round(v / unit, count) * unit - v) <= 1e-9 * size for v in values)), 12
    )
    return tuple("0" if value == 0.0 else f"{fixed(value / unit, decimals)}{suffix}" for value in values)


def fixed(value: float, decimals: int) -> str:
    """`value` with that many decimals, thousands set apart, and a true minus sign that zero never carries."""
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        return MINUS + text[1:] if text.strip("-0.,") else text[1:]
    return text


def _unit(size: float) -> tuple[float, str]:
    exponent = math.floor(math.log10(size))
    if exponent < -3 or exponent >= 10:
        return 10.0**exponent, f"e{exponent}".replace("-", MINUS)
    if size >= 1e6:
        return 1e6, "M"
    return (1e3, "k") if size >= 1e4 else (1.0, "")
