"""The parts of a report, each a function of what it shows; None where there is nothing to show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from shanshui.evaluation.assessment import Assessment, Distribution, Neighbours
from shanshui.evaluation.features import Image
from shanshui.evaluation.report.charts import Curve, Group, Reading, bin_edges, curve_chart, histogram, shares
from shanshui.evaluation.report.comparison import Figure
from shanshui.evaluation.report.inks import PLAIN, Ink, ink, swatch
from shanshui.evaluation.report.pictures import match, sheet, strip
from shanshui.evaluation.report.table import (
    CONTROL,
    DIRECTION,
    breakable,
    control_name,
    set_name,
    table_of_figures,
)


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


def verdicts(assessments: Sequence[Assessment]) -> Part:
    """What was found about each set, in words; warnings that concern every set stand once, at the top."""
    everywhere = _shared([each.verdict.warnings for each in assessments]) if len(assessments) > 1 else ()
    cards = "\n".join(_card(index, each, set(everywhere)) for index, each in enumerate(assessments))
    body = f'{_warnings(everywhere)}<div class="verdicts">{cards}</div>'
    return Part(name="verdict", heading="Verdict", body=body)


def table(figures: Sequence[Figure], labels: Sequence[str]) -> Part:
    """The figures of all sets side by side."""
    several = " Bold: the best set, and every set whose interval overlaps the best one's." if len(labels) > 1 else ""
    return Part(
        name="figures",
        heading="Figures",
        text="Each value stands over its 95\u00a0% interval. The dashed line and its band are the control, real images "
        f"against other real ones: nothing needs to be better than that.{several}",
        body=table_of_figures(figures, labels),
    )


def curves(figures: Sequence[Figure], assessments: Sequence[Assessment]) -> Part | None:
    """Every figure over the snapshots of a run; nothing unless at least two sets are snapshots."""
    seen = {index: each.images_seen for index, each in enumerate(assessments) if each.images_seen is not None}
    if len(seen) < 2:
        return None
    charts = "\n".join(filter(None, (_progress(figure, seen) for figure in figures)))
    key = f'<p class="key">{control_name()} <span class="set"><span class="ring"></span>best snapshot</span></p>'
    return Part(
        name="progress",
        heading="Progress",
        text="The figures over the snapshots of the run, with the bands of their 95\u00a0% intervals.",
        body=f'{key}<div class="charts">{charts}</div>',
    )


def side_by_side(assessments: Sequence[Assessment], real: str, real_images: Sequence[Image]) -> Part:
    """Images of every set beside real ones, all of one size on the page."""
    longest = max([len(real_images), *(len(each.gallery.shown) for each in assessments)])
    columns = min(max(int(np.ceil(np.sqrt(longest))), 3), 6)
    reals = sheet(f"<span>Real: {escape(real)}</span>", real_images, "real image", columns=columns)
    judged = "\n".join(
        sheet(set_name(index, each.label), each.gallery.shown, f"image of {each.label}", columns=columns)
        for index, each in enumerate(assessments)
    )
    return Part(
        name="images",
        heading="Beside the real images",
        text="Spread evenly over each set, not chosen.",
        body=f'<div class="beside"><div class="reals">{reals}</div><div class="judged">{judged}</div></div>',
    )


def extremes(assessments: Sequence[Assessment]) -> Part | None:
    """The most and the least typical images of each set."""
    blocks = [
        _of_set(
            index,
            each,
            strip("Most typical", each.gallery.most_typical, f"typical image of {each.label}")
            + strip("Least typical", each.gallery.least_typical, f"untypical image of {each.label}"),
        )
        for index, each in enumerate(assessments)
        if each.gallery.most_typical or each.gallery.least_typical
    ]
    text = "Images deepest among the real ones, and images farthest from them, as the judging network sees them."
    return Part(name="typical", heading="Most and least typical", text=text, body="\n".join(blocks)) if blocks else None


def neighbours(assessments: Sequence[Assessment]) -> Part | None:
    """Some judged images with the real images nearest to them."""
    blocks = [
        _of_set(index, each, _matches(each.gallery.neighbours, "real image"))
        for index, each in enumerate(assessments)
        if each.gallery.neighbours
    ]
    text = (
        "A judged image on the left, then the real images nearest to it with their distances in feature space. "
        "Neighbours that only resemble it are a good sign; the same picture again is not."
    )
    return Part(name="neighbours", heading="Nearest real images", text=text, body="\n".join(blocks)) if blocks else None


def copies(assessments: Sequence[Assessment]) -> Part | None:
    """Judged images that are suspiciously near to a training image."""
    blocks = [
        _of_set(index, each, _matches(each.gallery.copies, "training image"))
        for index, each in enumerate(assessments)
        if each.gallery.copies
    ]
    text = (
        "Judged images that lie nearer to a training image than unseen real images do, the most suspicious first. "
        "Compare them with the training images on their right."
    )
    return Part(name="copies", heading="Suspected copies", text=text, body="\n".join(blocks)) if blocks else None


def distributions(assessments: Sequence[Assessment]) -> Part | None:
    """Histograms; those of one quantity share bins and axes across the sets."""
    found: dict[tuple[str, str], list[tuple[int, Distribution]]] = {}
    for index, each in enumerate(assessments):
        for distribution in each.gallery.distributions:
            found.setdefault((distribution.title, distribution.axis), []).append((index, distribution))
    labels = [each.label for each in assessments]
    charts = [_histograms(each, labels) for each in found.values()]
    # One set has its charts side by side; with several, each quantity begins a row in which the sets stand.
    rows = charts if len(assessments) > 1 else ["\n".join(charts)]
    body = "\n".join(f'<div class="charts wide">{row}</div>' for row in rows)
    text = "Each outline is the share of its group that falls into each bin."
    return Part(name="distributions", heading="Distributions", text=text, body=body) if found else None


def reading_guide(figures: Sequence[Figure]) -> Part:
    """How to read the page, and what each figure means."""
    kinds: dict[tuple[str, str], list[Figure]] = {}
    for figure in figures:
        kinds.setdefault((figure.explanation.title, figure.explanation.meaning), []).append(figure)
    entries = "\n".join(
        f"<div><dt>{escape(title)} <span class='better'>{DIRECTION[same[0].explanation.better]}</span></dt>"
        f"<dd>{escape(meaning)} {' '.join(f'<code>{breakable(each.name)}</code>' for each in same)}</dd></div>"
        for (title, meaning), same in kinds.items()
    )
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


def _card(index: int, assessment: Assessment, said: set[str]) -> str:
    verdict = assessment.verdict
    findings = "".join(f"<li>{escape(finding)}</li>" for finding in verdict.findings)
    warnings = _warnings([warning for warning in verdict.warnings if warning not in said])
    return (
        f'<article class="verdict">{set_name(index, assessment.label)}<h3>{escape(verdict.headline)}</h3>'
        f"{f'<ul>{findings}</ul>' if findings else ''}{warnings}</article>"
    )


def _warnings(warnings: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(warning)}</li>" for warning in warnings)
    return f'<div class="warnings" role="note"><strong>Caution</strong><ul>{items}</ul></div>' if items else ""


def _shared(lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    return tuple(entry for entry in lists[0] if all(entry in each for each in lists))


def _of_set(index: int, assessment: Assessment, body: str) -> str:
    return f"<article><h3>{set_name(index, assessment.label)}</h3>{body}</article>"


def _matches(found: Iterable[Neighbours], other: str) -> str:
    return f'<div class="matches">{"".join(match(each, judged="judged", other=other) for each in found)}</div>'


def _progress(figure: Figure, seen: Mapping[int, int]) -> str:
    """One chart of `figure` over the snapshots `seen` (set -> images seen); nothing for fewer than two readings."""
    course = sorted((images, index) for index, images in seen.items() if figure.readings[index] is not None)
    if len(course) < 2:
        return ""
    snapshots = Figure(
        name=figure.name,
        explanation=figure.explanation,
        readings=[figure.readings[index] for _, index in course],
        control=figure.control,
    )
    best = snapshots.best()
    assert best is not None
    readings: list[Reading] = [reading for reading in snapshots.readings if reading is not None]
    xs = [float(images) for images, _ in course]
    title = figure.explanation.title
    chart = curve_chart(
        [Curve(name=title, xs=xs, readings=readings, ink=PLAIN)],
        title=f"{title} over images seen",
        x_name="images seen",
        reference=figure.control,
        best=(xs[best], readings[best].value),
    )
    value = figure.written(readings[best])[0]
    return f"""<figure class="chart"><figcaption><strong>{escape(title)}</strong>
