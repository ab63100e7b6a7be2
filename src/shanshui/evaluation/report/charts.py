"""Curves, histograms and dot plots as inline SVG: data in, markup out, nothing about where the data comes from.

Text is drawn in the colour of the text around, so that a chart is readable in light and dark. A chart has no key of
its own: a key is text, which HTML breaks into lines better than SVG does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanshui.evaluation.report.axes import axes, x_axis
from shanshui.evaluation.report.inks import REFERENCE, Ink, mark
from shanshui.evaluation.report.scales import Scale, span
from shanshui.evaluation.report.svg import drawing, element, printable

MOST_BINS = 40
_MARKED = 50  # a curve of more points than this is a line without marks
_LANE = 12.0  # height of one row of a dot plot
_SMALL = 11.0  # font size below a dot plot
_EDGE = 14.0  # left and right of one, so that most labels stand right below their ticks


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A finite value and, where it is known, the interval (low, high) that it is believed to lie in."""

    value: float
    interval: tuple[float, float] | None = None

    def __str__(self) -> str:
        """The reading in words, four significant digits."""
        if self.interval is None:
            return f"{self.value:.4g}"
        return f"{self.value:.4g} ({self.interval[0]:.4g} to {self.interval[1]:.4g})"


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One row of a dot plot; no reading leaves its row empty."""

    name: str
    reading: Reading | None
    ink: Ink


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A series of readings over rising `xs`."""

    name: str
    xs: Sequence[float]
    readings: Sequence[Reading]
    ink: Ink


@dataclass(frozen=True, kw_only=True)
class Group:
    """Finite values (N,) of one group of a histogram; N may be 0."""

    name: str
    values: NDArray[np.floating]
    ink: Ink


def dot_plot(dots: Sequence[Dot], *, title: str, reference: Reading | None = None, width: float = 240) -> str:
    """Readings one below the other on one axis, with their intervals; the reference runs through all of them.

    Row number i has its centre at 12 (i + 1/2) units from the top, so that a list beside it can keep in step.
    """
    known = [dot.reading for dot in dots if dot.reading is not None]
    low, high = span(_extent([*known, *([reference] if reference else [])]), margin=0.05)
    scale = Scale(low=low, high=high, start=_EDGE, end=width - _EDGE)
    bottom = _LANE * max(len(dots), 1) + 2
    parts = [_reference_column(reference, scale, bottom)] if reference else []
    for index, dot in enumerate(dots):
        if dot.reading is not None:
            parts.append(_dot(dot.name, dot.reading, dot.ink, scale, _LANE * (index + 0.5)))
    parts.append(x_axis(scale, at=bottom, width=width, size=_SMALL))
    named = [f"{dot.name} {dot.reading}" for dot in dots if dot.reading is not None]
    said = named if reference is None else [*named, f"reference {reference}"]
    return drawing(*parts, title=title, description="; ".join(said), width=width, height=bottom + _SMALL + 9)


def curve_chart(
    curves: Sequence[Curve],
    *,
    title: str,
    x_name: str,
    y_name: str = "",
    reference: Reading | None = None,
    best: tuple[float, float] | None = None,
    width: float = 340,
    height: float = 200,
) -> str:
    """Curves with the bands of their intervals, a dashed horizontal reference, and a ring around the point `best`."""
    readings = [reading for curve in curves for reading in curve.readings]
    frame = axes(
        span((x for curve in curves for x in curve.xs), margin=0.02),
        span(_extent([*readings, *([reference] if reference else [])]), margin=0.06),
        x_name=x_name,
        y_name=y_name,
        width=width,
        height=height,
    )
    parts = [frame.markup]
    if reference is not None:
        parts.append(_reference_row(reference, frame.x, frame.y))
    parts += [_curve(curve, frame.x, frame.y) for curve in curves]
    if best is not None:
        parts.append(
            element("circle", cx=frame.x(best[0]), cy=frame.y(best[1]), r=7, fill="none", stroke="currentColor",
                    stroke_width=1.5, class_="best")
        )  # fmt: skip
    said = [
        f"{curve.name}: " + ", ".join(f"{x:g}: {reading}" for x, reading in zip(curve.xs, curve.readings, strict=True))
        for curve in curves
        if len(curve.xs) <= _MARKED
    ]
    return drawing(*parts, title=title, description="; ".join(said) or title, width=width, height=height)


def histogram(
    groups: Sequence[Group],
    edges: NDArray[np.float64],
    *,
    title: str,
    axis: str,
    peak: float,
    width: float = 420,
    height: float = 230,
) -> str:
    """Step outlines over shared bins; the height of a step is the share of its group in that bin.

    Args:
        groups: the later ones lie on top.
        edges: (B + 1,) of the bins, rising; see `bin_edges`.
        title: what is shown.
        axis: name of the values.
        peak: the greatest share that the vertical axis has to hold, in (0, 1]; see `shares`. Charts to be compared
            have the same edges and the same peak.
        width: in pixels.
        height: in pixels.
    """
    frame = axes(
        (float(edges[0]), float(edges[-1])),
        (0.0, 105.0 * peak),
        x_name=axis,
        y_name="% of each group",
        width=width,
        height=height,
    )
    steps = [_steps(group, edges, frame.x, frame.y) for group in groups]
    said = [f"{group.name}: {len(group.values)} values{_middle(group.values)}" for group in groups]
    return drawing(frame.markup, *steps, title=title, description="; ".join(said), width=width, height=height)


