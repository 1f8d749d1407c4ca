"""``hotlap doctor`` where the programs that it looks for are not there."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from hotlap.experiment import Server
from hotlap.profiling import doctor
from hotlap.serving.ways import way_of


def test_the_doctor_has_a_remedy_for_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    way = way_of(Server(command=("python",)), tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    elsewhere = msgspec.structs.replace(way.interpreter, path=str(tmp_path / "python"))
    monkeypatch.setattr(doctor.os, "sched_getaffinity", lambda pid: {0})
    checks = [
        doctor.tracing(),
        doctor.perf_clock(),
        doctor.perf_scheduler(),
        doctor.browser(),
        doctor.cores(),
        doctor.allocations(msgspec.structs.replace(way, interpreter=elsewhere)),
    ]
    assert [check.status for check in checks] == ["missing", *["degraded"] * 5]
    remedies = " ".join(check.remedy or "" for check in checks)
    for what in ("pip install py-spy", "apt install linux-perf", "apt install chromium", "4 cores", "memray"):
        assert what in remedies
