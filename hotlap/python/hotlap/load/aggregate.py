"""The figures of a window, made of its slices: the warm-up is cut off where it is found to end. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate

import msgspec

from hotlap._engine import Histogram
from hotlap.experiment import Load
from hotlap.load import steady
from hotlap.load.steady import Steady
from hotlap.load.wire import Answer, Slice
from hotlap.run.result import Percentiles, Point

LITTLES = 0.05
"""Of the users: how many the law may leave unaccounted for."""
LITTLES_RESPONSES = 10.0
"""So many mean responses a window must last before throughput and latency are held against each other."""


class Measured(msgspec.Struct, kw_only=True):
    """What counts of a window."""

    steady: Steady
    warm_up_s: float
    """What was cut off its start."""
    duration_s: float
    requests: int
    failures: int
    not_offered: int | None
    in_flight: float | None
    """Requests in flight, the mean over time."""
    response: Histogram
    service: Histogram | None
    generator_cpu_s: float
    server_cpu_s: float | None
    errors: dict[str, int]
    series: list[Point]
    """Of the whole window, a point a second."""
    saturated: bool
    """An open loop's requests in flight kept growing."""
    first_ms: float | None
    last_ms: float | None
    """The mean latency of the first and of the last third."""


def merged(encoded: Sequence[bytes | None]) -> Histogram:
    """Histograms as one."""
    whole = Histogram()
    for each in encoded:
        if each is not None:
            whole.merge(Histogram.decode(each))
    return whole


def measured(answer: Answer, load: Load) -> Measured:
    """Cut the warm-up off and add up the rest."""
    slices = answer.slices
    ends_s = list(accumulate(one.length_s for one in slices))
    means = [Histogram.decode(one.response).mean_ms for one in slices]
    found = steady.find(ends_s, means)
    kept = slices[found.first :]
    native = any(one.in_flight is not None for one in kept)
    third = max(1, len(slices) // 3)
    servers = [one.server_cpu_s for one in kept]
    return Measured(
        steady=found,
        warm_up_s=math.fsum(one.length_s for one in slices[: found.first]),
        duration_s=math.fsum(one.length_s for one in kept),
        requests=sum(one.requests for one in kept),
        failures=sum(one.failures for one in kept),
        not_offered=sum(one.not_offered or 0 for one in kept) if native else None,
        in_flight=(
            math.fsum(one.in_flight_s or 0.0 for one in kept) / math.fsum(one.length_s for one in kept)
            if native
            else None
        ),
        response=merged([one.response for one in kept]),
        service=merged([one.service for one in kept]) if native else None,
        generator_cpu_s=math.fsum(one.generator_cpu_s for one in kept),
        server_cpu_s=None if None in servers else math.fsum(one or 0.0 for one in servers),
        errors=dict(sum((Counter(one.errors) for one in kept), Counter())),
        series=_points(slices),
        saturated=native
        and load.rate is not None
        and steady.saturates(ends_s, [one.in_flight or 0 for one in slices], load.rate),
        first_ms=merged([one.response for one in slices[:third]]).mean_ms,
        last_ms=merged([one.response for one in slices[-third:]]).mean_ms,
    )


def _points(slices: Sequence[Slice]) -> list[Point]:
    points: list[Point] = []
    group: list[Slice] = []
    began_s = passed_s = 0.0
    for one in slices:
        group.append(one)
        passed_s += one.length_s
        if passed_s - began_s > 0.95:
            whole = merged([each.response for each in group])
            points.append(
                Point(
                    t_s=passed_s,
                    rps=sum(each.requests for each in group) / (passed_s - began_s),
                    p50_ms=whole.quantile_ms(0.5),
                    p99_ms=whole.quantile_ms(0.99),
                    in_flight=group[-1].in_flight,
                    failures=sum(each.failures for each in group),
                )
            )
            group, began_s = [], passed_s
    return points


def percentiles(histogram: Histogram) -> Percentiles:
    """A histogram's figures in milliseconds; what too few samples cannot carry is ``None``."""
    return Percentiles(
        mean=histogram.mean_ms,
        p50=histogram.quantile_ms(0.5),
        p90=histogram.quantile_ms(0.9),
        p99=histogram.quantile_ms(0.99),
        p99_9=histogram.quantile_ms(0.999),
        max=histogram.max_ms,
    )


def littles(window: Measured, load: Load) -> dict[str, float] | None:
    """Little's law for a closed loop: the users that there are, against those that the figures account for.

    A user is either waiting or has a request in flight. Waiting are, in the mean, throughput times the wait;
    in flight are, where they are counted, the requests in flight integrated over the window, with those that
    did not end in it, and else throughput times the response.

    Returns:
        ``users``; ``in_flight``, of them; ``accounted`` and its relative ``difference`` from them;
        ``by_latency``, the users in flight by throughput and mean response, where the window is long enough
        for its edges not to matter, and its ``latency_difference`` from those counted. ``None`` where the law
        cannot be applied.
    """
    if load.model != "closed":
        return None
    wait_s = sum(load.wait_s) / 2
    rps = window.requests / window.duration_s
    mean_s = (window.response.mean_ms or math.inf) / 1000
    long = window.duration_s > LITTLES_RESPONSES * (mean_s + wait_s) and not window.steady.growing
    by_latency = rps * mean_s if long else None
    in_flight = window.in_flight if window.in_flight is not None else by_latency
    if in_flight is None:
        return None
    accounted = in_flight + rps * wait_s
    found = {
        "users": float(load.users),
        "in_flight": in_flight,
        "accounted": accounted,
        "difference": abs(load.users - accounted) / load.users,
    }
    if by_latency is not None and window.in_flight is not None:
        found["by_latency"] = by_latency
        found["latency_difference"] = abs(window.in_flight - by_latency) / load.users
    return found


def starved(law: Mapping[str, float] | None) -> float | None:
    """How many users waited through a stretch whose answers do not account for them, by ``littles``.

    All requests in flight were counted, and fewer would give the latencies of those that were answered: the
    server answers some connections again and again while others wait. ``None``: there are none to speak of.
    """
    if not law or "by_latency" not in law or law["difference"] > LITTLES:
        return None
    missing = law["in_flight"] - law["by_latency"]
    return missing if missing > LITTLES * law["users"] else None