def bin_edges(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Edges (B + 1,) of 1 to 40 equal bins over `values` (N,): the rule of Freedman and Diaconis (1981), bounded."""
    pool = np.asarray(values, dtype=np.float64)
    if pool.size == 0 or pool.min() == pool.max():
        return np.asarray(span(pool.tolist()), dtype=np.float64)
    low, high = float(pool.min()), float(pool.max())
    quarter, three_quarters = np.percentile(pool, [25, 75])
    bin_width = 2.0 * float(three_quarters - quarter) / pool.size ** (1 / 3)
    wanted = (high - low) / bin_width if bin_width > 0 else MOST_BINS
    return np.linspace(low, high, int(min(max(np.ceil(wanted), 1), MOST_BINS)) + 1)


def shares(values: NDArray[np.floating], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of `values` (N,) in each bin, (B,), in [0, 1]; zeros when there are no values."""
    counts = np.histogram(np.asarray(values, dtype=np.float64), bins=edges)[0]
    return np.asarray(counts / max(len(values), 1), dtype=np.float64)


def _extent(readings: Sequence[Reading]) -> Iterator[float]:
    for reading in readings:
        yield reading.value
        yield from reading.interval or ()


def _dot(name: str, reading: Reading, look: Ink, scale: Scale, y: float) -> str:
    parts = [element("title", printable(f"{name}: {reading}"))]
    if reading.interval is not None:
        low, high = map(scale, reading.interval)
        line = f"M{low:.2f} {y:.2f}H{high:.2f}"
        parts.append(element("path", d=line, stroke="currentColor", stroke_width=2.5, stroke_opacity=0.6))
    return element("g", *parts, mark(look, scale(reading.value), y, 4), style=f"color: {look.color}")


def _reference_column(reference: Reading, scale: Scale, bottom: float) -> str:
    at = scale(reference.value)
    line = element("path", d=f"M{at:.2f} 0V{bottom:.2f}", stroke="currentColor", stroke_dasharray=REFERENCE.dash)
    band = ""
    if reference.interval is not None:
        low, high = map(scale, reference.interval)
        band = element("rect", x=low, y=0, width=high - low, height=bottom, fill_opacity=0.12)
    return element("g", element("title", printable(f"reference: {reference}")), band, line, class_="reference")


def _reference_row(reference: Reading, x: Scale, y: Scale) -> str:
    at = y(reference.value)
    line = element(
        "path", d=f"M{x.start:.2f} {at:.2f}H{x.end:.2f}", stroke="currentColor", stroke_dasharray=REFERENCE.dash
    )
    band = ""
    if reference.interval is not None:
        low, high = map(y, reference.interval)
        band = element("rect", x=x.start, y=high, width=x.end - x.start, height=low - high, fill_opacity=0.1)
    return element("g", element("title", printable(f"reference: {reference}")), band, line, class_="reference")


def _curve(curve: Curve, x: Scale, y: Scale) -> str:
    points = [(x(at), y(reading.value)) for at, reading in zip(curve.xs, curve.readings, strict=True)]
    band = [(x(at), *map(y, r.interval)) for at, r in zip(curve.xs, curve.readings, strict=True) if r.interval]
    outline = [(at, low) for at, low, _ in band] + [(at, high) for at, _, high in reversed(band)]
    look = f"color: {curve.ink.color}"
    parts = [element("title", printable(curve.name))]
    if outline:
        parts.append(element("polygon", points=_path(outline), fill_opacity=0.18, style=look))
    parts.append(
        element("polyline", points=_path(points), fill="none", stroke="currentColor", stroke_width=1.8,
                stroke_linejoin="round", stroke_dasharray=curve.ink.dash, style=look)
    )  # fmt: skip
    if len(points) <= _MARKED:
        for (right, down), at, reading in zip(points, curve.xs, curve.readings, strict=True):
            parts.append(mark(curve.ink, right, down, 3, element("title", printable(f"{at:,g}: {reading}"))))
    return element("g", *parts)


def _steps(group: Group, edges: NDArray[np.float64], x: Scale, y: Scale) -> str:
    places = [x(float(edge)) for edge in edges]
    corners = [(places[0], y(0.0))]
    for left, right, share in zip(places, places[1:], shares(group.values, edges).tolist(), strict=False):
        corners += [(left, y(100 * share)), (right, y(100 * share))]
    corners.append((places[-1], y(0.0)))
    return element(
        "g",
        element("title", printable(group.name)),
        element("polygon", points=_path(corners), fill_opacity=0.1),
        element("polyline", points=_path(corners), fill="none", stroke="currentColor", stroke_width=1.8,
                stroke_linejoin="round", stroke_dasharray=group.ink.dash),
        style=f"color: {group.ink.color}",
    )  # fmt: skip


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{right:.2f},{down:.2f}" for right, down in points)


def _middle(values: NDArray[np.floating]) -> str:
    return f", median {float(np.median(values)):.4g}" if len(values) else ""
