"""Charts say what the data says: marks are read back against the chart's own axis, and no label hides another."""

import re
from itertools import combinations
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shanshui.evaluation.report import inks
from shanshui.evaluation.report.charts import (
    MOST_BINS,
    Curve,
    Dot,
    Group,
    Reading,
    bin_edges,
    curve_chart,
    dot_plot,
    histogram,
    shares,
)
from shanshui.evaluation.report.scales import fixed, span, tick_labels, ticks
from shanshui.evaluation.report.svg import shorten, text_width

HOSTILE = "<b>\"A&B'\x00\ud800" + "長" * 80


def parsed(drawing: str) -> ElementTree.Element:
    """Inline SVG in HTML has no namespace; XML parsers take it as it is."""
    return ElementTree.fromstring(drawing)


class Label(NamedTuple):
    text: str
    x: float
    y: float
    size: float
    anchor: str


def labels(drawing: str) -> list[Label]:
    return [
        Label(
            node.text or "",
            float(node.attrib["x"]),
            float(node.attrib["y"]),
            float(node.attrib["font-size"]),
            node.attrib["text-anchor"],
        )
        for node in parsed(drawing).iter("text")
    ]


def number(label: str) -> float:
    """The value that a tick label stands for."""
    plain = label.replace("\N{MINUS SIGN}", "-").replace(",", "")
    unit = {"k": 1e3, "M": 1e6}.get(plain[-1], 1.0)
    return float(plain.rstrip("kM")) * unit


