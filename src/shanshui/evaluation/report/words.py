"""The parts of a report that are words: what was found, and how to read the rest."""

from collections.abc import Sequence
from html import escape

from shanshui.evaluation.report.comparison import DIRECTION, Explanation, Figure, breakable
from shanshui.evaluation.report.judged import CONTROL, Judged
from shanshui.evaluation.report.part import Part


def verdicts(sets: Sequence[Judged]) -> Part:
    """What was found about each set, in words; warnings that concern every set stand once, at the top."""
    everywhere = _shared([each.assessment.verdict.warnings for each in sets]) if len(sets) > 1 else ()
    cards = "\n".join(_card(each, set(everywhere)) for each in sets)
    body = f'{_warnings(everywhere)}<div class="verdicts">{cards}</div>'
    return Part(name="verdict", heading="Verdict", body=body)


def reading_guide(figures: Sequence[Figure]) -> Part:
    """How to read the page, and what each figure means."""
    kinds: dict[Explanation, list[str]] = {}
    for figure in figures:
        kinds.setdefault(figure.explanation, []).append(figure.name)
    entries = "\n".join(_entry(explanation, names) for explanation, names in kinds.items())
    notes = "\n".join(f"<div><dt>{escape(term)}</dt><dd>{escape(words)}</dd></div>" for term, words in _NOTES)
    body = f'<dl class="notes">{notes}</dl><dl class="notes">{entries}</dl>'
    return Part(name="reading", heading="How to read this", body=body)


_NOTES = (
    (
        "Precision and recall",
        "Precision is the share of judged images that look real; recall is the share of the variety of the real "
        "images that the judged set covers. High precision with low recall: good images, few kinds. The other way "
        "round: every kind, badly made.",
    ),
    (
        "Intervals",
        "A figure is measured on a finite number of images, and another draw would give another value: with 95\u00a0% "
        "confidence the true one lies in the interval. Two sets whose intervals overlap cannot be told apart by it.",
    ),
    (
        CONTROL,
        "One half of the real images judged against the other half. It shows how much of a distance comes from "
        "comparing any two sets of photographs, and so what a perfect set would score.",
    ),
    (
        "Names of figures",
        "The name of a figure is its whole protocol: measure, network and layer, size of the images in pixels, number "
        "of real and of judged images. Compare only figures of the same name.",
    ),
)


def _entry(explanation: Explanation, names: Sequence[str]) -> str:
    codes = " ".join(f"<code>{breakable(name)}</code>" for name in names)
    return f"""<div><dt>{escape(explanation.title)} <span class="better">{DIRECTION[explanation.better]}</span></dt>
<dd>{escape(explanation.meaning)} {codes}</dd></div>"""


def _card(judged: Judged, said: set[str]) -> str:
    verdict = judged.assessment.verdict
    findings = "".join(f"<li>{escape(finding)}</li>" for finding in verdict.findings)
    warnings = _warnings([warning for warning in verdict.warnings if warning not in said])
    points = f"<ul>{findings}</ul>" if findings else ""
    return f"""<article class="verdict">{judged.full_name()}
<h3>{escape(verdict.headline)}</h3>{points}{warnings}</article>"""


def _warnings(warnings: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(warning)}</li>" for warning in warnings)
    return f'<div class="warnings" role="note"><strong>Caution</strong><ul>{items}</ul></div>' if items else ""


def _shared(lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    return tuple(entry for entry in lists[0] if all(entry in each for each in lists))
