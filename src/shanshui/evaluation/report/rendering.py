"""A whole report: one HTML file that needs nothing else."""

from collections.abc import Callable, Sequence
from html import escape

from shanshui.evaluation.assessment import Assessment
from shanshui.evaluation.features import Image
from shanshui.evaluation.report import sections
from shanshui.evaluation.report.comparison import Explanation, compared
from shanshui.evaluation.report.inks import palette_css
from shanshui.evaluation.report.looks import REPORT_STYLE
from shanshui.evaluation.report.page import document


def render(
    assessments: Sequence[Assessment],
    *,
    real: str,
    real_images: Sequence[Image],
    explain: Callable[[str], Explanation],
    title: str | None = None,
) -> str:
    """The page as HTML: verdicts, figures side by side, curves of a run, images, histograms, and how to read them.

    Args:
        assessments: the judged sets, in the order in which they are to stand, at least one.
        real: what they were judged against, in words or as a path.
        real_images: some of it, spread evenly over the set; HWC uint8.
        explain: the full name of a figure -> what it says.
        title: of the page; made from the labels when None.
    """
    labels = [each.label for each in assessments]
    heading = title if title is not None else f"{_listed(labels)} against {real}"
    figures = compared(assessments, explain)
    candidates = [
        sections.verdicts(assessments),
        sections.table(figures, labels),
        sections.curves(figures, assessments),
        sections.copies(assessments),
        sections.side_by_side(assessments, real, real_images),
        sections.extremes(assessments),
        sections.neighbours(assessments),
        sections.distributions(assessments),
        sections.reading_guide(figures),
    ]
    parts = [part for part in candidates if part is not None]
    links = " ".join(f'<a href="#{part.name}">{escape(part.heading)}</a>' for part in parts)
    return document(
        title=f"Shanshui: {heading}",
        intro=heading,
        body="\n".join([f"<nav>{links}</nav>", *(part.html() for part in parts)]),
        footer="Made by <code>shanshui evaluate</code>.",
        style=palette_css() + REPORT_STYLE,
    )


def _listed(labels: Sequence[str]) -> str:
    """`a`; `a and b`; `a, b and 3 more sets`."""
    if len(labels) > 3:
        return f"{', '.join(labels[:2])} and {len(labels) - 2} more sets"
    return " and ".join(filter(None, [", ".join(labels[:-1]), labels[-1]]))
