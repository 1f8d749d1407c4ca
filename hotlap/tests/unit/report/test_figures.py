"""The report's figures and rows: computed purely from a run."""

from __future__ import annotations

import copy
import gzip
from base64 import b64decode
from pathlib import Path
from typing import Any

import made_run
import plotly.graph_objects
import pytest

from hotlap import formatting
from hotlap.analysis import rows as aggregate
from hotlap.analysis.judged import JudgedProfile, JudgedRun
from hotlap.analysis.profiles import judged_profile
from hotlap.analysis.trials import judged_trial
from hotlap.evidence.load import Trial
from hotlap.evidence.profile import Frame, Line, Profile
from hotlap.evidence.service import StatementCounts
from hotlap.report.html import assets, charts, details
from hotlap.run.result import RuleHit, Verdict


@pytest.fixture
def run(tmp_path: Path) -> JudgedRun:
    return made_run.make(tmp_path)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "—"),
        (float("nan"), "—"),
        (0, "0"),
        (5424.18, "5,424"),
        (1_310_000.0, "1,310,000"),
        (19.52, "19.5"),
        (1.0, "1.00"),
        (0.04167, "0.0417"),
        (-3.2, "-3.20"),
    ],
)
def test_a_figure_has_three_digits_that_count(value: float | None, shown: str) -> None:
    assert formatting.number(value) == shown


def test_other_figures_carry_their_unit() -> None:
    assert [formatting.ratio(each) for each in (None, 1.0249, 68.23, 0.97)] == [
        "—",
        "1.02×",
        "68.2×",
        "0.97×",
    ]
    assert [formatting.seconds(each) for each in (None, 0, 3.2e-5, 0.05, 2.5, 240)] == [
        "—", "0 s", "32.0 µs", "50.0 ms", "2.50 s", "4.00 min",
    ]  # fmt: skip
    assert [formatting.size(each) for each in (None, 512, 58_400_000, 2**34)] == [
        "—",
        "512 B",
        "55.7 MiB",
        "16.0 GiB",
    ]
    assert formatting.percent(0.0213) == "2.1%"
    assert formatting.count(None) == "—"
    assert formatting.microseconds(5_480) == "5.48 ms"
    assert [formatting.short(each) for each in ("1.00 s", "0.100", "10.0 ms", "100", "1,000")] == [
        "1 s", "0.1", "10 ms", "100", "1,000",
    ]  # fmt: skip


def test_statements_become_sentences() -> None:
    assert formatting.sentence("requests to /read wait") == "Requests to /read wait."
    assert formatting.sentence("cpu/native needs less") == "cpu/native needs less."
    assert formatting.sentence("Is it so?") == "Is it so?"
    assert formatting.sentence("") == ""
    assert [formatting.change(each) for each in (None, 0.0, 3.0, -9088.0)] == [
        "—",
        "0",
        "+3.00",
        "\u22129,088",
    ]


def test_rows_stand_by_scenario_with_the_baseline_first(run: JudgedRun) -> None:
    run.lanes.reverse()
    view = aggregate.view(run)
    assert [row.name for row in view.rows] == [
        f"{scenario}/{variant}"
        for scenario in ("cpu", "cpualloc", "fast", "read")
        for variant in ("python", "native")
    ]
    assert view.counts == {"ok": 8, "void": 0, "failed": 0}


def test_speed_up_is_over_the_baseline_in_both_figures(run: JudgedRun) -> None:
    rows = {row.name: row for row in aggregate.view(run).rows}
    assert rows["cpu/python"].speedup_of is None
    assert rows["cpu/native"].speedup_of == "python"
    assert rows["cpu/native"].speedup_cpu == pytest.approx(371_000 / 5_480)
    assert rows["cpu/native"].speedup_rps == pytest.approx(342 / 2.61)


