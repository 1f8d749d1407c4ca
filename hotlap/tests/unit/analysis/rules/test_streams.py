"""What is said of streams whose first event is late."""

from __future__ import annotations

import pytest

from hotlap.analysis.judge import judge
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import StreamFigures, Trial
from hotlap.run.result import LaneResult, RunResult


def said(first_ms: float, gap_ms: float | None, whole_ms: float) -> list[str]:
    stream = StreamFigures(
        events=1000,
        events_per_s=200.0,
        bytes_per_s=1.0,
        first_byte_ms=Percentiles(p50=1.0),
        first_event_ms=Percentiles(p50=first_ms),
        gap_ms=Percentiles(p50=gap_ms),
    )
    trial = Trial(
        engine="native",
        model="closed",
        users=4,
        duration_s=5.0,
        requests=400,
        failures=0,
        rps=80.0,
        latency_ms=Percentiles(mean=whole_ms, p50=whole_ms),
        server_cpu_us_per_request=2000.0,
        stream=stream,
    )
    lane = LaneResult(scenario="chat", variant="app", path="/chat", trials=[trial])
    run = judge(RunResult(created="", lanes=[lane]))
    return [one.sentence for one in run.findings if one.name == "late-first-event"]


def test_a_late_first_event_is_said_with_its_figures() -> None:
    (sentence,) = said(300.0, 10.0, 400.0)
    assert sentence.startswith(
        "streams of /chat begin late: the first event comes after 300 ms (median), each further one after 10.0 ms; "
        "the server computes for 2.00 ms a stream"
    )
    assert said(300.0, None, 300.0)


@pytest.mark.parametrize(
    ("first_ms", "gap_ms", "whole_ms"), [(20.0, 1.0, 40.0), (300.0, 150.0, 900.0), (60.0, 10.0, 1000.0)]
)
def test_one_that_is_not_late_is_not(first_ms: float, gap_ms: float, whole_ms: float) -> None:
    assert said(first_ms, gap_ms, whole_ms) == []
