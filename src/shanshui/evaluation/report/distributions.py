"""The part of a report that shows how values are spread over the images of each set."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from shanshui.evaluation.assessment import Distribution
from shanshui.evaluation.report.charts import Group, bin_edges, histogram, shares
from shanshui.evaluation.report.inks import PLAIN, Ink, line_swatch
from shanshui.evaluation.report.judged import Judged
from shanshui.evaluation.report.part import Part

_JUDGED = "judged"  # what a distribution calls the judged images, if not by the label of their set


def distributions(sets: Sequence[Judged]) -> Part | None:
    """Histograms; those of one quantity share bins and axes across the sets."""
    found: dict[tuple[str, str], list[tuple[Judged, Distribution]]] = {}
    for each in sets:
        for distribution in each.assessment.gallery.distributions:
            if distribution.groups:
                found.setdefault((distribution.title, distribution.axis), []).append((each, distribution))
    charts = [_histograms(alike) for alike in found.values()]
    # One set has its charts side by side; with several, each quantity begins a row in which the sets stand.
    rows = charts if len(sets) > 1 else ["\n".join(charts)]
    body = "\n".join(f'<div class="charts wide">{row}</div>' for row in rows)
    text = "Each outline is the share of its group that falls into each bin."
    return Part(name="distributions", heading="Distributions", text=text, body=body) if found else None


def _histograms(alike: Sequence[tuple[Judged, Distribution]]) -> str:
    """One chart for each set, of the same quantity, with the same bins and the same axes."""
    values = [group for _, distribution in alike for group in distribution.groups.values()]
    edges = bin_edges(np.concatenate([np.zeros(0), *values]))
    peak = max((float(shares(group, edges).max()) for group in values), default=0.0) or 1.0
    return "\n".join(_histogram(judged, distribution, edges, peak) for judged, distribution in alike)


def _histogram(judged: Judged, distribution: Distribution, edges: NDArray[np.float64], peak: float) -> str:
    looks = _inks(list(distribution.groups), judged)
    groups = [Group(name=name, values=distribution.groups[name], ink=look) for name, look in looks.items()]
    title = f"{distribution.title}: {judged.label}"
    chart = histogram(groups, edges, title=title, axis=distribution.axis, peak=peak)
    key = " ".join(
        f'<span class="set">{line_swatch(group.ink)}<span>{escape(group.name)} ({len(group.values):,})</span></span>'
        for group in groups
    )
    return f"""<figure class="chart"><figcaption><strong>{escape(distribution.title)}</strong><br>
{judged.name()}</figcaption>
{chart}
<p class="key">{key}</p></figure>"""


def _inks(names: Sequence[str], judged: Judged) -> Mapping[str, Ink]:
    """The group of judged images is drawn last, in the colour of the set; the others in the colour of the text."""
    dashes = (None, "5 3", "1.5 2.5", "8 3 2 3")
    others = [name for name in names if name not in (_JUDGED, judged.label)]
    plain = {name: Ink(color=PLAIN.color, dash=dashes[place % len(dashes)]) for place, name in enumerate(others)}
    own = {name: Ink(color=judged.ink.color) for name in names if name not in plain}
    return {**plain, **own}
