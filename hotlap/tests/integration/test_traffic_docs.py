"""The tutorial on traffic is followed as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tutorials import asked, write_files

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
