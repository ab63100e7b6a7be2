"""The report of an evaluation: one self-contained HTML page, and the charts that it is made of."""

from shanshui.evaluation.report.comparison import Explanation
from shanshui.evaluation.report.rendering import render

__all__ = ["render", "Explanation"]
