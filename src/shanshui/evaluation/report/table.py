"""The table of figures: one row for each, all judged sets side by side, and a plot that shows what overlaps."""

from collections.abc import Sequence
from html import escape

from shanshui.evaluation.report.charts import Dot, Reading, dot_plot
from shanshui.evaluation.report.comparison import Better, Figure
from shanshui.evaluation.report.inks import ink, swatch
from shanshui.evaluation.report.svg import element

CONTROL = "Real against real"
DIRECTION: dict[Better, str] = {
    "lower": "↓ lower is better",
    "higher": "↑ higher is better",
    "near one": "→ 1 ← nearer to one is better",
}


def table_of_figures(figures: Sequence[Figure], labels: Sequence[str]) -> str:
    """The table as HTML; `labels` name the judged sets in the order of the readings of each figure."""
    heads = "".join(f'<th scope="col">{set_name(index, label)}</th>' for index, label in enumerate(labels))
    rows = "\n".join(_row(figure, labels) for figure in figures)
    columns = "".join(f'<th scope="col">{name}</th>' for name in ("Figure", "At a glance", control_name()))
    return f"""<div class="scroll" tabindex="0" role="group" aria-label="Table of figures">
<table class="figures">
<thead><tr>{columns}{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>"""


def set_name(index: int, label: str) -> str:
    """The name of judged set number `index` beside its mark, as HTML."""
    return f'<span class="set">{swatch(ink(index))}<span>{escape(label)}</span></span>'


def control_name() -> str:
    """The name of the control beside the dashed line that stands for it, as HTML."""
    line = element("path", d="M1 6H23", stroke="currentColor", stroke_width=1.5, stroke_dasharray="4 3")
    drawn = element("svg", line, viewBox="0 0 24 12", width=24, height=12, class_="swatch", aria_hidden="true")
    return f'<span class="set">{drawn}<span>{CONTROL}</span></span>'


def _row(figure: Figure, labels: Sequence[str]) -> str:
    dots = [
        Dot(name=label, reading=reading, ink=ink(index))
        for index, (label, reading) in enumerate(zip(labels, figure.readings, strict=True))
    ]
    plot = dot_plot(dots, title=f"{figure.explanation.title} of all sets", reference=figure.control)
    leaders = figure.leaders() if len(labels) > 1 else frozenset()
    cells = "".join(
        _cell(figure, reading, label, leading=index in leaders)
        for index, (label, reading) in enumerate(zip(labels, figure.readings, strict=True))
    )
    control = _cell(figure, figure.control, CONTROL, leading=False)
    return f"""<tr>
<th scope="row"><details><summary>{escape(figure.explanation.title)}</summary>
<p>{escape(figure.explanation.meaning)}</p></details>
<span class="better">{DIRECTION[figure.explanation.better]}</span> <code>{breakable(figure.name)}</code></th>
<td class="plot">{plot}</td>{control}{cells}
</tr>"""


def breakable(name: str) -> str:
    """The full name of a figure as HTML that may break after each of its words."""
    return escape(name).replace("_", "_<wbr>")


def _cell(figure: Figure, reading: Reading | None, label: str, *, leading: bool) -> str:
    of = f' data-set="{escape(label)}"'
    if reading is None:
        return f'<td{of}><span class="none">not measured</span></td>'
    value, interval = figure.written(reading)
    shown = f"<b>{value}</b>" if leading else f"<span>{value}</span>"
    between = f"<small>{interval}</small>" if interval else "<small>no interval</small>"
    return f"<td{of}>{shown} {between}</td>"
