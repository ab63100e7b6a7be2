"""The parts of a run's page that are curves: judged figures, and what the training itself logs."""

from collections.abc import Callable, Mapping, Sequence
from html import escape

import numpy as np

from shanshui.commands.run_report.story import Series
from shanshui.commands.run_report.topics import TOPICS, Topic
from shanshui.errors import ConfigError
from shanshui.evaluation.report import Explanation
from shanshui.evaluation.report.charts import Curve, Reading, curve_chart
from shanshui.evaluation.report.comparison import Figure, breakable
from shanshui.evaluation.report.inks import ACCENT, Ink, ink, line_swatch
from shanshui.evaluation.report.part import Part
from shanshui.evaluation.report.progress import figure_chart

MOST_POINTS = 120
"""Points that a curve has on the page at the most, however long the run."""

MOST_JUDGEMENTS = 1000
"""Points of a judged figure at the most: each was dear, and one of them is the best."""


def judged(figures: Mapping[str, Series], explain: Callable[[str], Explanation]) -> Part | None:
    """Every judged figure over images seen; a name that `explain` refuses stands for itself."""
    charts = "\n".join(_judged_chart(name, series, explain) for name, series in figures.items())
    part = Part(
        name="figures",
        heading="Judged figures",
        text="Measured on images made by the network as it was then, against the real ones. "
        "The ring marks the best value of each figure.",
        body=f'<div class="charts">{charts}</div>',
    )
    return part if charts else None


def logged(values: Mapping[str, Series]) -> Part | None:
    """Losses, logits, penalties and speed over images seen, those of one kind in one chart."""
    groups: dict[str, dict[str, Series]] = {}
    for name, series in values.items():
        groups.setdefault(_topic_of(name), {})[name] = series
    charts = "\n".join(_logged_chart(topic, groups[topic]) for topic in sorted(groups, key=_rank))
    part = Part(
        name="curves",
        heading="Curves",
        text=f"Where more than {MOST_POINTS} values were logged, a line is the mean of neighbouring ones and its band "
        "reaches from the lowest to the highest.",
        body=f'<div class="charts">{charts}</div>',
    )
    return part if charts else None


def thinned(series: Series, *, at_most: int) -> tuple[Sequence[float], Sequence[Reading]]:
    """Places and readings of `series`; of a long one, means of neighbours with their (lowest, highest) as interval."""
    count = len(series.xs)
    if count <= at_most:
        return series.xs.tolist(), [Reading(value=value) for value in series.values.tolist()]
    edges = np.linspace(0, count, at_most + 1).astype(np.intp)
    starts, sizes = edges[:-1], np.diff(edges)
    places, means = (np.add.reduceat(each, starts) / sizes for each in (series.xs, series.values))
    lows, highs = (extreme.reduceat(series.values, starts) for extreme in (np.minimum, np.maximum))
    readings = [
        Reading(value=mean, interval=(low, high))
        for mean, low, high in zip(means.tolist(), lows.tolist(), highs.tolist(), strict=True)
    ]
    return places.tolist(), readings


def _judged_chart(name: str, series: Series, explain: Callable[[str], Explanation]) -> str:
    try:
        explanation = explain(name)
    except ConfigError:
        return _chart(TOPICS.get(name) or Topic(title=_words(name)), {name: series})
    xs, readings = thinned(series, at_most=MOST_JUDGEMENTS)
    figure = Figure(name=name, explanation=explanation, readings=readings, control=None)
    return figure_chart(figure, [round(x) for x in xs])


def _logged_chart(topic: str, group: Mapping[str, Series]) -> str:
    return _chart(TOPICS.get(topic) or Topic(title=_words(topic)), group)


def _chart(topic: Topic, group: Mapping[str, Series]) -> str:
    looks = {name: ACCENT if len(group) == 1 else ink(index) for index, name in enumerate(group)}
    curves = [_curve(name, series, looks[name]) for name, series in group.items()]
    chart = curve_chart(curves, title=f"{topic.title} over images seen", x_name="images seen")
    key = " ".join(_key(name, series, looks[name]) for name, series in group.items())
    meaning = f"<p>{escape(topic.meaning)}</p>" if topic.meaning else ""
    return f"""<figure class="chart"><figcaption><strong>{escape(topic.title)}</strong></figcaption>
{chart}
<p class="key">{key}</p>{meaning}</figure>"""


def _curve(name: str, series: Series, look: Ink) -> Curve:
    xs, readings = thinned(series, at_most=MOST_POINTS)
    return Curve(name=name, xs=xs, readings=readings, ink=look)


def _key(name: str, series: Series, look: Ink) -> str:
    latest = f"{series.values[-1]:.4g}"
    return f'<span class="set">{line_swatch(look)}<span><code>{breakable(name)}</code> {latest}</span></span>'


def _topic_of(name: str) -> str:
    """What a logged value is about: the first word of its name, but both sides of the game share a chart."""
    first = name.partition(".")[0]
    if first in ("discriminator", "generator"):
        return "losses"
    return name if first in ("speed", "watch") else first


def _rank(topic: str) -> tuple[int, str]:
    """Known topics in their order; what nobody has words for yet comes last."""
    known = list(TOPICS)
    return (known.index(topic) if topic in known else len(known)), topic


def _words(name: str) -> str:
    return name.replace("_", " ").replace(".", " ").strip().capitalize() or name
