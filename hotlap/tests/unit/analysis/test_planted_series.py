"""The series that measures how often comparisons are wrong: what it counts, on runs whose answer is known."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from places import ROOT

from hotlap.analysis.judge import judge
from hotlap.analysis.judged import JudgedRun
from hotlap.evidence.load import Trial
from hotlap.run.result import LaneResult, RunResult

FILE = ROOT / "benchmarks" / "planted" / "series.py"


@pytest.fixture(scope="module")
def series() -> ModuleType:
    spec = importlib.util.spec_from_file_location("series", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made(rng: np.random.Generator, *, planted: bool) -> JudgedRun:
    lanes = []
    for variant, factor in (("a", 1.0), ("again", 1.0), ("slower", 1.2))[: 3 if planted else 2]:
        figures: Any = 2000 * factor * np.exp(rng.normal(0, 0.01, 7))
        trials = [
            Trial(
                engine="native",
                model="closed",
                repeat=place,
                requests=1000,
                server_cpu_us_per_request=float(value),
            )
            for place, value in enumerate(figures)
        ]
        lanes.append(LaneResult(scenario="sum", variant=variant, path="/", trials=trials))
    return judge(RunResult(created="", lanes=lanes))


def test_what_is_planted_is_counted_and_what_is_equal_is_not(series: ModuleType) -> None:
    rng = np.random.default_rng(1)
    runs = [made(rng, planted=number % 2 == 1) for number in range(8)]
    alarms: dict[str, Any] = {}
    seen: dict[str, Any] = {}
    for run in runs:
        series.count(run, "again", alarms)
        if run.lane("sum/slower") is not None:
            series.count(run, "slower", seen)
    cpu = "Server CPU per request"
    assert (alarms[cpu].said, alarms[cpu].of) == (0, 8)
    assert (seen[cpu].said, seen[cpu].of) == (4, 4)
    assert alarms[series.ANY].of == 8
    low, high = seen[cpu].interval()
    assert (round(low, 3), high) == (0.398, 1.0)
    drawn = series.draw(runs, "slower", 20)
    assert (drawn[cpu].said, drawn[cpu].of) == (20, 20)
    text = series.table(alarms, seen, series.draw(runs, "again", 20), drawn)
    assert f"| {cpu} | 0 of 8 | 0.0% to 36.9% | 4 of 4 | 39.8% to 100.0% | 0.0%, 100.0% |" in text


def test_a_series_ends_in_time(series: ModuleType, tmp_path: Path) -> None:
    """No run is started that would end after the minutes that are given."""
    assert list(series.measure(tmp_path, 20, 10, minutes=0.1)) == []


def test_a_series_goes_on_where_it_was(series: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "000").mkdir()
    (tmp_path / "000" / "run.json").write_text("{}")
    assert [folder.name for folder in series.measure(tmp_path, 20, 10, minutes=0.0)] == ["000"]
