"""Settings for development: said once for the run, with the lanes that they make doubtful."""

from __future__ import annotations

import pytest

from hotlap.analysis import rows
from hotlap.analysis.judge import judge
from hotlap.analysis.rules.serving import SETTINGS
from hotlap.evidence.debugging import DebugSetting, SettingKind
from hotlap.evidence.load import Trial
from hotlap.run.result import LaneResult, RunResult


def lane(scenario: str, *kinds: SettingKind) -> LaneResult:
    measured = Trial(engine="native", model="closed", requests=1000, failures=0, rps=100.0)
    settings = [DebugSetting(kind=kind, seen="shop.settings") for kind in kinds]
    return LaneResult(scenario=scenario, variant="x", path="/", trials=[measured], debug_settings=settings)


def run(*lanes: LaneResult) -> RunResult:
    return RunResult(created="2026-01-01T00:00:00+00:00", lanes=list(lanes))


def test_each_setting_says_how_it_is_turned_off() -> None:
    assert set(SETTINGS) == set(SettingKind)


@pytest.mark.parametrize("kind", [kind for kind in SettingKind if kind is not SettingKind.UNOPTIMISED_PYTHON])
def test_a_setting_makes_its_row_doubtful_and_is_named(kind: SettingKind) -> None:
    made = judge(run(lane("a", kind), lane("b")))
    (hit,) = made.doubts
    what, remedy = SETTINGS[kind]
    assert hit.severity == "doubtful"
    assert hit.sentence == f"a/x was served with {what} (shop.settings): {remedy}, and measure anew"
    marks = {row.name: row.mark for row in rows.view(made).rows}
    assert marks == {"a/x": "doubtful", "b/x": "ok"}


def test_figures_of_a_slow_python_are_true_of_it() -> None:
    made = judge(run(lane("a", SettingKind.UNOPTIMISED_PYTHON), lane("b")))
    assert made.doubts == []
    (hit,) = made.findings
    assert hit.sentence.startswith(
        "a/x was served with a Python that was built without --enable-optimizations"
    )
    assert {row.mark for row in rows.view(made).rows} == {"ok"}


def test_it_is_said_once_for_all_lanes() -> None:
    django = SettingKind.DJANGO_DEBUG
    made = judge(run(lane("a", django), lane("b", django)))
    (hit,) = made.doubts
    assert hit.sentence.startswith("both lanes were served with Django's DEBUG = True")
    assert hit.lanes == ["a/x", "b/x"]
    assert [row.reasons for row in rows.view(made).rows] == [[], []]
    several = judge(run(*(lane(name, django) for name in "abcde"), lane("f")))
    assert several.doubts[0].sentence.startswith("a/x, b/x, c/x and 2 more were served with")


def test_nothing_is_said_where_nothing_was_on_or_nobody_looked() -> None:
    blind = lane("b")
    blind.debug_settings = None
    made = judge(run(lane("a"), blind))
    assert (made.doubts, made.findings) == ([], [])
