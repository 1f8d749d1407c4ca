"""What a run says in the terminal, wide and narrow."""

from __future__ import annotations

import io

import pytest

from hotlap.analysis.judge import judge
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import Trial
from hotlap.experiment import Lane
from hotlap.report.terminal import Bar, show
from hotlap.run.jobs import Measure, Verify
from hotlap.run.result import LaneResult, RunResult
from hotlap.terminal import Terminal


def told(width: int, failures: int = 0, error: str | None = None, variant: str = "app") -> str:
    trial = Trial(
        engine="native",
        model="closed",
        requests=8000,
        failures=failures,
        rps=8123.4,
        latency_ms=Percentiles(mean=1.96, p50=1.81, p90=2.67, p99=3.7, max=7.42),
        server_cpu_us_per_request=142.0,
    )
    lane = LaneResult(
        scenario="root", variant=variant, path="/", trials=[] if error else [trial], error=error
    )
    console = Terminal(file=io.StringIO(), width=width)
    show(judge(RunResult(created="now", name="shop", lanes=[lane])), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("width", "failures", "titles"),
    [
        (120, 0, "lane req/s p50 ms p90 ms p99 ms max ms failed CPU µs limit verdict"),
        (80, 0, "lane req/s p50 ms p99 ms max ms CPU µs limit verdict"),
        (80, 3, "lane req/s p50 ms p99 ms failed CPU µs limit verdict"),
    ],
)
def test_no_figure_is_cut_off(width: int, failures: int, titles: str) -> None:
    text = told(width, failures)
    assert "…" not in text
    assert titles in " ".join(text.split())
    for figure in ("8,123.4", "1.81", "3.70", "142", "server"):
        assert figure in text
    assert ("7.42" in text) == ("max ms" in titles)


def test_the_names_of_lanes_stay_whole_while_there_are_figures_to_spare() -> None:
    text = told(80, failures=3, variant="falcon-on-uvicorn")
    [row] = [line for line in text.splitlines() if line.startswith(" root/falcon")]
    assert row.split() == ["root/falcon-on-uvicorn", "8,123.4", "1.81", "3.70", "3", "142", "void"]


def test_a_reason_is_said_once() -> None:
    text = told(120, error="the server ended before it answered")
    assert text.count("the server ended before it answered") == 1
    console = Terminal(file=io.StringIO(), width=120)
    lane = Lane(scenario="root", variant="app", path="/")
    jobs = [Verify(lane=lane), Measure(lane=lane, load=lane.load, engine="native", warm_up_s=0.0, time_s=1.0)]
    with Bar(console).shown() as bar:
        bar.begin(jobs)
        for job in jobs:
            bar.start(job)
            bar.end(job, "no answer came")
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert said.count("no answer came") == 1
    assert "for the same reason" in said


def test_a_lane_is_named_once_in_what_is_said_of_it() -> None:
    assert "root/app answered nothing" in told(120, error="root/app answered nothing").splitlines()
    assert "root/app: its server is gone" in told(120, error="its server is gone").splitlines()
