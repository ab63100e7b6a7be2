"""The parts of a report, and the page that they make up."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from shanshui.evaluation.report.inks import palette_css
from shanshui.evaluation.report.looks import REPORT_STYLE
from shanshui.evaluation.report.page import document


@dataclass(frozen=True, kw_only=True)
class Part:
    """A section of the page.

    Attributes:
        name: what links inside the page call it.
        heading: as text.
        text: what is to be seen, a sentence or two.
        body: as HTML.
    """

    name: str
    heading: str
    text: str = ""
    body: str

    def html(self) -> str:
        """The section as HTML."""
        lead = f"<p>{escape(self.text)}</p>" if self.text else ""
        return f'<section id="{self.name}">\n<h2>{escape(self.heading)}</h2>\n{lead}\n{self.body}\n</section>'


def page_of(
    parts: Sequence[Part], *, heading: str, footer: str, lead: str = "", style: str = "", head: str = ""
) -> str:
    """A whole report as HTML: one file that needs nothing else, its parts linked at the top.

    Args:
        parts: in the order in which they stand.
        heading: what the report is about, as text.
        footer: as HTML.
        lead: what stands before everything else, as HTML.
        style: CSS of this report in addition to what all reports share.
        head: as in `document`.
    """
    links = " ".join(f'<a href="#{part.name}">{escape(part.heading)}</a>' for part in parts)
    page = document(
        title=f"Shanshui: {heading}",
        intro=heading,
        body="\n".join([*([lead] if lead else []), f"<nav>{links}</nav>", *(part.html() for part in parts)]),
        footer=footer,
        style=palette_css() + REPORT_STYLE + style,
        head=head,
    )
    # The name of a file may hold bytes that are no text; a page may not.
    return page.encode("utf-8", errors="replace").decode("utf-8")
