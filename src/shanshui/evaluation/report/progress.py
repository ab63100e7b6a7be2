"""The part of a report that shows a run as it learned: every figure over its snapshots."""

from collections.abc import Mapping, Sequence
from html import escape

from shanshui.evaluation.report.charts import Curve, curve_chart
from shanshui.evaluation.report.comparison import DIRECTION, Figure, breakable
from shanshui.evaluation.report.inks import ACCENT
from shanshui.evaluation.report.judged import Judged, control_name
from shanshui.evaluation.report.part import Part


def progress(figures: Sequence[Figure], sets: Sequence[Judged]) -> Part | None:
    """Every figure over the snapshots of a run; None unless at least two sets are snapshots with a figure in common."""
    courses = ((index, each.assessment.images_seen) for index, each in enumerate(sets))
    seen = {index: images for index, images in courses if images is not None}
    charts = "\n".join(filter(None, (_chart(figure, seen) for figure in figures)))
    key = f'<p class="key">{control_name()} <span class="set"><span class="ring"></span>best snapshot</span></p>'
    part = Part(
        name="progress",
        heading="Progress",
        text="The figures over the snapshots of the run, with the bands of their 95\u00a0% intervals.",
        body=f'{key}<div class="charts">{charts}</div>',
    )
    return part if charts else None


def figure_chart(figure: Figure, images: Sequence[int]) -> str:
    """A chart of the readings of `figure`, none of which is None, over rising counts of `images` seen."""
    best = figure.best()
    assert best is not None
    readings = [reading for reading in figure.readings if reading is not None]
    xs = [float(count) for count in images]
    title = figure.explanation.title
    chart = curve_chart(
        [Curve(name=title, xs=xs, readings=readings, ink=ACCENT)],
        title=f"{title} over images seen",
        x_name="images seen",
        reference=figure.control,
        best=(xs[best], readings[best].value),
    )
    value = figure.written(readings[best])[0]
    return f"""<figure class="chart"><figcaption><strong>{escape(title)}</strong>
<span class="better">{DIRECTION[figure.explanation.better]}</span> <code>{breakable(figure.name)}</code></figcaption>
{chart}
<p>Best: {value} at {images[best]:,} images seen</p></figure>"""


def _chart(figure: Figure, seen: Mapping[int, int]) -> str:
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
    return figure_chart(snapshots, [images for images, _ in course])
