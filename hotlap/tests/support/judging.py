"""A run of one lane, judged, and what the rules said of it."""

from __future__ import annotations

from typing import Any

from hotlap.analysis import rules
from hotlap.run.result import LaneResult, RunResult, Stretch


def judged(stretch: Stretch, *others: Stretch) -> RunResult:
    """A run of one lane with these stretches, judged."""
    row = LaneResult(scenario="delay", variant="x", path="/", loads=[stretch, *others])
    made = RunResult(created="2026-01-01T00:00:00+00:00", lanes=[row])
    rules.apply(made)
    return made


def said(made: RunResult) -> dict[str, Any]:
    """What the rules said of the lane, by name."""
    lane = made.lanes[0]
    return {one.name: one for one in [*lane.verdict.rules, *made.findings]}
