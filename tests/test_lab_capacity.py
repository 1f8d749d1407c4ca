"""The capacity of a lane whose answer is known: ``read`` serves one at a time, for the length of its hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hotlap.analysis import judge

pytestmark = [pytest.mark.measures, pytest.mark.slow]

REPO = Path(__file__).parent.parent


def test_the_capacity_of_read_is_the_reciprocal_of_its_hold(tmp_path: Path) -> None:
    # Even arrivals find the place free, or in the end a queue: half of them at 75 ms or more says that they are
    # above the answer by 2% or more.
    words = ["read/native", "--slo", "p50 < 75 ms, failures < 0.1%", "--arrivals", "even", "--start", "16"]
    words += ["--time", "3", "--repeats", "1", "--precision", "0.03", "--out", str(tmp_path / "run")]
    made = subprocess.run(
        [Path(sys.executable).with_name("hotlap"), "capacity", *words],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    (lane,) = judge.read(tmp_path / "run").lanes
    # What a server answers a second that always has somebody waiting is the reciprocal of its hold.
    saturated = [rps for one in lane.of_role("capacity") if one.saturated and (rps := one.evidence.rps)]
    assert saturated
    assert lane.evidence.capacity is not None
    assert lane.evidence.capacity.rate == pytest.approx(max(saturated), rel=0.05)
    assert "capacity" in (tmp_path / "run" / "report.html").read_text()
