"""The report of `shanshui evaluate`: figures, and images of both sides to look at, in one file."""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.report.page import document
from shanshui.images.grids import grid

COLUMNS = 8


def render(
    figures: Mapping[str, Estimate],
    real: Sequence[NDArray[np.uint8]],
    judged: Sequence[NDArray[np.uint8]],
    *,
    names: tuple[str, str],
) -> str:
    """The page as HTML.

    Args:
        figures: full name -> figure.
        real: HWC images of one size.
        judged: HWC images of that size.
        names: of the real and of the judged side.
    """
    rows = "\n".join(
        f"<tr><th>{escape(name)}</th><td>{escape(in_words(estimate))}</td></tr>" for name, estimate in figures.items()
    )
    body = f"""<section>
<h2>Figures</h2>
<p>Distances: lower is better. The name of a figure is its whole protocol; compare only figures of the same name.</p>
<table>
{rows}
</table>
</section>
{_sheet("Real", names[0], real)}
{_sheet("Judged", names[1], judged)}"""
    return document(
        title=f"Shanshui: {names[1]} against {names[0]}",
        intro=f"How close {names[1]} comes to {names[0]}.",
        body=body,
        footer="Made by <code>shanshui evaluate</code>.",
    )


def in_words(estimate: Estimate) -> str:
    """A figure with its 95 % interval, where it has one."""
    interval = estimate.interval()
    if interval is None:
        return f"{estimate.value:.4f}"
    return f"{estimate.value:.4f} (95 %: {interval[0]:.4f} to {interval[1]:.4f})"


def _sheet(title: str, name: str, images: Sequence[NDArray[np.uint8]]) -> str:
    sheet = Image.fromarray(grid(images, COLUMNS))
    stream = io.BytesIO()
    sheet.save(stream, "JPEG", quality=92)
    address = f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
    return f"""<section>
<h2>{escape(title)}</h2>
<p>{escape(name)}</p>
<figure><img src="{address}" width="{sheet.width}" height="{sheet.height}" alt="{escape(title)} images"></figure>
</section>"""
