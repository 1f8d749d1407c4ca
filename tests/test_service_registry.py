"""One entry is enough: everything else is derived from it, and what is missing is named."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import test_service_parity as parity
from falcon.testing import TestClient
from serving import ROOT

from hotlap.analysis.judge import judge
from hotlap.analysis.rows import view
from hotlap.run.jobs import Measure, Record, Verify, plan
from hotlap.run.options import TIMINGS, Options
from hotlap.run.runner import new_run
from pyapp import experiment, native, reference
from pyapp.app import create_app
from pyapp.scenarios import SCENARIOS, SUITES, MissingPartError, Scenario, lanes, missing_parts, sum_of_ids
from pyapp.settings import Settings

SCENARIO = Scenario(
    name="twice-the-sum",
    title="Twice the sum",
    does="adds up the ids, twice",
    answer=lambda ids, settings: 2 * sum(ids),
    suite="added",
)


def python_part(store: reference.Store, settings: Settings) -> int:
    return 2 * reference.add_up(store.user_ids())


async def native_part(store: native.Store, settings: Settings) -> int:
    return 2 * store.map.user_ids().sum()


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> list[Scenario]:
    """The registry with one more scenario, which has both its functions."""
    monkeypatch.setattr(reference, "twice_the_sum", python_part, raising=False)
    monkeypatch.setattr(native, "twice_the_sum", native_part, raising=False)
    return [*SCENARIOS, SCENARIO]


def test_every_scenario_has_its_functions() -> None:
    assert missing_parts(SCENARIOS) == []


@pytest.mark.parametrize("module", [reference, native])
def test_a_missing_function_is_named(
    added: list[Scenario], monkeypatch: pytest.MonkeyPatch, module: Any
) -> None:
    monkeypatch.delattr(module, "twice_the_sum")
    sentence = f"scenario 'twice-the-sum' has no function 'twice_the_sum' in {module.__name__}"
    assert missing_parts(added) == [sentence]
    with pytest.raises(MissingPartError, match=sentence):
        create_app(Settings(), added)


def test_a_scenario_gives_routes(added: list[Scenario]) -> None:
    client = TestClient(create_app(Settings(), added))
    for path in ("/python/twice-the-sum", "/native/twice-the-sum", "/twice-the-sum"):
        response = client.simulate_get(path)
        assert (response.status_code, response.text) == (200, "12")
        assert path in client.simulate_get("/openapi.json").json["paths"]
    assert "/native/twice-the-sum" in client.simulate_get("/").text
    metrics = client.simulate_get("/metrics").text
    assert 'pyapp_request_seconds_count{scenario="twice-the-sum",variant="python"} 1' in metrics


def test_a_scenario_gives_locust_users() -> None:
    # Locust patches the interpreter that imports it, so it gets one of its own.
    code = (
        "from pyapp.experiment import users; from pyapp.scenarios import SCENARIOS, Scenario, sum_of_ids; "
        "added = Scenario(name='added-one', title='', does='', answer=sum_of_ids); "
        "print(*sorted(set(users([*SCENARIOS, added])) - set(users(SCENARIOS))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["NativeAddedOne", "PythonAddedOne"], done.stderr


def test_a_scenario_gives_parity_cases(added: list[Scenario]) -> None:
    more = [case for case in parity.cases(added) if case.id not in {known.id for known in parity.LANES}]
    assert [case.id for case in more] == ["twice-the-sum/python", "twice-the-sum/native"]
    for case in more:
        scenario, variant = case.values
        parity.test_a_lane_answers_as_the_registry_says(scenario, variant)


def test_a_scenario_gives_trials_profiles_and_report_rows(added: list[Scenario]) -> None:
    made = experiment.create_experiment(added)
    assert made.suites() == [*SUITES, "added"]
    chosen = made.select(suite="added")
    assert [lane.name for lane in chosen] == ["twice-the-sum/python", "twice-the-sum/native"]
    assert [lane.expect.body for lane in chosen] == ["12", "12"]

    options = Options(timing=TIMINGS["default"])
    jobs = {(type(job), job.lane.name) for job in plan(made, chosen, options)}
    assert jobs >= {(kind, lane.name) for kind in (Verify, Measure, Record) for lane in chosen}

    rows = view(judge(new_run(made, chosen, options))).rows
    assert [row.name for row in rows] == [lane.name for lane in chosen]


def test_the_experiment_is_the_article_by_default() -> None:
    made = experiment.experiment
    assert [lane.name for lane in made.select()] == [f"{s.name}/{v}" for s, v in lanes(SCENARIOS)][:8]
    assert made.lane("cpu/native").expect.body == "500005500000"
    assert ("cpualloc/native", "cpu/native") in made.diffs
    assert made.reference["read"] == {"rps": 19.5, "latency_ms": 18_000.0}


def test_the_experiment_follows_the_environment() -> None:
    code = (
        "from pyapp.experiment import experiment as e; print(e.lane('cpu/native').expect.body, e.server.env)"
    )
    command = [sys.executable, "-c", code]
    env = {**os.environ, "PYAPP_ITERATIONS": "10"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("105 ")
    assert "'PYAPP_ITERATIONS': '10'" in done.stdout
    env["PYAPP_ITERATIONS"] = "x"
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert "ExperimentError: PYAPP_ITERATIONS=x: Expected `int`" in done.stderr


def test_a_scenario_may_have_one_variant_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "alone", python_part, raising=False)
    alone = Scenario(name="alone", title="Alone", does="adds", answer=sum_of_ids, variants=("python",))
    client = TestClient(create_app(Settings(), [alone]))
    assert client.simulate_get("/alone").text == client.simulate_get("/python/alone").text == "12"
    assert client.simulate_get("/native/alone").status_code == 404


def imported(file: Path) -> set[str]:
    """The packages that a module imports, wherever it does."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def test_the_service_and_the_lab_stand_on_their_own() -> None:
    using = {file.name for file in (ROOT / "pyapp").glob("*.py") if "hotlap" in imported(file)}
    assert using == {"experiment.py"}
    lab = (ROOT / "hotlap/python/hotlap").rglob("*.py")
    assert [file for file in lab if "pyapp" in imported(file)] == []
