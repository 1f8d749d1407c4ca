"""The tutorial on traffic is followed as it is written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hotlap.analysis import judge
from hotlap.experiment.config import load_experiment
from hotlap.serving.server import served

TUTORIAL = Path(__file__).parents[3] / "docs" / "traffic.md"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with the files that the tutorial shows."""
    found = re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', TUTORIAL.read_text(), re.DOTALL)
    assert {"shop.py", "make_data.py", "hotlap.toml", "locustfile.py"} <= {name for name, _ in found}
    for name, text in found:
        (tmp_path / name).write_text(text)
    return tmp_path


def asked(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, timeout=280, check=False
    )


def test_the_shop_is_measured(written: Path) -> None:
    done = asked(written, "hotlap", "run", "--out", "run", "--time", "1", "--profiles", "none")
    assert done.returncode == 0, done.stdout + done.stderr
    for lane in judge.read(written / "run").lanes:
        failed = [rule.sentence for rule in lane.verdict.rules if rule.name in ("failures", "not-measured")]
        assert not failed
        assert lane.evidence.verified is not None
        assert lane.evidence.verified.held == "expected"
        for trial in lane.trials:
            seen = trial.evidence
            assert seen.failures == 0
            assert seen.parsed == seen.requests > 0


def test_the_locustfile_loads_it(written: Path) -> None:
    asked(written, "make_data")
    experiment, _ = load_experiment(written)
    with served(experiment) as running:
        words = ("--headless", "-u", "4", "-r", "4", "-t", "3", "--host", running.url, "--only-summary")
        done = asked(written, "locust", "-f", "locustfile.py", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(
        r"^GET +/(items|search)\S* +(\d+) +0\(0\.00%\)", done.stdout + done.stderr, re.MULTILINE
    )
    assert {name for name, count in rows if int(count)} == {"items", "search"}
