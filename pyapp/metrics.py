"""``/metrics`` in the Prometheus text format, and what fills it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from pyapp._core import Histogram
from pyapp.clients import Store, Timing

MEDIA_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class LaneMetrics:
    """What is counted of a lane: a histogram of its answers' latency, and requests without an answer."""

    def __init__(self) -> None:
        self.latency = Histogram()
        self.failures = 0
        self.abandoned = 0


def render(
    lanes: Mapping[tuple[str, str], LaneMetrics], stores: Mapping[str, Store], started_s: float
) -> str:
    """The whole page; ``started_s`` is when all of it began, in seconds since 1970."""
    latency = (_labels(scenario=s, variant=v) for s, v in lanes)
    lines = [
        "# HELP pyapp_start_time_seconds When this worker started, and with it the maps and the counts.",
        "# TYPE pyapp_start_time_seconds gauge",
        f"pyapp_start_time_seconds {started_s}",
        *_histograms(
            "pyapp_request_seconds",
            "Time from the request to its answer, by lane.",
            zip(latency, (lane.latency for lane in lanes.values()), strict=True),
        ),
        *_family(
            "pyapp_request_failures_total",
            "counter",
            "Requests that ended in an error.",
            ((_labels(scenario=s, variant=v), lane.failures) for (s, v), lane in lanes.items()),
        ),
        *_family(
            "pyapp_requests_abandoned_total",
            "counter",
            "Requests given up because their client had gone.",
            ((_labels(scenario=s, variant=v), lane.abandoned) for (s, v), lane in lanes.items()),
        ),
        *_family(
            "pyapp_clients",
            "gauge",
            "Clients in the map.",
            ((_labels(variant=variant), store.count()) for variant, store in stores.items()),
        ),
    ]
    for kind, text in (("wait", "waited for"), ("hold", "held")):
        lines += _histograms(
            f"pyapp_lock_{kind}_seconds",
            f"How long each lock was {text}.",
            (
                (_labels(lock=lock, variant=variant), times)
                for variant, store in stores.items()
                for lock, what, times in store.timings()
                if what == kind
            ),
        )
    return "\n".join(lines) + "\n"


def _labels(**labels: str) -> str:
    return ",".join(f'{name}="{value}"' for name, value in labels.items())


def _family(name: str, kind: str, text: str, values: Iterable[tuple[str, int]]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for labels, value in values:
        yield f"{name}{{{labels}}} {value}"


def _histograms(name: str, text: str, histograms: Iterable[tuple[str, Timing]]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} histogram"
    for labels, histogram in histograms:
        buckets, total_s = histogram.snapshot()
        counts = list(accumulate(buckets))
        for bound, count in zip((*Histogram.bounds, "+Inf"), counts, strict=True):
            yield f'{name}_bucket{{{labels},le="{bound}"}} {count}'
        yield f"{name}_sum{{{labels}}} {total_s}"
        yield f"{name}_count{{{labels}}} {counts[-1]}"
