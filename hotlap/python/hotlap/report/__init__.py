"""The report: aggregates first, purely, then renders."""

from hotlap.report.comparison import Compared, Comparison, Gate, Side, render_comparison
from hotlap.report.render import render

__all__ = ["Compared", "Comparison", "Gate", "Side", "render", "render_comparison"]