def test_no_speed_up_rests_on_a_lane_that_is_void_or_was_not_measured(run: JudgedRun) -> None:
    rows = {row.name: row for row in aggregate.view(made_run.spoil(run)).rows}
    assert (rows["fast/python"].status, rows["cpu/python"].status) == ("void", "failed")
    for name in ("fast/native", "cpu/native"):
        assert rows[name].status == "ok"
        assert rows[name].speedup_cpu is rows[name].speedup_rps is rows[name].speedup_of is None


def test_what_was_not_measured_is_never_a_zero(run: JudgedRun) -> None:
    lane = run.lane("read/python")
    assert lane is not None
    lane.trials = [judged_trial(Trial(engine="native", model="closed"))]
    row = aggregate.row(lane)
    assert set(row.figures.values()) == {None}
    assert row.requests is row.failures is row.limited_by is None
    lane.trials = [judged_trial(Trial(engine="native", model="closed", requests=0, rps=0.0, failures=3))]
    row = aggregate.row(lane)
    assert (row["rps"], row.requests, row.failures, row.status) == (None, 0, 3, "ok")
    lane.trials = []
    assert aggregate.row(lane).status == "failed"
    assert aggregate.row(lane).error == "no trial of this lane was measured"


def test_repeated_trials_give_medians_and_sums(run: JudgedRun, tmp_path: Path) -> None:
    lane = run.lane("cpu/native")
    assert lane is not None
    lane.trials = []
    for number, rps in enumerate((300.0, 900.0, 330.0)):
        made = (rps, 46.0 + number, 5_000.0, "server")
        lane.trials.append(made_run.trial(tmp_path, f"again-{number}", made, repeat=number, failures=number))
    lane.trials.append(made_run.trial(tmp_path, "noise", (1.0, 1.0, 1.0, "load"), role="a/a"))
    row = aggregate.row(lane)
    assert row["rps"] == 330.0
    assert row.failures == 3
    assert row["max"] == lane.trials[2].latency_ms.max
    assert (row.trials, row.limited_by) == (3, "server")


def test_what_stock_locust_said_stands_apart(run: JudgedRun, tmp_path: Path) -> None:
    lane = run.lane("fast/native")
    assert lane is not None
    lane.trials.append(
        made_run.trial(tmp_path, "stock", (942.0, 1484.0, 180.0, "generator"), role="stock", engine="http")
    )
    view = aggregate.view(run)
    row = next(row for row in view.rows if row.name == "fast/native")
    assert view.has_stock
    assert row.stock is not None
    assert (row.stock.engine, row.stock.rps) == ("http", 942.0)
    assert row["rps"] == 3020.0


def test_a_verdict_of_doubt_does_not_void_a_lane(run: JudgedRun) -> None:
    lane = run.lane("cpu/native")
    assert lane is not None
    doubt = RuleHit(name="noise", scope="lane", severity="doubtful", sentence="It was noisy.")
    lane.verdict = Verdict(rules=[doubt])
    row = aggregate.row(lane)
    assert (row.status, row.mark, row.word) == ("ok", "doubtful", "ok, doubtful")
    assert row.reasons == [doubt]


def test_a_verdict_tells_of_doubtful_profiles(run: JudgedRun) -> None:
    lane = made_run.of(made_run.spoil(run), "cpu/native")
    row = aggregate.row(lane)
    assert (row.status, row.mark, row.word) == ("ok", "doubtful", "ok, doubtful on-cpu profile")
    assert row.reasons == []
    again = copy.deepcopy(lane.profiles[0])
    again.evidence.mode = "gil"
    lane.profiles.append(again)
    assert aggregate.row(lane).word == "ok, 2 doubtful profiles"
    lane.verdict = Verdict(
        rules=[RuleHit(name="noise", scope="lane", severity="doubtful", sentence="It was noisy.")]
    )
    assert aggregate.row(lane).word == "ok, doubtful, 2 doubtful profiles"
    # One that failed is not doubtful: there is none.
    assert aggregate.row(made_run.of(run, "read/native")).word == "ok"


