"""Outputs that cannot be written: the command says which and why, and shows what it has found."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import made_run
import pytest
from small_disks import on_disk

EXPERIMENT = """\
command = "python -m http.server {port} --bind 127.0.0.1"
[scenarios.one]
path = "/"
load = { users = 2, wait_s = 0.01 }
"""
FULL, FIXED = "No space left on device; make room there", "Read-only file system; write elsewhere"
STACKS = "".join(f"main;function_{number};inner_{number} 10\n" for number in range(300))

Need = Callable[[bool, str], None]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "hotlap.toml").write_text(EXPERIMENT)
    (tmp_path / "stacks.txt").write_text(STACKS)
    return tmp_path


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return tmp_path / "disk"


@pytest.mark.parametrize(
    ("size", "file", "measured"),
    [
        ("4k", r"run\.json", False),
        ("8k", r"histograms/\S+", True),
        ("400k", r"report\.html", True),
    ],
)
def test_a_run_on_a_full_disk_shows_what_was_measured(
    project: Path, disk: Path, need: Need, size: str, file: str, measured: bool
) -> None:
    words = ("run", "--quick", "--time", "1", "--profiles", "none", "--out", "disk/run")
    done = on_disk(need, disk, *words, size=size, cwd=project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(rf"^Error: disk/run/({file}): {FULL}", done.stderr, re.MULTILINE), done.stderr
    assert "Traceback" not in done.stderr
    [row] = re.findall(r"^ *one/app .*", done.stdout, re.MULTILINE)
    assert ("not measured" not in row) == measured
    assert bool(re.search(r"one/app +[\d,.]+ ", row)) == measured


def test_a_capacity_is_said_where_it_cannot_be_written(project: Path, disk: Path, need: Need) -> None:
    asked = ("--slo", "p50 < 1000 ms", "--start", "50", "--highest", "50", "--time", "1", "--repeats", "1")
    done = on_disk(need, disk, "capacity", "one/app", *asked, "--out", "disk/run", size="400k", cwd=project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"Error: disk/run/report.html: {FULL}" in done.stderr
    assert "one/app meets 'p50 < 1000 ms' up to 50 " in done.stdout


def test_a_swarms_result_is_printed_where_it_cannot_be_written(project: Path, disk: Path, need: Need) -> None:
    (project / "full").mkdir()
    (project / "full" / "filler").write_bytes(bytes(4096))
    words = ("swarm", "one/app", "--headless", "--time", "1", "--json", "disk/out.json")
    done = on_disk(need, disk, *words, size="4k", holds=project / "full", cwd=project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Error: disk/out.json: No space left on device; the result is printed above" in done.stderr
    assert '"rps"' in done.stdout
    assert "left: filler\n" in done.stderr
    assert done.stderr.count("left: ") == 1


@pytest.mark.parametrize("form", ["svg", "collapsed", "speedscope", "pprof"])
def test_a_graph_that_cannot_be_written_leaves_nothing(
    project: Path, disk: Path, need: Need, form: str
) -> None:
    (project / "full").mkdir()
    (project / "full" / "graph").write_text("as it was")
    words = ("flame", "one/app", "--time", "0.5", "--format", form, "-o", "disk/graph")
    done = on_disk(need, disk, *words, size="4k", holds=project / "full", cwd=project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"Error: disk/graph: {FULL}" in done.stderr
    assert "the heaviest functions" in done.stdout
    assert re.findall(r"left: (.*)", done.stderr) == ["graph"]


def test_a_difference_is_shown_where_it_cannot_be_drawn(project: Path, disk: Path, need: Need) -> None:
    words = ("diff", "stacks.txt", "stacks.txt", "-o", "disk/diff.svg")
    done = on_disk(need, disk, *words, size="8k", cwd=project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"Error: disk/diff.svg: {FULL}" in done.stderr
    assert "what changed most" in done.stdout
    assert "left: " not in done.stderr


def test_pages_and_summaries_say_what_cannot_be_written(project: Path, disk: Path, need: Need) -> None:
    made_run.write(project / "run")
    for name, words in {
        "disk/a.html": ("compare", "run", "-o", "disk/a.html"),
        "disk/a.md": ("compare", "run", "--markdown", "disk/a.md", "-o", "a.html"),
        "disk/a.xml": (
            "compare",
            "run",
            "--fail-if",
            f"{'*' * 5000} rps < 1",
            "--junit",
            "disk/a.xml",
            "-o",
            "a.html",
        ),
        "disk/index.html": ("history", ".", "-o", "disk/index.html"),
    }.items():
        (project / "full").mkdir(exist_ok=True)
        (project / "full" / "filler").write_bytes(bytes(4096))
        done = on_disk(need, disk, *words, size="4k", holds=project / "full", cwd=project)
        assert done.returncode == 1, done.stdout + done.stderr
        assert f"Error: {name}: {FULL}" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout.strip()


def test_a_disk_that_may_only_be_read_is_said(project: Path, disk: Path, need: Need) -> None:
    made_run.write(project / "run")
    for name, words in {
        "disk/out": ("run", "--quick", "--out", "disk/out"),
        "disk/caps": ("capacity", "one/app", "--slo", "p99 < 1 ms", "--out", "disk/caps"),
        "disk/swarm.json": ("swarm", "one/app", "--headless", "--time", "1", "--json", "disk/swarm.json"),
        "disk/flame.svg": ("flame", "one/app", "-o", "disk/flame.svg"),
        "disk/diff.svg": ("diff", "one/app", "one/app", "-o", "disk/diff.svg"),
        "disk/run.json": ("report", "disk"),
        "disk/compare-python-native.html": ("compare", "disk"),
        "disk/index.html": ("history", "disk"),
    }.items():
        done = on_disk(need, disk, *words, holds=project / "run", read_only=True, cwd=project)
        assert done.returncode == 1, done.stdout + done.stderr
        assert f"{name}: {FIXED}" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
