"""Well-formed SVG, element by element, and how much room a text takes without a font to ask."""

from html import escape
from unicodedata import east_asian_width

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_NARROW = frozenset("iIjl.,:;!|'`()[]{} tfr/\\-")
_BROAD = frozenset("mwMW@%")


def element(name: str, *children: str, **attributes: str | float | None) -> str:
    """`<name attributes>children</name>`.

    Args:
        name: of the element.
        children: as markup, in order.
        attributes: `stroke_width` becomes `stroke-width` and `class_` becomes `class`; numbers are rounded to a
            hundredth; None leaves one out; text is escaped.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def drawing(*children: str, title: str, description: str, width: float, height: float) -> str:
    """A whole inline drawing of width x height units, which screen readers announce by `title` and `description`."""
    return element(
        "svg",
        element("title", printable(title)),
        element("desc", printable(description)),
        *children,
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        width=width,
        height=height,
        role="img",
        fill="currentColor",
        font_family="system-ui, sans-serif",
    )


def text(content: str, x: float, y: float, *, size: float, anchor: str = "start", room: float | None = None) -> str:
    """One line of text on the baseline `y`, cut with an ellipsis where it is wider than `room`.

    What is cut stays readable as a tooltip.
    """
    shown = content if room is None else shorten(content, room, size)
    whole = () if shown == content else (element("title", printable(content)),)
    return element("text", *whole, printable(shown), x=x, y=y, font_size=size, text_anchor=anchor)


def text_width(content: str, size: float) -> float:
    """An upper estimate of the width of `content` at font size `size`, for any common sans-serif font."""
    return size * sum(map(_advance, content))


def shorten(content: str, room: float, size: float) -> str:
    """`content`, or as much of its beginning as fits into `room` with an ellipsis."""
    if text_width(content, size) <= room:
        return content
    left = room - text_width(_ELLIPSIS, size)
    kept = 0
    for character in content:
        left -= _advance(character) * size
        if left < 0:
            break
        kept += 1
    return content[:kept].rstrip() + _ELLIPSIS


def printable(content: str) -> str:
    """`content` as markup; characters that XML forbids become question marks."""
    return escape("".join(character if _allowed(character) else "?" for character in content))


def _allowed(character: str) -> bool:
    code = ord(character)
    return character in "\t\n\r" or (code >= 0x20 and not 0xD800 <= code <= 0xDFFF and code not in (0xFFFE, 0xFFFF))


def _advance(character: str) -> float:
    if east_asian_width(character) in "WF" or character == _ELLIPSIS:
        return 1.0
    if character in _NARROW:
        return 0.42
    return 1.0 if character in _BROAD else 0.78 if character.isupper() else 0.64


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else f"{round(value, 2) + 0.0:g}" if abs(value) < 1e5 else f"{value:.2f}"
