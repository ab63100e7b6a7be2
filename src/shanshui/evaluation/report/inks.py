"""Colours that stay apart under the common colour blindnesses, in light and dark, and marks that do without colour.

Within each palette any two colours differ by at least 0.08 in OKLab, also as protanopes, deuteranopes and tritanopes
see them (simulated after Machado et al. 2009), and each has a contrast of at least 3 to the card that it lies on.
"""

from dataclasses import dataclass

from shanshui.evaluation.report.svg import element

_LIGHT = ("#174a9c", "#e8590c", "#16a085", "#8c1457", "#8a7cf0", "#6b5200")
_DARK = ("#6cb2ff", "#f0763a", "#5fe0bb", "#c65fb0", "#8f6be8", "#f5dc78")
_DASHES = (None, "5 3", "1.5 2.5")
_SIDES = (0, 4, 3)  # of the marks: circles, then diamonds, then triangles


@dataclass(frozen=True, kw_only=True)
class Ink:
    """How one series is drawn.

    Attributes:
        color: a CSS colour.
        dash: of its lines, as in SVG; None for solid ones.
        sides: of its marks; 0 for circles.
    """

    color: str
    dash: str | None = None
    sides: int = 0


PLAIN = Ink(color="currentColor")
"""The colour of the text around."""

REFERENCE = Ink(color="currentColor", dash="4 3")
"""What series are held against."""

ACCENT = Ink(color="var(--seal, #a8321f)")
"""The colour of the page, which no series has."""


def ink(index: int) -> Ink:
    """The look of series number `index`: six colours, then the same ones with other lines and marks, 18 in all."""
    turn, hue = divmod(index, len(_LIGHT))
    turn %= len(_DASHES)
    return Ink(color=f"var(--series-{hue + 1}, {_LIGHT[hue]})", dash=_DASHES[turn], sides=_SIDES[turn])


def palette_css() -> str:
    """The palettes as custom properties, which an `ink` looks up; without them it has its light colour."""
    light, dark = (
        " ".join(f"--series-{number}: {color};" for number, color in enumerate(palette, 1))
        for palette in (_LIGHT, _DARK)
    )
    return f":root {{ {light} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"


def mark(look: Ink, x: float, y: float, radius: float, *children: str) -> str:
    """The mark of a series, centred on (x, y)."""
    style = f"color: {look.color}"
    if look.sides == 0:
        return element("circle", *children, cx=x, cy=y, r=radius, style=style)
    reach = radius * 1.3
    corners = {
        4: ((0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)),
        3: ((0.0, -1.0), (0.87, 0.5), (-0.87, 0.5)),
    }[look.sides]
    points = " ".join(f"{x + reach * right:.2f},{y + reach * down:.2f}" for right, down in corners)
    return element("polygon", *children, points=points, style=style)


def swatch(look: Ink) -> str:
    """A short line with its mark, to stand in the text beside the name of a series."""
    return _swatch(look, mark(look, 12, 6, 4))


def line_swatch(look: Ink) -> str:
    """A short line without a mark, for what is drawn as a line or an outline."""
    return _swatch(look)


def _swatch(look: Ink, *marks: str) -> str:
    line = element("path", d="M0 6H24", stroke="currentColor", stroke_width=2, stroke_dasharray=look.dash)
    return element(
        "svg",
        line,
        *marks,
        viewBox="0 0 24 12",
        width=24,
        height=12,
        fill="currentColor",
        style=f"color: {look.color}",
        class_="swatch",
        aria_hidden="true",
    )
