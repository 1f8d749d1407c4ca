"""The report: aggregates first, purely, then renders."""

from hotlap.report.html.comparison import render_comparison
from hotlap.report.html.render import render

__all__ = ["render", "render_comparison"]