def line_through(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Slope and offset of value over pixel, from the axis that the chart itself shows."""
    places, values = zip(*points, strict=True)
    slope, offset = np.polyfit(places, values, 1)
    assert np.allclose(np.polyval([slope, offset], places), values, atol=abs(slope) * 0.02)
    return float(slope), float(offset)


def bottom_axis(drawing: str) -> tuple[float, float]:
    """Ticks point down by four; their labels follow them in order, in the first group of labels after the strokes."""
    strokes = [re.fullmatch(r"M([\d.]+) [\d.]+v4", node.attrib["d"]) for node in parsed(drawing).iter("path")]
    places = [float(stroke[1]) for stroke in strokes if stroke]
    names = [label.text for label in labels(drawing) if label.anchor == "middle"][: len(places)]
    return line_through(list(zip(places, map(number, names), strict=True)))


def left_axis(drawing: str) -> tuple[float, float]:
    """Labels are centred on their ticks, 0.35 of their size above the baseline."""
    ticks = [label for label in labels(drawing) if label.anchor == "end"]
    return line_through([(tick.y - 0.35 * tick.size, number(tick.text)) for tick in ticks])


def boxes(drawing: str) -> list[tuple[float, float, float, float]]:
    found = []
    for label in labels(drawing):
        width = text_width(label.text, label.size)
        left = label.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[label.anchor] * width
        found.append((left, label.y - 0.8 * label.size, left + width, label.y + 0.25 * label.size))
    return found


def assert_readable(drawing: str) -> None:
    """Every label lies inside the drawing, and none on another."""
    root = parsed(drawing)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for left, top, right, bottom in boxes(drawing):
        assert left >= -0.1 and top >= -0.1 and right <= width + 0.1 and bottom <= height + 0.1
    for a, b in combinations(boxes(drawing), 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def points_of(node: ElementTree.Element) -> NDArray[np.float64]:
    return np.array([[float(part) for part in pair.split(",")] for pair in node.attrib["points"].split()])


finite = st.floats(-1e9, 1e9).filter(lambda value: value == 0 or abs(value) > 1e-9)


@given(finite, finite, st.integers(1, 8))
def test_ticks_are_round_evenly_spaced_and_inside(first: float, second: float, at_most: int) -> None:
    low, high = span([first, second])
    found = ticks(low, high, at_most=at_most)
    slack = 1e-6 * (high - low)
    assert len(found) <= at_most and all(low - slack <= tick <= high + slack for tick in found)
    assert np.allclose(np.diff(found, 2), 0, atol=slack)
    assert at_most < 4 or len(found) >= 2


@given(finite, finite)
def test_labels_tell_ticks_apart(first: float, second: float) -> None:
    low, high = span([first, second])
    if high - low < 1e-6 * max(abs(low), abs(high)):
        return
    found = tick_labels(ticks(low, high, at_most=5))
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.0, 0.5, 1.0), ("0", "0.5", "1.0")),
        ((0.0, 20_000.0, 40_000.0), ("0", "20k", "40k")),
        ((0.0, 500_000.0, 1_000_000.0), ("0", "0.5M", "1.0M")),
        ((-0.02, 0.0), ("\u22120.02", "0")),
        ((2e-7, 4e-7), ("2e\u22127", "4e\u22127")),
        ((3.5,), ("3.5",)),
        ((), ()),
    ],
)
def test_labels_of_ticks(values: tuple[float, ...], expected: tuple[str, ...]) -> None:
    assert tick_labels(values) == expected


def test_numbers_with_decimals() -> None:
    assert fixed(-1234.5, 1) == "\u22121,234.5"
    assert fixed(-0.0001, 2) == "0.00"


def test_a_span_is_never_empty() -> None:
    assert span([]) == (0.0, 1.0)
    assert span([5.0, 5.0]) == (4.5, 5.5)
    assert span([0.0]) == (-1.0, 1.0)
    assert span([0.0, 10.0], margin=0.1) == (-1.0, 11.0)


@given(st.text(max_size=60), st.floats(20, 400))
def test_shortened_text_fits(content: str, room: float) -> None:
    short = shorten(content, room, 12)
    assert text_width(short, 12) <= room
    assert short == content or content.startswith(short[:-1])


def test_dots_and_intervals_stand_where_the_axis_says() -> None:
    readings = [Reading(value=0.31, interval=(0.25, 0.37)), Reading(value=0.62), None]
    dots = [Dot(name=str(i), reading=reading, ink=inks.ink(i)) for i, reading in enumerate(readings)]
    drawing = dot_plot(dots, title="t", reference=Reading(value=0.8, interval=(0.75, 0.85)))
    slope, offset = bottom_axis(drawing)
    root = parsed(drawing)
    circles = [float(circle.attrib["cx"]) * slope + offset for circle in root.iter("circle")]
    assert circles == pytest.approx([0.31, 0.62], abs=0.001)
    assert [float(circle.attrib["cy"]) for circle in root.iter("circle")] == [6, 18]
    drawn = [node.attrib["d"] for node in root.iter("path") if node.attrib.get("stroke-width") == "2.5"]
    ends = re.fullmatch(r"M([\d.]+) 6.00H([\d.]+)", drawn[0])
    assert len(drawn) == 1 and ends
    assert [float(end) * slope + offset for end in ends.groups()] == pytest.approx([0.25, 0.37], abs=0.001)
    band = next(root.iter("rect")).attrib
    left, width = float(band["x"]), float(band["width"])
    assert [left * slope + offset, (left + width) * slope + offset] == pytest.approx([0.75, 0.85], abs=0.002)
    assert_readable(drawing)


def test_curves_bands_and_the_best_point_stand_where_the_axes_say() -> None:
    xs = [0.0, 50_000.0, 200_000.0]
    readings = [Reading(value=value, interval=(value - 0.1, value + 0.1)) for value in (0.9, 0.4, 0.5)]
    drawing = curve_chart(
        [Curve(name="c", xs=xs, readings=readings, ink=inks.PLAIN)],
        title="t",
        x_name="images seen",
        y_name="figure",
        reference=Reading(value=0.05),
        best=(50_000.0, 0.4),
    )
    root = parsed(drawing)
    across, down = bottom_axis(drawing), left_axis(drawing)
    line = points_of(next(root.iter("polyline")))
    assert line[:, 0] * across[0] + across[1] == pytest.approx(xs, abs=400)
    assert line[:, 1] * down[0] + down[1] == pytest.approx([0.9, 0.4, 0.5], abs=0.005)
    band = points_of(next(root.iter("polygon")))
    assert band[:, 1] * down[0] + down[1] == pytest.approx([0.8, 0.3, 0.4, 0.6, 0.5, 1.0], abs=0.005)
    ring = next(node for node in root.iter("circle") if node.get("class") == "best")
    assert float(ring.attrib["cx"]) * across[0] + across[1] == pytest.approx(50_000, abs=400)
    assert float(ring.attrib["cy"]) * down[0] + down[1] == pytest.approx(0.4, abs=0.005)
    dashed = next(node.attrib["d"] for node in root.iter("path") if "stroke-dasharray" in node.attrib)
    assert float(dashed.split()[1].split("H")[0]) * down[0] + down[1] == pytest.approx(0.05, abs=0.005)
    assert_readable(drawing)


def test_steps_have_the_height_of_the_shares() -> None:
    values = np.array([0.5, 1.5, 1.6, 2.5])
    edges = np.array([0.0, 1.0, 2.0, 3.0])
    drawing = histogram([Group(name="g", values=values, ink=inks.PLAIN)], edges, title="t", axis="a", peak=0.5)
    line = points_of(next(parsed(drawing).iter("polyline")))
    across, down = bottom_axis(drawing), left_axis(drawing)
    assert line[:, 1] * down[0] + down[1] == pytest.approx([0, 25, 25, 50, 50, 25, 25, 0], abs=0.3)
    assert line[:, 0] * across[0] + across[1] == pytest.approx([0, 0, 1, 1, 2, 2, 3, 3], abs=0.01)
    assert_readable(drawing)


def test_bins_follow_freedman_and_diaconis_within_bounds() -> None:
    values = np.random.default_rng(0).normal(size=400)
    assert bin_edges(values) == pytest.approx(np.histogram_bin_edges(values, bins="fd"))
    assert len(bin_edges(np.append(values, 1e6))) == MOST_BINS + 1
    assert len(bin_edges(np.array([1.0] * 99 + [2.0]))) == MOST_BINS + 1
    assert bin_edges(np.array([3.0, 3.0])) == pytest.approx([2.7, 3.3])
    assert len(bin_edges(np.zeros(0))) == 2
    assert shares(values, bin_edges(values)).sum() == pytest.approx(1.0)
    assert shares(np.zeros(0), bin_edges(values)).sum() == 0.0


@pytest.mark.parametrize("count", [0, 1, 12])
@pytest.mark.parametrize("scale", [0.0, 1e-7, 1.0, 1e7])
def test_charts_of_any_size_are_well_formed_and_readable(count: int, scale: float) -> None:
    readings = [
        Reading(value=scale * index, interval=(scale * (index - 1), scale * (index + 1))) for index in range(count)
    ]
    dots = [Dot(name=HOSTILE, reading=reading, ink=inks.ink(index)) for index, reading in enumerate(readings)]
    assert_readable(dot_plot(dots, title=HOSTILE))
    curve = Curve(name=HOSTILE, xs=[index * scale for index in range(count)], readings=readings, ink=inks.ink(0))
    assert_readable(curve_chart([curve], title=HOSTILE, x_name=HOSTILE, y_name=HOSTILE))
    values = np.array([reading.value for reading in readings])
    group = Group(name=HOSTILE, values=values, ink=inks.ink(1))
    assert_readable(histogram([group], bin_edges(values), title=HOSTILE, axis=HOSTILE, peak=1.0))


def test_a_long_curve_has_no_marks() -> None:
    readings = [Reading(value=float(index % 7)) for index in range(500)]
    curve = Curve(name="loss", xs=[float(x) for x in range(500)], readings=readings, ink=inks.ink(0))
    assert "<circle" not in curve_chart([curve], title="t", x_name="x")


def test_series_can_be_told_apart_without_colour_or_within_one() -> None:
    looks = [inks.ink(index) for index in range(18)]
    assert len(set(looks)) == 18
    for same in (looks[index::6] for index in range(6)):
        assert len({look.dash for look in same}) == 3 and len({look.sides for look in same}) == 3


def linear(color: str) -> NDArray[np.float64]:
    srgb = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def oklab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ottosson 2020, from linear sRGB."""
    cones = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]) @ rgb
    mixed = np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])
    return np.asarray(mixed @ np.cbrt(np.clip(cones, 0, 1)))


BLINDNESSES = {  # Machado et al. 2009, full severity
    "none": np.eye(3),
    "protanopia": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "deuteranopia": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "tritanopia": np.array([[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]),
}


@pytest.mark.parametrize("blindness", BLINDNESSES)
@pytest.mark.parametrize("card", ["#ffffff", "#202326"])
def test_colours_stay_apart_and_stand_out(card: str, blindness: str) -> None:
    css = inks.palette_css().split("@media")[card != "#ffffff"]
    palette = re.findall(r"#[0-9a-f]{6}", css)
    assert len(palette) == 6
    for first, second in combinations(palette, 2):
        seen = [oklab(np.clip(BLINDNESSES[blindness] @ linear(color), 0, 1)) for color in (first, second)]
        assert np.linalg.norm(seen[0] - seen[1]) >= 0.08
    luminance = np.array([0.2126, 0.7152, 0.0722])
    for color in palette:
        low, high = sorted([float(luminance @ linear(color)), float(luminance @ linear(card))])
        assert (high + 0.05) / (low + 0.05) >= 3
