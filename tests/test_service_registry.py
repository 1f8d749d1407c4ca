"""One entry is enough: everything else is derived from it, and what is missing is named."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import test_service_parity as parity
from falcon.testing import TestClient
from serving import ROOT

from hotlap.analysis.judge import judge
from hotlap.analysis.rows import view
from hotlap.run.jobs import Measure, Record, Verify, plan
from hotlap.run.options import TIMINGS, Options
from hotlap.run.runner import new_run
from pyapp import experiment, native, python
from pyapp.app import create_app
from pyapp.scenarios import SCENARIOS, Scenario, Writes, lanes, sum_of_ids
from pyapp.settings import Settings


def python_part(store: python.Store, settings: Settings) -> int:
    return 2 * python.add_up(store.user_ids())


async def native_part(store: native.Store, settings: Settings) -> int:
    return 2 * store.map.user_ids().sum()


ADDED: list[Scenario[Any, Any]] = [
    *SCENARIOS,
    Scenario(
        name="twice-the-sum",
        title="Twice the sum",
        summary="adds up the ids, twice",
        answer=lambda ids, settings: 2 * sum(ids),
        python=python_part,
        native=native_part,
        suite="added",
    ),
]
"""The registry with one more scenario."""


def test_the_type_checker_refuses_a_scenario_with_the_wrong_function(tmp_path: Path) -> None:
    """What a registry by names had to find out at run time, mypy knows: a function that is not there, is another
    variant's, or was forgotten."""
    source = """
        from pyapp import native, python
        from pyapp.scenarios import Scenario, Writes, sum_of_ids

        right: Scenario[python.Store, native.Store] = Scenario(
            name="x", title="", summary="", answer=sum_of_ids, python=python.fast, native=native.fast
        )
        swapped: Scenario[python.Store, native.Store] = Scenario(
            name="x", title="", summary="", answer=sum_of_ids, python=native.fast, native=python.fast
        )
        missing: Scenario[python.Store, native.Store] = Scenario(
            name="x", title="", summary="", answer=sum_of_ids, python=python.nowhere, native=native.fast
        )
        forgotten: Scenario[python.Store, native.Store] = Scenario(
            name="x", title="", summary="", answer=sum_of_ids, python=python.fast
        )
        half_written: Scenario[python.Store, native.Store] = Scenario(
            name="x", title="", summary="", answer=sum_of_ids, python=python.fast, native=native.fast,
            writes=Writes(share=0.1, python=python.fast)
        )
        swapped_writes: Scenario[python.Store, native.Store] = Scenario(
            name="x", title="", summary="", answer=sum_of_ids, python=python.fast, native=native.fast,
            writes=Writes(share=0.1, python=native.fast, native=python.fast)
        )
    """
    file = tmp_path / "added.py"
    file.write_text(textwrap.dedent(source))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    wrong = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    assert wrong == {9, 12, 14, 19, 23}, done.stdout


def test_a_scenario_gives_routes() -> None:
    client = TestClient(create_app(Settings(), ADDED))
    for path in ("/python/twice-the-sum", "/native/twice-the-sum", "/twice-the-sum"):
        response = client.simulate_get(path)
        assert (response.status_code, response.text) == (200, "12")
        assert path in client.simulate_get("/openapi.json").json["paths"]
    assert "/native/twice-the-sum" in client.simulate_get("/").text
    metrics = client.simulate_get("/metrics").text
    assert 'pyapp_request_seconds_count{scenario="twice-the-sum",variant="python"} 1' in metrics


def written(share: float = 0.25) -> Scenario[python.Store, native.Store]:
    """A scenario that is written to in one of its variants."""
    return Scenario(
        name="written",
        title="Written",
        summary="adds up the ids, twice",
        answer=lambda ids, settings: 2 * sum(ids),
        python=python_part,
        native=native_part,
        writes=Writes(share=share, python=None, native=native_part),
    )


def test_what_a_scenario_writes_is_a_put_on_its_path() -> None:
    client = TestClient(create_app(Settings(), [written()]))
    for path in ("/native/written", "/written"):
        assert client.simulate_put(path).text == "12"
        assert "put" in client.simulate_get("/openapi.json").json["paths"][path]
    refused = client.simulate_put("/python/written")
    assert refused.status_code == 405
    assert "PUT" not in refused.headers["allow"]
    assert "put" not in client.simulate_get("/openapi.json").json["paths"]["/python/written"]

    read_only = TestClient(create_app(Settings(read_only=True), [written()]))
    assert read_only.simulate_put("/native/written").status_code == 405
    assert "put" not in read_only.simulate_get("/openapi.json").json["paths"]["/native/written"]


def test_what_a_scenario_writes_is_a_share_of_its_lanes_load() -> None:
    made = experiment.create_experiment([written(0.25)])
    writes = made.lane("written/native").writes
    assert writes is not None
    assert (writes.share, writes.expect.body) == (0.25, "12")
    assert made.lane("written/python").writes is None
    read_only = experiment.create_experiment([written()], Settings(read_only=True))
    assert read_only.lane("written/native").writes is None


def test_a_scenario_gives_parity_cases() -> None:
    more = [case for case in parity.cases(ADDED) if case.id not in {known.id for known in parity.LANES}]
    assert [case.id for case in more] == ["twice-the-sum/python", "twice-the-sum/native"]
    for case in more:
        scenario, variant = case.values
        parity.test_a_lane_answers_as_the_registry_says(scenario, variant)


def test_a_scenario_gives_trials_profiles_and_report_rows() -> None:
    made = experiment.create_experiment(ADDED)
    assert made.suites() == ["article", "added"]
    chosen = made.select(suite="added")
    assert [lane.name for lane in chosen] == ["twice-the-sum/python", "twice-the-sum/native"]
    assert [lane.expect.body for lane in chosen] == ["12", "12"]

    options = Options(timing=TIMINGS["default"])
    jobs = {(type(job), job.lane.name) for job in plan(made, chosen, options)}
    assert jobs >= {(kind, lane.name) for kind in (Verify, Measure, Record) for lane in chosen}

    rows = view(judge(new_run(made, chosen, options))).rows
    assert [row.name for row in rows] == [lane.name for lane in chosen]


def test_the_experiment_is_the_article() -> None:
    made = experiment.experiment
    assert made.suites() == ["article"]
    assert [lane.name for lane in made.select()] == [f"{s.name}/{v}" for s, v in lanes(SCENARIOS)]
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


def test_a_scenario_may_have_one_variant_only() -> None:
    alone: Scenario[Any, Any] = Scenario(
        name="alone", title="Alone", summary="adds", answer=sum_of_ids, python=python_part, native=None
    )
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
    for alone in ("hotlap/python/hotlap", "falcon_rsgi"):
        files = list((ROOT / alone).rglob("*.py"))
        assert files
        assert [file for file in files if {"pyapp", "ladder"} & imported(file)] == []
    assert [file for file in (ROOT / "pyapp").glob("*.py") if "ladder" in imported(file)] == []
    for file in (ROOT / "locust").glob("*.py"):
        assert imported(file) <= {"locust", "read", "fast", "cpu", "cpualloc"}
