"""``hotlap history``: what it reads, what it lists, and its page."""

from __future__ import annotations

import math
import random
import re
from pathlib import Path
from urllib.parse import unquote

import made_run
import plotly.graph_objects
import pytest
from click.testing import CliRunner
from made_run import without_theme

from hotlap.analysis import history
from hotlap.cli import main
from hotlap.report.html import trends


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_run.history(tmp_path_factory.mktemp("runs"))


def test_runs_are_read_in_the_order_in_which_they_were_made(runs: Path) -> None:
    found = history.read(runs)
    assert [entry.folder.name for entry in found.entries] == ["run 0", "run 1", "run 2"]
    assert [(entry.ok, entry.void, entry.failed) for entry in found.entries] == [
        (8, 0, 0),
        (8, 0, 0),
        (6, 1, 1),
    ]
    assert [entry.report is not None for entry in found.entries] == [True, False, True]
    assert found.entries[0].machine == "Made CPU, 2 cores"
    [(path, why)] = found.unreadable
    assert path.name == "cut"
    assert "is cut off" in why
    assert [page.name for page in found.comparisons] == ["compare.html"]
    assert [mark.status for mark in found.lanes["fast/python"]] == ["ok", "ok", "void"]
    assert found.lanes["cpu/python"][2].figures == dict.fromkeys(history.FIGURES)


def test_an_interval_needs_repeats() -> None:
    assert history.estimate([None, None]) is None
    assert history.estimate([5.0]) == history.Estimate(value=pytest.approx(5.0))
    found = history.estimate([90.0, 100.0, None, 110.0])
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.value == pytest.approx((90 * 100 * 110) ** (1 / 3))
    assert found.low < 90 < 110 < found.high
    assert math.sqrt(found.low * found.high) == pytest.approx(found.value)
    assert history.estimate([50.0, 50.0]) == history.Estimate(
        value=pytest.approx(50.0), low=pytest.approx(50.0), high=pytest.approx(50.0)
    )


def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    chance = random.Random(7)
    held = 0
    for _ in range(400):
        found = history.estimate([math.exp(chance.gauss(math.log(100), 0.1)) for _ in range(5)])
        assert found is not None
        held += (found.low or 0) <= 100 <= (found.high or 0)
    assert 0.92 <= held / 400 <= 0.98


def test_a_trend_shows_void_runs_hollow_and_intervals_as_bars(runs: Path) -> None:
    found = history.read(runs)
    lanes = {name: found.lanes[name] for name in ("fast/python", "fast/native")}
    chart = trends.trend(found, lanes, "server_cpu_us_per_request")
    assert chart is not None
    plotly.graph_objects.Figure(without_theme(chart))
    python, native = chart["data"]
    assert python["marker"]["symbol"] == ["circle", "circle", "circle-open"]
    assert native["error_y"]["array"][:2] == [0, 0]
    assert native["error_y"]["array"][2] > 0
    assert chart["layout"]["xaxis"]["ticktext"] == [f"#{number + 1}<br>{number}dca656" for number in range(3)]


def test_the_command_lists_the_runs_and_writes_the_page(runs: Path, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    done = CliRunner().invoke(main, ["history", str(runs), "--lane", "cpu/native", "-o", str(page)])
    assert done.exit_code == 0, done.output
    assert "3 runs" in done.output
    assert "6 ok, 1 void" in " ".join(done.output.split())
    assert "left out" in done.output
    assert page.exists()
    assert CliRunner().invoke(main, ["history", str(runs), "--lane", "no/lane"]).exit_code == 2
    empty = tmp_path / "empty"
    empty.mkdir()
    said = CliRunner().invoke(main, ["history", str(empty)])
    assert said.exit_code == 2
    assert "hotlap run" in said.output


def test_a_page_elsewhere_links_back_to_the_runs(runs: Path, tmp_path: Path) -> None:
    page = trends.render_history(history.read(runs), tmp_path / "index.html")
    links = re.findall(r'href="([^"]+)">Report', page.read_text("utf-8"))
    assert [(tmp_path / unquote(link)).resolve() for link in links] == [
        (runs / "deep" / f"run {number}" / "report.html").resolve() for number in (2, 0)
    ]
