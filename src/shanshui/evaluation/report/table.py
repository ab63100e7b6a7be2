"""The table of figures: one row for each, all judged sets side by side, and a plot that shows what overlaps."""

from collections.abc import Sequence
from html import escape

from shanshui.evaluation.report.charts import Dot, Reading, dot_plot
from shanshui.evaluation.report.comparison import DIRECTION, Figure, breakable
from shanshui.evaluation.report.judged import Judged, control_name
from shanshui.evaluation.report.part import Part


def table_of_figures(figures: Sequence[Figure], sets: Sequence[Judged]) -> Part:
    """The figures of all sets side by side."""
    several = " Bold: the best set, and every set whose interval overlaps the best one's." if len(sets) > 1 else ""
    return Part(
        name="figures",
        heading="Figures",
        text="Each value stands over its 95\u00a0% interval. The dashed line and its band are the control, real images "
        f"against other real ones: nothing needs to be better than that.{several}",
        body=_table(figures, sets),
    )


def _table(figures: Sequence[Figure], sets: Sequence[Judged]) -> str:
    names = ["Figure", "At a glance", control_name(), *(each.name() for each in sets)]
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = "\n".join(_row(figure, sets) for figure in figures)
    return f"""<div class="scroll" tabindex="0" role="group" aria-label="Table of figures">
<table class="figures">
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>"""


def _row(figure: Figure, sets: Sequence[Judged]) -> str:
    pairs = list(zip(sets, figure.readings, strict=True))
    dots = [Dot(name=each.label, reading=reading, ink=each.ink) for each, reading in pairs]
    plot = dot_plot(dots, title=f"{figure.explanation.title} of all sets", reference=figure.control)
    leaders = figure.leaders() if len(sets) > 1 else frozenset()
    cells = "".join(
        _cell(figure, reading, each.name(), leading=index in leaders) for index, (each, reading) in enumerate(pairs)
    )
    control = _cell(figure, figure.control, control_name(), leading=False)
    return f"""<tr>
<th scope="row"><details><summary>{escape(figure.explanation.title)}</summary>
<p>{escape(figure.explanation.meaning)}</p></details>
<span class="better">{DIRECTION[figure.explanation.better]}</span> <code>{breakable(figure.name)}</code></th>
<td class="plot">{plot}</td>{control}{cells}
</tr>"""


def _cell(figure: Figure, reading: Reading | None, name: str, *, leading: bool) -> str:
    """A cell; its name is shown only where the page is too narrow for the head of the table."""
    if reading is None:
        return f'<td>{name}<span class="none">not measured</span></td>'
    value, interval = figure.written(reading)
    shown = f"<b>{value}</b>" if leading else f"<span>{value}</span>"
    return f"<td>{name}{shown} <small>{interval or 'no interval'}</small></td>"
