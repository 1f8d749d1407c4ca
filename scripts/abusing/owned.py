"""Processes that are started here, known by a variable that all that comes of them inherits; nothing else is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from hotlap.serving.watcher import owned

ROOT = Path(__file__).resolve().parents[2]
MARK = "HOTLAP_ABUSED"
"""The variable."""
PATIENCE_S = 60.0
"""What is not over by then is called left; no verdict depends on how fast something is."""


def start(
    words: list[str], mark: str, tmp: Path, *, cwd: Path = ROOT, output: IO[bytes] | int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    """``python WORDS`` in a session of its own, with its temporary files in ``tmp``."""
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=cwd,
        env={**os.environ, MARK: mark, "TMPDIR": str(tmp), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # nohup lets its children ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )


def waited(holds: Callable[[], bool]) -> bool:
    """Whether something came to hold in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def are_gone(mark: str) -> bool:
    """Whether all processes of that mark end in time; those that do not are killed."""
    gone = waited(lambda: not owned(MARK, mark))
    for pid in owned(MARK, mark):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return gone