@pytest.mark.parametrize("name", ["[vdso]", "[[vdso]]"])
def test_the_clock_by_itself_does_not_lead_the_table(name: str) -> None:
    found = [
        Frame(name=name, kind="c", self_value=90, total_value=90),
        Frame(name="work", kind="python", self_value=10, total_value=10),
    ]
    profile = Profile(profiler="py-spy", mode="on-cpu", samples=100, total=100.0, frames=found)
    told = aggregate.heaviest(JudgedProfile(evidence=profile, frames=profile.frames))
    assert [(one.name, one.own) for one in told] == [("work", 0.1), ("[vdso]", 0.9)]


def test_heaviest_functions_are_shares_of_the_whole_by_their_own_time() -> None:
    profile = Profile(
        profiler="py-spy",
        mode="on-cpu",
        samples=200,
        frames=[
            Frame(name="main", kind="python", self_value=0, total_value=200),
            Frame(
                name="malloc (malloc.c:1)", kind="c", self_value=150, total_value=150, location="malloc.c:1"
            ),
        ],
    )
    judged = judged_profile(profile, None)
    [only] = aggregate.heaviest(judged)
    assert only == aggregate.Function(name="malloc", kind="c", own=0.75, total=0.75, location="malloc.c:1")
    profile.total = 300
    assert aggregate.heaviest(judged)[0].own == 0.5
    assert aggregate.heaviest(judged_profile(Profile(profiler="py-spy", mode="on-cpu"), None)) == []


@pytest.mark.parametrize("name", ["[vdso]", "[[vdso]]"])
def test_the_clock_of_nobody_leads_no_table(name: str) -> None:
    frames = [
        Frame(name=name, kind="c", self_value=80, total_value=80),
        Frame(name="fold", kind="python", self_value=20, total_value=100),
        Frame(name="[libblas.so.3]", kind="c", self_value=60, total_value=60),
    ]
    judged = judged_profile(Profile(profiler="py-spy", mode="on-cpu", total=160, frames=frames), None)
    found = aggregate.heaviest(judged)
    assert [one.name for one in found] == ["[libblas.so.3]", "fold", "[vdso]"]
    assert found[-1].own == 0.5


def test_a_name_makes_one_fragment() -> None:
    assert aggregate.anchor("lane", "cpu/native") == "lane-cpu-native"
    assert aggregate.anchor("lane", '"><script>') == "lane-script"


def test_a_percentile_curve_is_read_and_thinned(tmp_path: Path) -> None:
    path = made_run.histogram(tmp_path, "x", 50.0, 10**7)
    curve = assets.percentile_curve((tmp_path / path).read_bytes(), limit=40)
    assert len(curve) == 40
    assert curve == sorted(curve)
    assert (curve[0][0], curve[-1][0]) == (0.0, 1.0)
    assert assets.percentile_curve(b"\xff nonsense\n1 2 3 4\nnan 0.5 1 2\n") == []


def test_files_are_read_from_within_the_run_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "inside").write_text("inside")
    (folder / "link").symlink_to(tmp_path / "secret")
    assert assets.read_inside(folder, "inside") == b"inside"
    for path in ("../secret", str(tmp_path / "secret"), "link", "missing", ".", None):
        assert assets.read_inside(folder, path) is None


def test_packing_repeats_exactly() -> None:
    packed = assets.pack(b"<svg/>" * 1000)
    assert packed == assets.pack(b"<svg/>" * 1000)
    assert gzip.decompress(b64decode(packed)) == b"<svg/>" * 1000


def test_charts_are_valid_for_plotly(run: JudgedRun, tmp_path: Path) -> None:
    view = aggregate.view(made_run.spoil(run))
    order = charts.variants(view)
    assert order == ["python", "native"]
    drawn = [charts.span(view, key) for key in ("rps", "server_cpu_us_per_request")]
    for scenario in view.scenarios:
        lanes = [lane for row in scenario.rows if (lane := run.lane(row.name)) and lane.trials]
        curves = {
            lane.name: assets.percentile_curve(
                (tmp_path / str(lane.trials[0].evidence.histogram)).read_bytes()
            )
            for lane in lanes
        }
        drawn.append(charts.latency(scenario, order, curves))
        drawn.append(
            charts.over_time(scenario, order, {lane.name: lane.trials[0].evidence.series for lane in lanes})
        )
    for chart in drawn:
        assert chart is not None
        plotly.graph_objects.Figure(made_run.without_theme(chart))


