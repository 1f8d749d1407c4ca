"""The walkthrough's commands, all of them, run in its order in a folder of their own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from serving import need

# Not among those that measure: each of its commands holds on a busy machine too.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "walkthrough.md").read_text()
BIN = Path(sys.executable).parent


def commands() -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line]


def test_each_command_of_the_walkthrough(tmp_path: Path) -> None:
    need(os.geteuid() == 0, "profiles of a running server need root or CAP_SYS_PTRACE")
    (tmp_path / "hotlap.toml").write_text('experiment = "pyapp.experiment:experiment"\n')
    env = {
        **os.environ,
        "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
    }
    told: dict[str, str] = {}
    for command in commands():
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            env[name] = value
            continue
        done = subprocess.run(
            shlex.split(command),
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        told[command] = " ".join(done.stdout.split())
        # A machine that is busy with other things makes lanes void, and a gate does not let those pass.
        void = "--fail-if" in command and "is void" in told[command]
        assert done.returncode == (1 if void else 0), f"{command}\n{done.stdout}{done.stderr}"
    assert len(told) == 9
    [read] = [text for command, text in told.items() if "runs/read" in command]
    assert "wait for one lock (exclusive)" in read
    [gate] = [text for command, text in told.items() if "--fail-if" in command]
    assert "passed fail if cpu/native cpu > 0.5x" in gate or "is void" in gate
    for made in ("read/report.html", "cpu/report.html", "clone.svg", "summary.md", "index.html"):
        assert (tmp_path / "runs" / made).stat().st_size > 0


def test_the_walkthrough_shows_what_it_runs() -> None:
    assert all(command.startswith(("hotlap ", "export PYAPP_")) for command in commands())
