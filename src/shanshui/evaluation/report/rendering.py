"""A whole report: one HTML file that needs nothing else."""

from collections.abc import Callable, Sequence

from shanshui.evaluation.assessment import Assessment
from shanshui.evaluation.features import Image
from shanshui.evaluation.report.comparison import Explanation, compared
from shanshui.evaluation.report.distributions import distributions
from shanshui.evaluation.report.galleries import copies, extremes, neighbours, side_by_side
from shanshui.evaluation.report.judged import judged_sets
from shanshui.evaluation.report.part import page_of
from shanshui.evaluation.report.progress import progress
from shanshui.evaluation.report.table import table_of_figures
from shanshui.evaluation.report.words import reading_guide, verdicts


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
    sets = judged_sets(assessments)
    heading = title if title is not None else f"{_listed([each.label for each in sets])} against {real}"
    figures = compared(assessments, explain)
    candidates = [
        verdicts(sets),
        table_of_figures(figures, sets),
        progress(figures, sets),
        copies(sets),
        side_by_side(sets, real, real_images),
        extremes(sets),
        neighbours(sets),
        distributions(sets),
        reading_guide(figures),
    ]
    parts = [part for part in candidates if part is not None]
    return page_of(parts, heading=heading, footer="Made by <code>shanshui evaluate</code>.")


def _listed(labels: Sequence[str]) -> str:
    return " and ".join(labels) if len(labels) < 3 else f"{len(labels)} sets"
