"""The scripts that a newcomer meets first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("cargo", "said"),
    [
        ("echo 'error: rustup could not choose a version of cargo' >&2; exit 1", "rustup default stable"),
        (
            "echo 'cargo 1.70.0 (ec8a8a0ca 2023-04-25)'",
            "cargo 1.70.0 (ec8a8a0ca 2023-04-25) is older than 1.",
        ),
        ("echo 'cargo 1.95.0 (59807616e 2026-04-14)'", ""),
    ],
)
def test_what_is_the_matter_with_rust_is_named(cargo: str, said: str, tmp_path: Path) -> None:
    for name, script in {"cargo": cargo, "cc": "exit 0"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [ROOT / "scripts" / "check-tools", sys.executable],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (1 if said else 0)
    assert said in done.stderr
    assert bool(said) == bool(done.stderr)
