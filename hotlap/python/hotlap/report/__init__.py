"""The report: aggregates first, purely, then renders."""
