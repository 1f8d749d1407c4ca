"""Where the service stands beside each peer: the figures of a run, and their ratios with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hotlap.analysis.compare import FIGURES, Figure, Pair, aa_ratios, compare_figure, middle
from hotlap.analysis.comparison import Compared
from hotlap.analysis.intervals import width
from hotlap.analysis.judged import JudgedLane, JudgedRun

OWN = "pyapp"
CPU, RPS, P99 = (next(one for one in FIGURES if one.name == name) for name in ("cpu", "rps", "p99"))


@dataclass(frozen=True)
class Row:
    """A server on one endpoint."""

    lane: JudgedLane
    cpu_us: float | None
    rps: float | None
    p99_ms: float | None
    rss_bytes: float | None
    limited_by: str
    cpu_ratio: Compared | None
    """Its server CPU per request over the service's; ``None`` for the service itself."""
    rps_ratio: Compared | None


def ranking(run: JudgedRun, scenario: str) -> list[Row]:
    """A row for each server that was measured on an endpoint, the one with the least CPU per request first."""
    lanes = [lane for lane in run.lanes if lane.evidence.scenario == scenario]
    own = next((lane for lane in lanes if lane.evidence.variant == OWN), None)
    pairs = [Pair(lane.name, own, lane) for lane in lanes if own is not None and lane is not own]
    ratios = {figure.name: _ratios(run, pairs, figure) for figure in (CPU, RPS)}
    rows = [
        Row(
            lane=lane,
            cpu_us=_middle([one.evidence.server_cpu_us_per_request for one in lane.of_role()]),
            rps=_middle([one.evidence.rps for one in lane.of_role()]),
            p99_ms=_middle([one.latency_ms.p99 for one in lane.of_role()]),
            rss_bytes=_middle([one.evidence.server_rss_bytes for one in lane.of_role()]),
            limited_by=", ".join(sorted({one.limited_by for one in lane.of_role() if one.limited_by})),
            cpu_ratio=ratios["cpu"].get(lane.name),
            rps_ratio=ratios["rps"].get(lane.name),
        )
        for lane in lanes
    ]
    return sorted(rows, key=lambda row: row.cpu_us or float("inf"))


def _ratios(run: JudgedRun, pairs: Sequence[Pair], figure: Figure) -> dict[str, Compared]:
    if not pairs:
        return {}
    rounds = min(len(pair.b.of_role()) for pair in pairs) or 1
    noise = width(aa_ratios([run], figure), rounds)
    return {row.lane: row for row in compare_figure(pairs, figure, noise)}


def _middle(values: list[float | int | None]) -> float | None:
    return middle(float(value) for value in values if value)