<span class="better">{DIRECTION[figure.explanation.better]}</span> <code>{breakable(figure.name)}</code></figcaption>
{chart}
<p>Best: {value} at {course[best][0]:,} images seen</p></figure>"""


def _histograms(found: Sequence[tuple[int, Distribution]], labels: Sequence[str]) -> str:
    values = [group for _, distribution in found for group in distribution.groups.values()]
    edges = bin_edges(np.concatenate([np.zeros(0), *values]))
    peak = max((float(shares(group, edges).max()) for group in values), default=0.0) or 1.0
    return "\n".join(_histogram(index, labels[index], each, edges, peak) for index, each in found)


def _histogram(index: int, label: str, distribution: Distribution, edges: np.ndarray, peak: float) -> str:
    looks = _inks(list(distribution.groups), index, label)
    groups = [Group(name=name, values=values, ink=looks[name]) for name, values in distribution.groups.items()]
    chart = histogram(groups, edges, title=f"{distribution.title}: {label}", axis=distribution.axis, peak=peak)
    key = " ".join(
        f'<span class="set">{swatch(group.ink)}<span>{escape(group.name)} ({len(group.values):,})</span></span>'
        for group in groups
    )
    return f"""<figure class="chart"><figcaption><strong>{escape(distribution.title)}</strong><br>
{set_name(index, label)}</figcaption>
{chart}
<p class="key">{key}</p></figure>"""


def _inks(names: Sequence[str], index: int, label: str) -> Mapping[str, Ink]:
    """The group named like the judged set, or else the last one, is drawn in the colour of the set; others plainly."""
    own = label if label in names else names[-1] if names else label
    dashes = (None, "5 3", "1.5 2.5", "8 3 2 3")
    others = [name for name in names if name != own]
    plain = {name: Ink(color=PLAIN.color, dash=dashes[place % len(dashes)]) for place, name in enumerate(others)}
    return {**plain, own: ink(index)}
