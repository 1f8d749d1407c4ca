"""Rules about streams: when their events come."""

from __future__ import annotations

from collections.abc import Iterator

from hotlap import formatting
from hotlap.analysis.judged import JudgedLane, JudgedRun
from hotlap.analysis.rules import Claim, rule
from hotlap.analysis.rules.findings import anchor, waited_for

LATE_MS = 50.0
"""A first event that comes sooner is not said to be late."""
LATE_GAPS = 3.0
"""So many times the usual gap between events it takes, at least."""
LATE_SHARE = 0.25
"""Of the whole stream: what the wait for the first event takes, at least."""


@rule("late-first-event", "lane", "finding")
def late_first_event(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """The first event of streams takes several times as long as each further one, and much of the whole stream."""
    trials = lane.of_role()
    seen = trials[-1].evidence if trials else None
    if seen is None or seen.stream is None:
        return
    first_ms, gap_ms, whole_ms = seen.stream.first_event_ms.p50, seen.stream.gap_ms.p50, seen.latency_ms.p50
    if first_ms is None or first_ms < LATE_MS or (gap_ms is not None and first_ms < LATE_GAPS * gap_ms):
        return
    if whole_ms is not None and first_ms < LATE_SHARE * whole_ms:
        return
    wait = waited_for(lane)
    if wait is not None:
        where = f"; most of it waits for {wait}"
    elif any(one.evidence.tasks for one in lane.profiles):
        where = ""
    else:
        where = " (--profiles await tells what it waits for)"
    then = f", each further one after {formatting.number(gap_ms)} ms" if gap_ms is not None else ""
    cpu_us = seen.server_cpu_us_per_request
    used = f"; the server computes for {formatting.number(cpu_us / 1000)} ms a stream" if cpu_us else ""
    yield Claim(
        sentence=f"streams of {lane.evidence.path} begin late: the first event comes after "
        f"{formatting.number(first_ms)} ms (median){then}{used}{where}",
        evidence={
            "first_event_p50_ms": first_ms,
            "gap_p50_ms": gap_ms,
            "latency_p50_ms": whole_ms,
            "server_cpu_us_per_request": cpu_us,
            "waits_for": wait.what if wait is not None else None,
        },
        link=anchor(lane, "await" if wait is not None else None),
        weight=0.95,
    )
