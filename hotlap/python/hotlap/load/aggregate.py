"""The figures of a trial, made of its slices: the warm-up is cut off where it is found to end. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate

import msgspec

from hotlap._engine import Histogram
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import NamedRequests, Point, Slice, StreamFigures
from hotlap.load import steady
from hotlap.load.wire import NamedSlice, StreamSlice, WindowResult
from hotlap.load.wire import Slice as EncodedSlice


class Window(msgspec.Struct, kw_only=True):
    """What counts of a trial."""

    warm_up_s: float
    """What was cut off its start."""
    duration_s: float
    requests: int
    failures: int
    not_offered: int | None
    parsed: int | None
    reconnected: int | None
    stream: StreamFigures | None
    in_flight_mean: float | None
    response: Histogram
    """Of the answers that were as expected; likewise ``service``."""
    failure: Histogram
    """Of what failed."""
    service: Histogram | None
    generator_cpu_s: float
    server_cpu_s: float | None
    errors: dict[str, int]
    slices: list[Slice]
    """Of the whole trial; likewise ``series``, a point a second."""
    series: list[Point]


def window_of(answer: WindowResult) -> Window:
    """Cut the warm-up off and add up the rest."""
    slices = answer.slices
    ends_s = list(accumulate(one.length_s for one in slices))
    means = [Histogram.decode(one.response).mean_ms for one in slices]
    first = steady.settled(ends_s, means)
    kept = slices[first:]
    native = any(one.in_flight is not None for one in kept)
    duration_s = math.fsum(one.length_s for one in kept)
    servers = [one.server_cpu_s for one in kept]

    def count(of: Callable[[EncodedSlice], int | None]) -> int | None:
        return sum(of(one) or 0 for one in kept) if native else None

    return Window(
        warm_up_s=math.fsum(one.length_s for one in slices[:first]),
        duration_s=duration_s,
        requests=sum(one.requests for one in kept),
        failures=sum(one.failures for one in kept),
        not_offered=count(lambda one: one.not_offered),
        parsed=count(lambda one: one.parsed),
        reconnected=count(lambda one: one.reconnected),
        stream=_streamed([one.stream for one in kept], duration_s),
        in_flight_mean=math.fsum(one.in_flight_s or 0.0 for one in kept) / duration_s if native else None,
        response=merged([one.response for one in kept]),
        failure=merged([one.failure for one in kept]),
        service=merged([one.service for one in kept]) if native else None,
        generator_cpu_s=math.fsum(one.generator_cpu_s for one in kept),
        server_cpu_s=None if None in servers else math.fsum(one or 0.0 for one in servers),
        errors=dict(sum((Counter(one.errors) for one in kept), Counter())),
        slices=[
            Slice(
                length_s=one.length_s,
                requests=one.requests,
                failures=one.failures,
                mean_ms=mean,
                in_flight=one.in_flight,
            )
            for one, mean in zip(slices, means, strict=True)
        ],
        series=_points(slices),
    )


def _streamed(parts: Sequence[StreamSlice | None], duration_s: float) -> StreamFigures | None:
    known = [one for one in parts if one is not None]
    if not known:
        return None
    events = sum(one.events for one in known)
    return StreamFigures(
        events=events,
        events_per_s=events / duration_s,
        bytes_per_s=sum(one.body_bytes for one in known) / duration_s,
        first_byte_ms=percentiles(merged([one.first_byte for one in known])),
        first_event_ms=percentiles(merged([one.first_event for one in known])),
        gap_ms=percentiles(merged([one.gap for one in known])),
    )


def merged(encoded: Sequence[bytes | None]) -> Histogram:
    """Histograms as one."""
    whole = Histogram()
    for each in encoded:
        if each is not None:
            whole.merge(Histogram.decode(each))
    return whole


def by_name(answer: WindowResult) -> dict[str, NamedRequests]:
    """What the requests of each name gave, where there are several."""
    duration_s = _duration_s(answer)
    return {name: _named(one, duration_s) for name, one in answer.by_name.items()}


def flows(answer: WindowResult) -> dict[str, NamedRequests]:
    """What the flows of each name gave as a whole."""
    duration_s = _duration_s(answer)
    return {name: _named(one, duration_s) for name, one in answer.flows.items()}


def _duration_s(answer: WindowResult) -> float:
    return math.fsum(one.length_s for one in answer.slices)


def _named(one: NamedSlice, duration_s: float) -> NamedRequests:
    return NamedRequests(
        requests=one.requests,
        failures=one.failures,
        rps=(one.requests - one.failures) / duration_s,
        latency_ms=percentiles(Histogram.decode(one.response)),
        service_ms=percentiles(Histogram.decode(one.service)) if one.service is not None else None,
        stream=_streamed([one.stream], duration_s),
    )


def _points(slices: Sequence[EncodedSlice]) -> list[Point]:
    points: list[Point] = []
    group: list[EncodedSlice] = []
    began_s = passed_s = 0.0
    for one in slices:
        group.append(one)
        passed_s += one.length_s
        if passed_s - began_s > 0.95:
            whole = merged([each.response for each in group])
            points.append(
                Point(
                    t_s=passed_s,
                    rps=sum(each.requests - each.failures for each in group) / (passed_s - began_s),
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
