"""The tutorial on traffic is followed as it is written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tutorials import DOCS, asked, write_files

from hotlap.analysis import judge
from hotlap.experiment.config import load_experiment
from hotlap.serving.server import served


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with the files that the tutorial shows."""
    found = write_files("traffic.md", tmp_path)
    assert {"shop.py", "make_data.py", "hotlap.toml", "locustfile.py"} <= found
    return tmp_path


@pytest.mark.parametrize(("folder", "lanes"), [(".", 3), ("members", 1)])
def test_the_shops_are_measured(written: Path, folder: str, lanes: int) -> None:
    done = asked(written / folder, "hotlap", "run", "--out", "run", "--time", "1", "--profiles", "none")
    assert done.returncode == 0, done.stdout + done.stderr
    made = judge.read(written / folder / "run")
    assert len(made.lanes) == lanes
    for lane in made.lanes:
        failed = [rule.sentence for rule in lane.verdict.rules if rule.name in ("failures", "not-measured")]
        assert not failed
        assert lane.evidence.verified is not None
        assert lane.evidence.verified.held == "expected"
        for trial in lane.trials:
            seen = trial.evidence
            assert seen.failures == 0
            assert seen.requests
            assert seen.parsed
            if folder == ".":
                assert seen.parsed == seen.requests
            else:
                assert {"order", "look"} <= set(seen.by_name)
                assert seen.flows["order/app"].requests > 0
                assert seen.flows["order/app"].failures == 0


@pytest.mark.parametrize(
    ("folder", "rows"),
    [
        (".", {"GET /items/{id}", "GET /search?q={word}"}),
        ("members", {"POST log in", "POST order", "GET look", "FLOW order"}),
    ],
)
def test_the_locustfiles_load_them(written: Path, folder: str, rows: set[str]) -> None:
    there = written / folder
    asked(there, "make_data")
    experiment, _ = load_experiment(there)
    with served(experiment) as running:
        words = ("--headless", "-u", "4", "-r", "4", "-t", "3", "--host", running.url, "--only-summary")
        done = asked(there, "locust", "-f", "locustfile.py", *words)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    found = re.findall(r"^(GET|POST|FLOW) +(\S.*?) +([1-9]\d*) +0\(0\.00%\)", said, re.MULTILINE)
    # What was under way at the end has rows of its own.
    seen = {f"{method} {name}" for method, name, _ in found if not name.endswith("(aborted)")}
    assert seen == rows, said


def followed(folder: Path, script: str) -> str:
    """Follow the commands of a script; what they said."""
    bin_folder = Path(sys.executable).parent
    done = subprocess.run(
        ["sh", "-e", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env={**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_recorded_session_becomes_the_flow_that_is_shown(written: Path) -> None:
    folder = written / "recorded"
    followed(folder, "flows.sh")
    shown = [
        text
        for text in re.findall(r"```toml\n(.*?)```", (DOCS / "traffic.md").read_text(), re.DOTALL)
        if "scenarios.orders-post" in text
    ]
    assert len(shown) == 1
    assert shown[0] in (folder / "hotlap.toml").read_text()
    assert "secret" not in (folder / "hotlap.toml").read_text()
    (run,) = (folder / "runs").glob("*/run.json")
    (lane,) = judge.read(run.parent).lanes
    assert lane.evidence.error is None
    for trial in lane.trials:
        assert trial.evidence.failures == 0
        assert trial.evidence.flows["orders-post/app"].requests


@pytest.mark.slow
def test_a_log_becomes_a_mix_and_is_sent_again(written: Path) -> None:
    folder = written / "recorded" / "log"
    said = followed(folder, "log.sh")
    (run,) = (folder / "runs").glob("*/run.json")
    made = judge.read(run.parent)
    assert {lane.evidence.scenario for lane in made.lanes} == {"items-number", "search", "recorded"}
    assert all(trial.evidence.failures == 0 for lane in made.lanes for trial in lane.trials)
    assert "5 of 5 requests sent" in " ".join(said.split())
    assert "one request is left out: POST may change what is stored" in said
