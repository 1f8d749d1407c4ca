"""Locks, capacity and comparisons: their charts and their pages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import made_run
import plotly.graph_objects
import pytest
from made_run import without_theme

from hotlap.analysis.comparison import Compared, Comparison, Gate, Side
from hotlap.report import render, render_comparison
from hotlap.report.html import details, evidence_charts
from hotlap.report.html.comparison import forest
from hotlap.run.result import LaneResult, Percentiles, Profile, RunResult, Stretch

LOCKS = {
    "exclusive": {
        "wait": {"bounds_s": [0.001, 0.05, 1.0, 5.0], "counts": [0, 3, 90, 7, 0], "total_s": 81.5},
        "hold": {"bounds_s": [0.001, 0.05, 1.0, 5.0], "counts": [0, 20, 80, 0, 0], "total_s": 5.02},
    }
}


@pytest.fixture
def run(tmp_path: Path) -> RunResult:
    return made_run.make(tmp_path)


def offered(rate: float, rps: float, p99: float) -> Stretch:
    latency = Percentiles(p50=p99 / 2, p99=p99)
    return Stretch(engine="native", model="open", role="capacity", rate=rate, rps=rps, latency_ms=latency)


def test_a_lock_is_drawn_over_the_buckets_that_were_hit() -> None:
    chart = evidence_charts.lock(LOCKS["exclusive"])
    assert chart is not None
    plotly.graph_objects.Figure(without_theme(chart))
    wait, hold = chart["data"]
    assert wait["x"] == ["≤ 50.0 ms", "≤ 1.00 s", "≤ 5.00 s"]
    assert wait["y"] == [3, 90, 7]
    assert hold["y"] == [20, 80, 0]
    assert wait["marker"]["pattern"]["shape"] != hold["marker"]["pattern"]["shape"]
    assert evidence_charts.bucket([0.001, 5.0], 2) == "> 5.00 s"
    assert evidence_charts.lock({"wait": {"bounds_s": [1.0], "counts": [0, 0], "total_s": 0.0}}) is None


def test_a_lock_stands_by_its_lane(run: RunResult, tmp_path: Path) -> None:
    lane = run.lane("read/python")
    assert lane is not None
    lane.facts["locks"] = LOCKS
    text = render(run, tmp_path).read_text("utf-8")
    section = text[text.index('id="lane-read-python"') : text.index('id="lane-read-native"')]
    assert "exclusive" in section
    facts = re.findall(r"<dt>(.*?)</dt> <dd>(.*?)</dd>", section)
    assert ("waited for, on average", "815 ms") in facts
    assert ("held, on average", "50.2 ms") in facts


def test_capacity_is_drawn_over_the_rate_offered() -> None:
    lane = LaneResult(
        scenario="read",
        variant="native",
        path="/read",
        facts={"capacity": {"rate": 19.4, "objective": "p99 < 100 ms"}},
    )
    lane.loads = [offered(30.0, 19.7, 4000.0), offered(10.0, 10.0, 51.0), offered(19.0, 19.0, 70.0)]
    lane.facts["capacity"]["tried"] = [
        {"rate": 19.0, "met": True, "misses": [], "rps": 19.0, "latency_ms": {"p50": 35.0, "p99": 70.0}},
        {"rate": 30.0, "met": False, "misses": ["p99 is 4000 ms"], "rps": 19.7, "latency_ms": {"p50": None}},
    ]
    assert evidence_charts.tried(lane)[1] == ("30.0", "19.7", "—", "—", "p99 is 4000 ms")
    assert evidence_charts.capacity_facts(lane) == [("rate", "19.4"), ("objective", "p99 < 100 ms")]
    chart = evidence_charts.capacity(lane)
    assert chart is not None
    plotly.graph_objects.Figure(without_theme(chart))
    p99 = chart["data"][1]
    assert p99["x"] == [10.0, 19.0, 30.0]
    assert [symbol.endswith("-open") for symbol in p99["marker"]["symbol"]] == [False, False, True]
    assert chart["layout"]["shapes"][0]["x0"] == 19.4
    assert chart["layout"]["annotations"][0]["text"] == "19.4/s"
    lane.facts["capacity"]["rate"] = None
    assert "shapes" not in (evidence_charts.capacity(lane) or {})["layout"]


def test_a_lane_that_only_its_capacity_was_sought_of_is_no_failure(run: RunResult, tmp_path: Path) -> None:
    lane = run.lane("read/native")
    assert lane is not None
    lane.loads = [offered(10.0, 10.0, 51.0)]
    text = render(run, tmp_path).read_text("utf-8")
    assert "was measured" in text
    row = text[text.index('data-lane="read/native"') :]
    assert "not measured" not in row[: row.index("</tr>")]
    assert '"capacity-lane-read-native"' in text


def test_every_stretch_is_there_with_all_that_it_recorded(run: RunResult, tmp_path: Path) -> None:
    lane = run.lane("fast/native")
    assert lane is not None
    lane.loads[0].facts = {"lag_ms": {"p99": 0.21}, "steady": True}
    lane.loads[0].errors = {"timeout": 2}
    lane.loads.append(made_run.stretch(tmp_path, "s", (942.0, 1484.0, 180.0, "generator"), role="stock"))
    table = details.stretches(lane)
    assert table is not None
    assert table.heads == ["measure 1", "stock 1"]
    cells = dict(table.rows)
    assert cells["requests/s"] == ["3,020", "942"]
    assert cells["lag, p99"] == ["0.210 ms", "—"]
    assert cells["steady"] == ["yes", "—"]
    assert cells["error: timeout"] == ["2", "—"]
    assert "service p50, ms" not in cells
    assert details.stretches(LaneResult(scenario="a", variant="b", path="/")) is None


def test_an_a_a_pair_gives_the_width_of_noise(run: RunResult, tmp_path: Path) -> None:
    lane = run.lane("cpu/native")
    assert lane is not None
    lane.loads.append(made_run.stretch(tmp_path, "again", (330.0, 46.0, 5_700.0, "machine"), role="a/a"))
    [pair] = details.noise(run)
    assert pair.lane == "cpu/native"
    assert pair.cpu == pytest.approx(5_700 / 5_480 - 1)
    assert pair.rps == pytest.approx(342 / 330 - 1)
    assert "as an A/A pair" in render(run, tmp_path).read_text("utf-8")


def test_facts_are_written_with_their_units() -> None:
    made = {
        "held_share": 0.613,
        "peak_bytes": 2**21,
        "wait_s": 0.05,
        "lag_ms": 0.2,
        "allocations_per_request": 3_000_004,
    }
    assert details.flat(made) == [
        ("held share", "61.3%"),
        ("peak", "2.00 MiB"),
        ("wait", "50.0 ms"),
        ("lag", "0.200 ms"),
        ("allocations per request", "3,000,004"),
    ]
    profile = Profile(
        profiler="py-spy", mode="gil", facts={"held_share": 0.61, "advice": "Not worth detaching."}
    )
    assert ("held share", "61.0%") in details.profile_facts(profile)
    assert details.profile_sentences(profile) == ["Not worth detaching."]
    waits = Profile(
        profiler="probe",
        mode="await",
        facts={"waits_for": {"asyncio.Lock": 0.98}, "loop_lag_ms": {"p99": None}},
    )
    assert details.profile_facts(waits)[-1] == ("waits for, asyncio.Lock", "98.0%")
    heaviest = [{"name": "malloc", "bytes_per_request": 3_000_099.0, "location": None}]
    memory = Profile(profiler="memray", mode="memory", samples=7, facts={"heaviest_by_bytes": heaviest})
    assert ("allocations", "7") in details.profile_facts(memory)
    assert details.by_bytes(memory) == [("malloc", "2.86 MiB", "—")]
    assert details.spoken(None) == "—"
    assert details.spoken([1, 2.5]) == "1, 2.50"


def comparison() -> Comparison:
    unit = {"figure": "Server CPU per request", "unit": "µs"}
    return Comparison(
        a=Side(
            name="<b>before</b>",
            created="2026-11-20T10:00:00+00:00",
            commit="8dca656e3f00aa",
            link="a b/report.html",
        ),
        b=Side(name="after", machine="Made CPU, 2 cores"),
        rows=[
            Compared(
                lane="cpu/native", a=5480, b=6610, ratio=1.206, low=1.17, high=1.24, says="slower", **unit
            ),
            Compared(lane="cpu/python", a=371_000, b=369_000, ratio=0.995, low=0.97, high=1.02, **unit),
            Compared(
                lane="fast/native", a=171, b=120, ratio=0.702, low=0.68, high=0.73, says="faster", **unit
            ),
            Compared(lane="read/native", a=447, says="not compared", note="not measured in b", **unit),
        ],
        method="Paired bootstrap, 99% with Holm's correction.",
        noise=0.03,
        cautions=["The two were made on different machines."],
        gates=[Gate(condition="cpu/native p99 > 1.10x", passed=False, sentence="It was 1.21×.")],
    )


def test_a_comparison_is_drawn_around_one() -> None:
    chart = forest(comparison().rows, 0.03)
    assert chart is not None
    plotly.graph_objects.Figure(without_theme(chart))
    assert [(trace["name"], trace["y"]) for trace in chart["data"]] == [
        ("better", ["fast/native"]),
        ("worse", ["cpu/native"]),
        ("no difference", ["cpu/python"]),
    ]
    assert len({trace["marker"]["symbol"] for trace in chart["data"]}) == 3
    assert chart["layout"]["shapes"][0]["x1"] == 1.03
    assert forest([], None) is None


def test_a_comparison_has_its_page(tmp_path: Path) -> None:
    page = render_comparison(comparison(), tmp_path / "compare.html")
    text = page.read_text("utf-8")
    assert "<b>before" not in text
    expected = ["&lt;b&gt;before", "1.21× (1.17× to 1.24×)", "not measured in b", "different machines"]
    expected += ["cpu/native p99 &gt; 1.10x", "a%20b/report.html", "3.0% apart", "Paired bootstrap"]
    assert [part for part in expected if part not in text] == []
    charts = json.loads(re.findall(r'id="chart-data">(.*?)</script>', text)[0])
    assert list(charts) == ["forest-0"]
