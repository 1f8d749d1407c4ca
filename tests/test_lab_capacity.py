"""The capacity of a lane whose answer is known: ``read`` serves one at a time, for the length of its hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hotlap import result

REPO = Path(__file__).parent.parent


def test_the_capacity_of_read_is_the_reciprocal_of_its_hold(tmp_path: Path) -> None:
    words = ["capacity", "read/native", "--slo", "p50 < 200 ms, failures < 0.1%", "--arrivals", "even"]
    words += [
        "--start",
        "16",
        "--time",
        "6",
        "--repeats",
        "1",
        "--precision",
        "0.03",
        "--out",
        str(tmp_path / "run"),
    ]
    made = subprocess.run(
        [Path(sys.executable).with_name("hotlap"), *words],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    (lane,) = result.read(tmp_path / "run").lanes
    saturated = [one.rps for one in lane.stretches("capacity") if one.facts.get("saturated") and one.rps]
    # What a saturated server answers a second is the reciprocal of its hold, whatever the machine made of it.
    assert saturated
    assert lane.facts["capacity"]["rate"] == pytest.approx(min(saturated, default=0), rel=0.07)
    assert "capacity" in (tmp_path / "run" / "report.html").read_text()
