"""The figures of a trial that are compared and held against thresholds: how each is called, and where it is."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from hotlap.analysis.comparison import Says
from hotlap.analysis.judged import JudgedTrial
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import StreamFigures


class Figure(msgspec.Struct, frozen=True):
    """A figure of a trial: how it is called in conditions and on pages, and where it is."""

    name: str
    title: str
    unit: str
    read: Callable[[JudgedTrial], float | None]
    up: Says
    down: Says


class StreamTime(msgspec.Struct, frozen=True):
    """A time that is known of streams alone."""

    name: str
    title: str
    of: Callable[[StreamFigures], Percentiles]

    def read(self, trial: JudgedTrial, key: str) -> float | None:
        """One of its percentiles, or its mean or maximum, in a trial; milliseconds."""
        seen = trial.evidence.stream
        return getattr(self.of(seen), key) if seen is not None else None


STREAM_TIMES = (
    StreamTime("first_byte", "First byte", lambda seen: seen.first_byte_ms),
    StreamTime("first_event", "First event", lambda seen: seen.first_event_ms),
    StreamTime("gap", "Gap between events", lambda seen: seen.gap_ms),
)
_WORDS = {
    "p50": "median",
    "p90": "90th percentile",
    "p99": "99th percentile",
    "p99_9": "99.9th percentile",
}


def _latency(key: str) -> Figure:
    def read(one: JudgedTrial) -> float | None:
        return getattr(one.latency_ms, key)  # type: ignore[no-any-return]

    return Figure(key, f"Latency, {_WORDS[key]}", "ms", read, "slower", "faster")


def _time(time: StreamTime, key: str) -> Figure:
    def read(one: JudgedTrial) -> float | None:
        return time.read(one, key)

    return Figure(f"{time.name}_{key}", f"{time.title}, {_WORDS[key]}", "ms", read, "slower", "faster")


def _events(one: JudgedTrial) -> float | None:
    return one.evidence.stream.events_per_s if one.evidence.stream is not None else None


def _cpu_of_event(one: JudgedTrial) -> float | None:
    return one.evidence.stream.server_cpu_us_per_event if one.evidence.stream is not None else None


CPU = Figure(
    "cpu", "Server CPU per request", "µs", lambda one: one.evidence.server_cpu_us_per_request, "more", "less"
)
STREAM_FIGURES = (
    *(_time(time, key) for time in STREAM_TIMES for key in _WORDS),
    Figure("events", "Events per second", "events/s", _events, "faster", "slower"),
    Figure("cpu_event", "Server CPU per event", "µs", _cpu_of_event, "more", "less"),
)
"""Those of streams alone."""
FIGURES = (
    CPU,
    Figure("rps", "Requests per second", "requests/s", lambda one: one.evidence.rps, "faster", "slower"),
    *(_latency(key) for key in _WORDS),
    *STREAM_FIGURES,
)
"""What is compared. A run's only memory profile is compared too, but without rounds it has no interval."""
