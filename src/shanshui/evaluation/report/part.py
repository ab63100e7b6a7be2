"""A part of the page."""

from dataclasses import dataclass
from html import escape


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
