"""What is to be said of recorded traffic that was sent again: was it sent as it was recorded, and did the server keep up?"""

from __future__ import annotations

from pathlib import Path

import msgspec

from hotlap import formatting
from hotlap.analysis.rules.load import LAG_MS, LAG_SHARE
from hotlap.evidence.figures import Percentiles
from hotlap.load.aggregate import percentiles
from hotlap.recorded.schedule import Schedule
from hotlap.swarm.counters import figures
from hotlap.swarm.replay import Replayed


class ReplayFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a replay that its verdict is made of. Rates in requests a second."""

    scheduled: int
    """Requests in the recording; ``started`` of them were sent, and ``not_offered`` turned away by the bound in flight."""
    started: int
    not_offered: int
    failed: int
    whole: bool
    """Whether it was played to its end."""
    rate: float | None
    """At which they were due; ``None``: all at once."""
    rate_reached: float
    """At which they ended."""
    latency_ms: Percentiles
    lag_ms: Percentiles
    late_ms: Percentiles


class ReplayClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A statement of a replay's verdict."""

    name: str
    severity: str
    """``void``: its latencies are not the server's. ``doubtful``: the traffic was not all there. ``note``."""
    sentence: str


def verdict(seen: ReplayFigures) -> list[ReplayClaim]:
    """What is to be said, the worst first."""
    said = []
    median = seen.latency_ms.p50
    for late, what in ((seen.late_ms, "woke"), (seen.lag_ms, "sent requests")):
        if late.p99 is not None and late.p99 > max(LAG_MS, LAG_SHARE * (median or 0.0)):
            sentence = (
                f"the generator {what} {late.p99:.1f} ms late (p99): the latencies hold its own delay; "
                "play it slower (--speed), or leave the machine to it"
            )
            said.append(ReplayClaim(name="generator-lag", severity="void", sentence=sentence))
            break
    if seen.not_offered:
        sentence = (
            f"{seen.not_offered:,} requests were not sent, as too many were without an answer: the server "
            "does not keep up with this traffic"
        )
        said.append(ReplayClaim(name="saturated", severity="doubtful", sentence=sentence))
    if not seen.whole:
        sentence = f"it was ended before its end: {seen.started:,} of {seen.scheduled:,} requests were sent"
        said.append(ReplayClaim(name="cut-short", severity="doubtful", sentence=sentence))
    elif seen.started + seen.not_offered < seen.scheduled:
        sentence = f"only {seen.started + seen.not_offered:,} of {seen.scheduled:,} requests were due: the schedule broke off"
        said.append(ReplayClaim(name="cut-short", severity="void", sentence=sentence))
    due = f", due at {formatting.number(seen.rate)}/s" if seen.rate is not None else ""
    lag = f"; sent {formatting.number(seen.lag_ms.p99)} ms late (p99)" if seen.lag_ms.p99 is not None else ""
    sentence = f"{seen.started:,} of {seen.scheduled:,} requests sent{due}, reached {formatting.number(seen.rate_reached)}/s{lag}"
    return [*said, ReplayClaim(name="rate", severity="note", sentence=sentence)]


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """What ``hotlap swarm --replay`` gave."""

    file: str
    speed: float
    url: str
    requests: int
    """Those that are sent; the others are counted in ``unread`` (lines) and ``left_out`` (requests, by why)."""
    unread: int
    left_out: dict[str, int]
    length_s: float
    """From the first to the last, at that speed."""
    duration_s: float
    rate: float | None
    """Requests a second, as they are due; ``rate_reached``: as they ended."""
    rate_reached: float
    busiest: int
    """Requests in the busiest second."""
    total: dict[str, object]
    """The counters of all requests, and their latencies; likewise of each route in ``routes``."""
    routes: list[dict[str, object]]
    late_ms: Percentiles
    verdict: list[ReplayClaim]


def result(recording: Path, speed: float, url: str, schedule: Schedule, replayed: Replayed) -> ReplayResult:
    """What it gave, with its verdict."""
    total = replayed.accounts.total()
    late_ms = percentiles(replayed.late)
    reached = total.requests / replayed.duration_s
    seen = ReplayFigures(
        scheduled=schedule.requests,
        started=total.started,
        not_offered=total.not_offered,
        failed=total.failed,
        whole=replayed.whole,
        rate=schedule.rate,
        rate_reached=reached,
        latency_ms=percentiles(total.response),
        lag_ms=percentiles(total.lag),
        late_ms=late_ms,
    )
    return ReplayResult(
        file=recording.name,
        speed=speed,
        url=url,
        requests=schedule.requests,
        unread=schedule.unread,
        left_out=schedule.left_out,
        length_s=schedule.length_s,
        duration_s=replayed.duration_s,
        rate=schedule.rate,
        rate_reached=reached,
        busiest=schedule.busiest,
        total=figures(total),
        routes=[{"method": each.method, "name": each.name, **figures(each)} for each in replayed.accounts],
        late_ms=late_ms,
        verdict=verdict(seen),
    )