def test_a_run_of_one_variant_draws_it_once(run: JudgedRun) -> None:
    run.evidence.settings.baseline = run.evidence.settings.candidate = "native"
    assert charts.variants(aggregate.view(run)) == ["native", "python"]


def test_nothing_to_draw_is_no_chart(run: JudgedRun) -> None:
    for lane in run.lanes:
        lane.trials = []
    view = aggregate.view(run)
    assert charts.span(view, "rps") is None
    assert charts.latency(view.scenarios[0], ["python", "native"], {}) is None
    assert charts.over_time(view.scenarios[0], ["python", "native"], {}) is None


def test_a_void_lane_is_drawn_hollow_and_variants_differ_in_more_than_colour(run: JudgedRun) -> None:
    chart = charts.span(aggregate.view(made_run.spoil(run)), "rps")
    assert chart is not None
    _, python, native = chart["data"]
    assert python["marker"]["symbol"][python["y"].index("fast")] == "circle-open"
    assert set(native["marker"]["symbol"]) == {"diamond"}
    assert "cpu" not in python["y"]
    assert len({charts.style(index)[part] for index in range(5) for part in (1,)}) == 5
    assert len({charts.style(index)[2] for index in range(5)}) == 5


def test_a_function_of_several_lines_is_one_row_with_its_lines() -> None:
    lines = [
        Line(place=f"app.py:{line}", self_value=own, total_value=own)
        for line, own in ((58, 8.0), (27, 4.0), (7, 0.0))
    ]
    seen = Profile(
        profiler="py-spy",
        mode="on-cpu",
        total=20.0,
        frames=[
            Frame(
                name="fold (app.py)",
                kind="python",
                self_value=12.0,
                total_value=12.0,
                location="app.py:58",
                lines=lines,
            ),
            Frame(
                name="main (app.py:1)", kind="python", self_value=8.0, total_value=20.0, location="app.py:1"
            ),
        ],
    )
    fold, main = aggregate.heaviest(judged_profile(seen, None))
    assert (fold.name, fold.own, fold.lines) == ("fold", 0.6, [("app.py:58", 0.4), ("app.py:27", 0.2)])
    assert (main.name, main.lines) == ("main", [])


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ({"samples": 74, "total": 28.0, "waiting": 46.0}, "28 of 74: 46 waited"),
        ({"samples": 28, "total": 28.0, "waiting": 0.0}, "28"),
        ({"samples": 30, "total": 28.0}, "28 of 30"),
        ({"samples": 74, "total": 9e6, "unit": "µs"}, "74"),
        ({}, None),
    ],
)
def test_a_profile_has_one_count_of_samples(seen: dict[str, Any], told: str | None) -> None:
    facts = dict(
        details.profile_facts(judged_profile(Profile(profiler="py-spy", mode="on-cpu", **seen), None))
    )
    assert facts.get("samples") == told


def test_names_are_neither_markup_nor_colours_in_a_chart(run: JudgedRun) -> None:
    for lane in run.lanes:
        lane.evidence.scenario = {"read": "$ink", "fast": "<b>bold</b>"}.get(
            lane.evidence.scenario, lane.evidence.scenario
        )
    chart = charts.span(aggregate.view(run), "rps")
    assert chart is not None
    names = {name for trace in chart["data"] for name in trace["y"] if name}
    assert names == {"&#36;ink", "&lt;b&gt;bold&lt;/b&gt;", "cpualloc", "cpu"}


def test_statements_that_a_debug_mode_adds_are_told_apart() -> None:
    sent = StatementCounts(per_request=31.0, repeated=[])
    assert details.statement_facts(sent) == [("a request", "31.0")]
    added = StatementCounts(per_request=31.0, repeated=[], added_per_request=31.0)
    assert details.statement_facts(added)[1:] == [("added by the debug mode", "31.0")]
