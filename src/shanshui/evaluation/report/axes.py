"""The frame of a chart: grid lines, ticks and names that neither overlap nor leave the drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

from shanshui.evaluation.report.scales import Scale, tick_labels, ticks
from shanshui.evaluation.report.svg import element, text, text_width

TEXT = 12.0  # font size
_GAP = 8.0  # between neighbouring labels
_TICKS = 5  # at most, on an axis


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A labelled value; `label_at` is the centre of its label, moved away from the edge of the drawing if need be."""

    value: float
    label: str
    at: float
    label_at: float


@dataclass(frozen=True, kw_only=True)
class Axes:
    """Scales of both directions, and what to draw behind the data."""

    x: Scale
    y: Scale
    markup: str


def axes(
    x_span: tuple[float, float],
    y_span: tuple[float, float],
    *,
    x_name: str,
    y_name: str,
    width: float,
    height: float,
) -> Axes:
    """The frame of a chart of `width` x `height` pixels for data within the spans; an empty name takes no room."""
    top = 2 * TEXT if y_name else TEXT
    bottom = height - (3.3 if x_name else 1.8) * TEXT
    y = Scale(low=y_span[0], high=y_span[1], start=bottom, end=top)
    rows = ticks(*y_span, at_most=max(2, min(_TICKS, int((bottom - top) / (2 * TEXT)))))
    names = tick_labels(rows)
    left = max((text_width(name, TEXT) for name in names), default=0.0) + _GAP
    last = max((text_width(name, TEXT) / 2 for name in tick_labels(ticks(*x_span, at_most=_TICKS))), default=0.0)
    right = width - max(_GAP, min(last, 3 * TEXT))
    x = Scale(low=x_span[0], high=x_span[1], start=left, end=right)
    grid = [_rule(left, right, y(value), faint=value != y_span[0]) for value in rows]
    labels = [
        text(name, left - _GAP / 2, y(value) + 0.35 * TEXT, size=TEXT, anchor="end")
        for value, name in zip(rows, names, strict=True)
    ]
    base = x_axis(x, at=bottom, width=width, size=TEXT)
    if x_name:
        base += text(x_name, (left + right) / 2, height - 4, size=TEXT, anchor="middle", room=right - left)
    if y_name:
        labels.append(text(y_name, 0, TEXT, size=TEXT, room=width))
    return Axes(x=x, y=y, markup="".join([*grid, element("g", *labels, fill_opacity=0.75), base]))


def x_axis(scale: Scale, *, at: float, width: float, size: float) -> str:
    """A horizontal axis at height `at` of a drawing `width` wide, its labels of font size `size` below."""
    marks = fitted(scale, width=width, size=size)
    strokes = [element("path", d=f"M{tick.at:.2f} {at:.2f}v4") for tick in marks]
    labels = [text(tick.label, tick.label_at, at + 6 + size, size=size, anchor="middle") for tick in marks]
    line = element("path", d=f"M{scale.start:.2f} {at:.2f}H{scale.end:.2f}")
    return element("g", line, *strokes, stroke="currentColor", stroke_opacity=0.5) + element(
        "g", *labels, fill_opacity=0.75
    )


def fitted(scale: Scale, *, width: float, size: float) -> Sequence[Tick]:
    """As many ticks, at most five, as have room for their labels side by side between 0 and `width`."""
    for at_most in range(_TICKS, 0, -1):
        values = ticks(scale.low, scale.high, at_most=at_most)
        chosen, edge = [], -_GAP
        for value, label in zip(values, tick_labels(values), strict=True):
            half = text_width(label, size) / 2
            at = scale(value)
            centre = min(max(at, half), width - half)
            if centre - half < edge + _GAP:
                break
            edge = centre + half
            chosen.append(Tick(value=value, label=label, at=at, label_at=centre))
        if chosen and len(chosen) == len(values):
            return chosen
    return ()


def _rule(left: float, right: float, at: float, *, faint: bool) -> str:
    return element(
        "path", d=f"M{left:.2f} {at:.2f}H{right:.2f}", stroke="currentColor", stroke_opacity=0.15 if faint else 0.3
    )
