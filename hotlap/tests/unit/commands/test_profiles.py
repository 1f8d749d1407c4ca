"""``hotlap diff``, ``flame`` and ``doctor``: what they read, and what they say where something is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hotlap.cli import main
from hotlap.evidence.load import Trial
from hotlap.evidence.profile import Profile
from hotlap.profiling import doctor
from hotlap.run import result
from hotlap.run.result import LaneResult, RunResult

CLONES = "thread (1): python;handle (app.py:3);fold (fold.rs:9);malloc (libc.so.6) 60\nhandle (app.py:3);fold (fold.rs:9) 40\n"
BORROWS = "thread (1): python;handle (app.py:4);fold (fold.rs:12) 50\n"


def called(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A run of two lanes with an on-CPU profile each, and the recordings beside it."""
    rows = []
    for variant, stacks, cost in (("clones", CLONES, 100.0), ("borrows", BORROWS, 20.0)):
        collapsed = tmp_path / "run" / "profiles" / f"cpu-{variant}" / "on-cpu.collapsed"
        collapsed.parent.mkdir(parents=True)
        collapsed.write_text(stacks)
        profile = Profile(
            profiler="py-spy", mode="on-cpu", collapsed=str(collapsed.relative_to(tmp_path / "run"))
        )
        load = Trial(engine="native", model="closed", server_cpu_us_per_request=cost)
        rows.append(LaneResult(scenario="cpu", variant=variant, path="/", profiles=[profile], trials=[load]))
    result.write(RunResult(created="2026-01-01T00:00:00+00:00", lanes=rows), tmp_path / "run")
    return tmp_path / "run"


def test_a_difference_of_collapsed_files_is_in_shares(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(CLONES)
    (tmp_path / "b.txt").write_text(BORROWS)
    done = called("diff", str(tmp_path / "a.txt"), str(tmp_path / "b.txt"), "-o", str(tmp_path / "diff.svg"))
    assert done.exit_code == 0, done.output
    assert "share" in done.output
    (malloc,) = [line for line in done.output.splitlines() if line.rstrip(" │").endswith("malloc")]
    assert "\u22120.6" in malloc
    assert "<svg" in (tmp_path / "diff.svg").read_text()


def test_files_of_others_are_read_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("main;f 1.5\nmain;g 0.5\nmain;h many\n")
    (tmp_path / "b.txt").write_text(
        "app 7 cycles:u:  10 f (/bin/app)\n\napp 7 12.5:  3 cycles:u:\n20 g+0x1f (/bin/app)\n\n"
        "app 7 12.6:  9 instructions:u:\n\t 30 h (/bin/app)\n"
    )
    target = str(tmp_path / "diff.svg")
    files = [str(tmp_path / name) for name in ("a.txt", "b.txt")]
    done = called("diff", *files, "-o", target)
    assert done.exit_code == 0, done.output
    assert "1 without a count" in done.stderr
    assert "1 of other kinds of events" in done.stderr
    shares = {
        cells[-1]: cells[:2]
        for line in done.output.splitlines()
        if len(cells := [cell.strip() for cell in line.strip("│ ").split("│")]) == 4
    }
    assert (shares["f"], shares["g"]) == (["0.750", "0.250"], ["0.250", "0.750"])
    done = called("diff", *files, "--event", "instructions:u", "-o", target)
    assert "2 of other kinds of events" in done.stderr


def test_a_file_without_stacks_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("nothing\nof the kind\n")
    done = called("diff", *[str(tmp_path / "a.txt")] * 2, "-o", str(tmp_path / "diff.svg"))
    assert done.exit_code == 1
    assert "2 without a count" in done.output
    assert not (tmp_path / "diff.svg").exists()


def test_a_difference_of_runs_is_in_microseconds_per_request(runs: Path, tmp_path: Path) -> None:
    sides = [f"{runs}:cpu/clones", f"{runs}:cpu/borrows"]
    done = called("diff", *sides, "-o", str(tmp_path / "diff.svg"))
    assert done.exit_code == 0, done.output
    assert "µs per request" in done.output
    (malloc,) = [line for line in done.output.splitlines() if line.rstrip(" │").endswith("malloc")]
    assert "\u221260" in malloc


def test_a_difference_says_which_lanes_a_run_has(runs: Path, tmp_path: Path) -> None:
    done = called("diff", str(runs), str(runs), "-o", str(tmp_path / "diff.svg"))
    assert done.exit_code == 2
    assert f"{runs}:cpu/clones" in done.output
    done = called("diff", f"{runs}:cpu/clones", f"{runs}:cpu/borrows", "--mode", "gil", "-o", "x.svg")
    assert done.exit_code == 1
    assert "has no gil profile" in done.output


def test_flame_takes_a_lane_or_a_process(tmp_path: Path) -> None:
    target = str(tmp_path / "flame.svg")
    for words in ([], ["cpu/native", "--pid", "1"]):
        done = called("flame", *words, "-o", target)
        assert done.exit_code == 2
        assert "either a LANE or --pid" in done.output
    done = called("flame", "--pid", "1", "--mode", "await", "-o", target)
    assert done.exit_code == 1
    assert "needs a server that hotlap starts" in done.output
    done = called("flame", "--pid", "1", "--mode", "memory", "--profiler", "perf", "-o", target)
    assert done.exit_code == 1
    assert "that mode can be had from: allocations" in done.output


def test_the_doctor_fails_where_lanes_cannot_be_profiled(monkeypatch: pytest.MonkeyPatch) -> None:
    found = doctor.Check(name="py-spy", status="missing", found="not permitted", remedy="run as root")
    monkeypatch.setattr("hotlap.commands.doctor.examine", lambda experiment: [found])
    done = called("doctor")
    assert done.exit_code == 1
    assert "run as root" in done.output
    monkeypatch.setattr(
        "hotlap.commands.doctor.examine",
        lambda experiment: [doctor.Check(name="cores", status="degraded", found="1 core", remedy="more")],
    )
    assert called("doctor").exit_code == 0
