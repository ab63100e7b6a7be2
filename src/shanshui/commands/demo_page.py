"""The page that `shanshui demo` writes: pictures, each with the command that made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from shanshui.evaluation.report.page import document


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """A picture on the page.

    Attributes:
        image: where the picture lies, relative to the page.
        width: of the picture in pixels.
        height: of the picture in pixels.
        caption: what it shows.
        command: the command line that made it; empty when no command of ours did.
    """

    image: Path
    width: int
    height: int
    caption: str
    command: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """Exhibits under one heading; `wide` gives each the whole width of the page."""

    title: str
    text: str
    exhibits: Sequence[Exhibit]
    wide: bool = False


def render(sections: Sequence[Section]) -> str:
    """The whole page as HTML, which refers to the pictures by relative names and to nothing else."""
    return document(
        title="Shanshui: a demonstration",
        intro=(
            "Scenes that nobody has seen and photographs as painters might have seen them, made on this computer a "
            "moment ago. Below each picture stands the command that made it: click it, copy it, change it."
        ),
        body="\n".join(map(_section, sections)),
        footer="Made by <code>shanshui demo</code>. All images on this page are AI-generated or AI-edited.",
    )


def _section(section: Section) -> str:
    figures = "\n".join(map(_figure, section.exhibits))
    kind = "wide" if section.wide else "cards"
    return f"""<section>
<h2>{escape(section.title)}</h2>
<p>{escape(section.text)}</p>
<div class="{kind}">
{figures}
</div>
</section>"""


def _figure(exhibit: Exhibit) -> str:
    source = escape(exhibit.image.as_posix())
    command = f"<code>{_breakable(exhibit.command)}</code>" if exhibit.command else ""
    return f"""<figure>
<a href="{source}"><img src="{source}" width="{exhibit.width}" height="{exhibit.height}" loading="lazy"
 alt="{escape(exhibit.caption)}"></a>
<figcaption>{escape(exhibit.caption)}{command}</figcaption>
</figure>"""


def _breakable(command: str) -> str:
    """The command as HTML whose lines may break anywhere but inside the name of an option."""
    words = (escape(word) for word in command.split(" "))
    return " ".join(f"<span>{word}</span>" if word.startswith("--") else word for word in words)
