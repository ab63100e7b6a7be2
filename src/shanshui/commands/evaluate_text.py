"""The outcome of `shanshui evaluate` as a table for people and as data for programs."""

from collections.abc import Mapping, Sequence
from typing import Any

from shanshui.evaluation.assessment import Assessment
from shanshui.evaluation.estimates import Estimate

CONTROL = "real"
MISSING = "-"


def as_text(assessments: Sequence[Assessment]) -> str:
    """Figures with their 95 % intervals, then each set in words."""
    return "\n".join([*_table(assessments), "", *(line for each in assessments for line in _in_words(each))])


def as_data(assessments: Sequence[Assessment], *, real: str, size: tuple[int, int]) -> dict[str, Any]:
    """What `--json` prints and what stands beside a report.

    Args:
        assessments: the judged sets.
        real: what they were judged against.
        size: height and width that all images were brought to.
    """
    return {
        "real": real,
        "size": {"width": size[1], "height": size[0]},
        "sets": [
            {
                "label": each.label,
                "images_seen": each.images_seen,
                "verdict": {
                    "headline": each.verdict.headline,
                    "findings": list(each.verdict.findings),
                    "warnings": list(each.verdict.warnings),
                },
                "figures": {name: _numbers(estimate) for name, estimate in each.figures.items()},
                "control": {name: _numbers(estimate) for name, estimate in each.control.items()},
            }
            for each in assessments
        ],
    }


def _numbers(estimate: Estimate) -> dict[str, float | None]:
    low, high = estimate.interval() or (None, None)
    return {"value": estimate.value, "standard_error": estimate.standard_error, "low": low, "high": high}


def _table(assessments: Sequence[Assessment]) -> list[str]:
    """One row a figure, one column a set, and what real images score against real ones."""
    names = list(dict.fromkeys(name for each in assessments for name in each.figures))
    controls: Mapping[str, Estimate] = {name: e for each in assessments for name, e in each.control.items()}
    heads = [each.label for each in assessments]
    if len(heads) > 1:
        heads = [f"[{number}]" for number in range(1, len(heads) + 1)]
    rows = [
        ["", *heads, CONTROL],
        *(
            [name, *(_cell(each.figures.get(name)) for each in assessments), _cell(controls.get(name))]
            for name in names
        ),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    legend = [f"[{number}] {each.label}" for number, each in enumerate(assessments, 1)] if len(heads) > 1 else []
    return [*lines, *legend, f"{CONTROL}: one half of the real images against the other; ± reaches over 95 %"]


def _cell(estimate: Estimate | None) -> str:
    if estimate is None:
        return MISSING
    interval = estimate.interval()
    return f"{estimate.value:.4g}" if interval is None else f"{estimate.value:.4g} ± {interval[1] - estimate.value:.2g}"


def _in_words(assessment: Assessment) -> list[str]:
    words = assessment.verdict
    return [
        f"{assessment.label}: {words.headline}",
        *(f"  {finding}" for finding in words.findings),
        *(f"  warning: {warning}" for warning in words.warnings),
    ]
