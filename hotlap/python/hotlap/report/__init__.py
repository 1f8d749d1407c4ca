"""The report: aggregates first, purely, then renders."""

from hotlap.report.render import render

__all__ = ["render"]
