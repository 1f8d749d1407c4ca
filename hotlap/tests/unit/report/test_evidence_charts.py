"""Locks, capacity and comparisons: their charts and their pages."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from pathlib import Path

import made_run
import msgspec
import plotly.graph_objects
import pytest
from made_run import without_theme

from hotlap.analysis.comparison import Compared, Comparison, Gate, Side
from hotlap.analysis.judged import JudgedRun, JudgedTrial
from hotlap.analysis.profiles import judged_profile
from hotlap.analysis.trials import judged_trial
from hotlap.evidence.figures import Durations, Percentiles
from hotlap.evidence.load import Trial
from hotlap.evidence.profile import Allocations, BytesOf, GilHold, Profile, PythonFrames, TaskWaits
from hotlap.evidence.service import LockTimes
from hotlap.evidence.words import notes
from hotlap.report import render, render_comparison
from hotlap.report.html import details, evidence_charts
from hotlap.report.html.comparison import forest, ticks
from hotlap.run.result import Capacity, LaneResult, TriedRate

BOUNDS_S = [0.001, 0.05, 1.0, 5.0]
EXCLUSIVE = LockTimes(
    wait=Durations(bounds_s=BOUNDS_S, counts=[0, 3, 90, 7, 0], total_s=81.5),
    hold=Durations(bounds_s=BOUNDS_S, counts=[0, 20, 80, 0, 0], total_s=5.02),
)


@pytest.fixture
def run(tmp_path: Path) -> JudgedRun:
    return made_run.make(tmp_path)


def offered(rate: float, rps: float, p99: float) -> JudgedTrial:
    latency = Percentiles(p50=p99 / 2, p99=p99)
    return judged_trial(
        Trial(engine="native", model="open", role="capacity", rate=rate, rps=rps, latency_ms=latency)
    )


def test_a_lock_is_drawn_over_the_buckets_that_were_hit() -> None:
    chart = evidence_charts.lock(EXCLUSIVE)
    assert chart is not None
    plotly.graph_objects.Figure(without_theme(chart))
    wait, hold = chart["data"]
    assert wait["x"] == ["≤ 50.0 ms", "≤ 1.00 s", "≤ 5.00 s"]
    assert wait["y"] == [3, 90, 7]
    assert hold["y"] == [20, 80, 0]
    assert wait["marker"]["pattern"]["shape"] != hold["marker"]["pattern"]["shape"]
    assert evidence_charts.bucket([0.001, 5.0], 2) == "> 5.00 s"
    assert evidence_charts.lock(LockTimes(wait=Durations(bounds_s=[1.0], counts=[0, 0], total_s=0.0))) is None


def test_a_lock_stands_by_its_lane(run: JudgedRun, tmp_path: Path) -> None:
    lane = run.lane("read/python")
    assert lane is not None
    lane.evidence.locks = {"exclusive": EXCLUSIVE}
    text = render(run, tmp_path).read_text("utf-8")
    section = text[text.index('id="lane-read-python"') : text.index('id="lane-read-native"')]
    assert "exclusive" in section
    facts = re.findall(r"<dt>(.*?)</dt> <dd>(.*?)</dd>", section)
    assert ("waited for, on average", "815 ms") in facts
    assert ("held, on average", "50.2 ms") in facts


def test_capacity_is_drawn_over_the_rate_offered() -> None:
    found = Capacity(
        rate=19.4,
        objective="p99 < 100 ms",
        tried=[
            TriedRate(rate=19.0, met=True, rps=19.0, p50_ms=35.0, p99_ms=70.0),
            TriedRate(rate=30.0, met=False, misses=["p99 is 4000 ms"], rps=19.7),
        ],
    )
    lane = made_run.lane(
        LaneResult(scenario="read", variant="native", path="/read", capacity=found),
        [offered(30.0, 19.7, 4000.0), offered(10.0, 10.0, 51.0), offered(19.0, 19.0, 70.0)],
        [],
    )
    assert evidence_charts.tried(found)[1] == ("30.0", "19.7", "—", "—", "p99 is 4000 ms")
    assert sorted(evidence_charts.capacity_facts(found)) == [("objective", "p99 < 100 ms"), ("rate", "19.4")]
    chart = evidence_charts.capacity(lane)
    assert chart is not None
    plotly.graph_objects.Figure(without_theme(chart))
    p99 = chart["data"][1]
    assert p99["x"] == [10.0, 19.0, 30.0]
    assert [symbol.endswith("-open") for symbol in p99["marker"]["symbol"]] == [False, False, True]
    assert chart["layout"]["shapes"][0]["x0"] == 19.4
    assert chart["layout"]["annotations"][0]["text"] == "19.4/s"
    lane.evidence.capacity = msgspec.structs.replace(found, rate=None)
    assert "shapes" not in (evidence_charts.capacity(lane) or {})["layout"]


def test_a_lane_that_only_its_capacity_was_sought_of_is_no_failure(run: JudgedRun, tmp_path: Path) -> None:
    lane = run.lane("read/native")
    assert lane is not None
    lane.trials = [offered(10.0, 10.0, 51.0)]
    text = render(run, tmp_path).read_text("utf-8")
    assert "was measured" in text
    row = text[text.index('data-lane="read/native"') :]
    assert "not measured" not in row[: row.index("</tr>")]
    assert '"capacity-lane-read-native"' in text


def test_every_trial_is_there_with_all_that_it_recorded(run: JudgedRun, tmp_path: Path) -> None:
    lane = run.lane("fast/native")
    assert lane is not None
    lane.trials[0].evidence.lag_ms = Percentiles(p99=0.21)
    lane.trials[0].evidence.errors = {"timeout": 2}
    lane.trials.append(made_run.trial(tmp_path, "s", (942.0, 1484.0, 180.0, "generator"), role="stock"))
    table = details.trials(lane)
    assert table is not None
    assert table.heads == ["measure 1", "stock 1"]
    cells = dict(table.rows)
    assert cells["requests/s"] == ["3,020", "942"]
    assert cells["sent late, p99"] == ["0.210 ms", "—"]
    assert cells["latency"] == ["too few answers to say whether it was steady"] * 2
    assert cells["error: timeout"] == ["2", "—"]
    assert "service p50, ms" not in cells
    assert details.trials(made_run.lane(LaneResult(scenario="a", variant="b", path="/"), [], [])) is None


def test_an_a_a_pair_gives_the_width_of_noise(run: JudgedRun, tmp_path: Path) -> None:
    lane = run.lane("cpu/native")
    assert lane is not None
    lane.trials.append(made_run.trial(tmp_path, "again", (330.0, 46.0, 5_700.0, "machine"), role="a/a"))
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
    gil = Profile(profiler="py-spy", mode="gil", gil=GilHold(samples=61, looks=100, outside_share=0.5))
    assert ("interpreter held", "61.0%") in details.profile_facts(judged_profile(gil, None))
    cut = Profile(profiler="perf", mode="on-cpu", python_frames=PythonFrames.INNERMOST)
    assert [note.partition(":")[0] for note in notes(cut)] == ["Python stacks are cut off"]
    waits = Profile(
        profiler="probe",
        mode="await",
        tasks=TaskWaits(waits_for={"asyncio.Lock": 0.98}, loop_lag_ms=Percentiles()),
    )
    assert details.profile_facts(judged_profile(waits, None))[-1] == ("waits for, asyncio.Lock", "98.0%")
    memory = judged_profile(
        Profile(
            profiler="memray",
            mode="memory",
            samples=7,
            allocations=Allocations(
                allocations_per_request=3.5,
                bytes_per_request=3_000_100.0,
                heaviest_by_bytes=[BytesOf(name="malloc", bytes_per_request=3_000_099.0)],
            ),
        ),
        None,
    )
    assert ("allocations", "7") in details.profile_facts(memory)
    assert ("allocated per request", "2.86 MiB") in details.profile_facts(memory)
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
    packed = re.findall(r'id="charts-packed">(.*?)</script>', text)[0]
    charts = json.loads(gzip.decompress(b64decode(packed)))
    assert list(charts) == ["forest-0"]


@pytest.mark.parametrize("reach", [1.0, 1.03, 1.24, 1.8, 10.0, 1e5, 1e9])
def test_the_axis_of_ratios_has_few_ticks_around_one(reach: float) -> None:
    found = ticks(reach)
    assert 1.0 in found
    assert len(found) <= 5
    assert len(found) >= 3 or reach == 1.0
    assert all(1 / reach <= tick * (1 + 1e-9) and tick <= reach * (1 + 1e-9) for tick in found)
