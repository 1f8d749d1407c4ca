"""Servers that listen in the file system: started with ``{socket}``, or running already."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import hotlap

from hotlap.analysis import judge
from hotlap.experiment.config import load_experiment
from hotlap.serving.client import NoReplyError, get
from hotlap.serving.server import served

APP = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello 0"})
"""
EXPERIMENT = """
command = "{python} -m uvicorn shop:app --uds {socket} --log-level warning"
[scenarios.hello]
path = "/hello"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "hotlap.toml").write_text(EXPERIMENT)
    return tmp_path


def test_a_command_with_a_socket_is_measured_there(folder: Path) -> None:
    done = hotlap(folder, "run", "--profiles", "none", "--time", "1", "--out", "run")
    assert done.returncode == 0, done.stdout + done.stderr
    (lane,) = judge.read(folder / "run").lanes
    assert lane.evidence.verified is not None
    # The zero in its body is not the server's port, which it has none of.
    assert lane.evidence.verified.held == "body"
    assert not lane.evidence.verified.holds_port
    seen = lane.trials[0].evidence
    assert seen.failures == 0
    assert seen.requests
    assert seen.server_cpu_us_per_request


def test_one_that_runs_already_is_named_by_its_path(folder: Path) -> None:
    experiment, _ = load_experiment(folder)
    with served(experiment) as running:
        assert running.url.startswith("unix:/")
        assert get(running.url, "/", None, 5.0) == (200, b"hello 0")
        (folder / "hotlap.toml").write_text(f'url = "{running.url}"\n[scenarios.hello]\npath = "/"\n')
        words = ("--headless", "--time", "1", "--users", "2", "--json", "out.json")
        done = hotlap(folder, "swarm", "hello/app", *words)
        assert done.returncode == 0, done.stderr
        stock = hotlap(folder, "swarm", "hello/app", "--engine", "http", *words)
    total = json.loads((folder / "out.json").read_text())["total"]
    assert total["failed"] == 0
    assert total["answered"] > 0
    assert stock.returncode != 0
    assert "is loaded by the native engine alone" in stock.stderr
    with pytest.raises(NoReplyError, match="cannot connect"):
        get(running.url, "/", None, 5.0)


def test_a_command_without_a_place_is_refused(folder: Path) -> None:
    (folder / "hotlap.toml").write_text('command = "python -m shop"\n[scenarios.a]\npath = "/"\n')
    done = hotlap(folder, "run", "--dry-run")
    assert done.returncode == 2
    assert "{port} where the port goes, or {socket} for a Unix socket" in done.stderr
