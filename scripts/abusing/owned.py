"""Processes that are started here, known by a variable that all that comes of them inherits; nothing else is ended."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import IO

from hotlap.serving.watcher import owned

ROOT = Path(__file__).resolve().parents[2]
MARK = "HOTLAP_ABUSED"
"""The variable."""
_COMMAND, _TOKEN = "HOTLAP_ABUSE", secrets.token_hex(16)
"""Another, by which all that this command has started is known."""
PATIENCE_S = 60.0
"""What is not over by then is called left; no verdict depends on how fast something is."""


def start(
    words: list[str], mark: str, tmp: Path, *, cwd: Path = ROOT, output: IO[bytes] | int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    """``python WORDS`` in a session of its own, with its temporary files in ``tmp``."""
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=cwd,
        env={**os.environ, _COMMAND: _TOKEN, MARK: mark, "TMPDIR": str(tmp), "NO_COLOR": "1"},
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


def dumped(mark: str) -> str:
    """Where the processes of that mark are, as py-spy sees it."""
    return "\n".join(
        subprocess.run(
            ["py-spy", "dump", "--pid", str(pid)], capture_output=True, text=True, check=False
        ).stdout
        for pid in owned(MARK, mark)
    )


def are_gone(mark: str) -> bool:
    """Whether all processes of that mark end in time; those that do not are killed."""
    gone = waited(lambda: not owned(MARK, mark))
    for pid in owned(MARK, mark):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return gone


@contextlib.contextmanager
def ending_with_this() -> Iterator[None]:
    """All that is started in the block ends when this command is stopped, and its files go."""
    with tempfile.TemporaryDirectory(prefix="hotlap-abuse-") as folder:

        def stop(number: int, _frame: FrameType | None) -> None:
            while left := owned(_COMMAND, _TOKEN):
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            shutil.rmtree(folder, ignore_errors=True)
            os._exit(128 + number)

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)
        before, tempfile.tempdir = tempfile.tempdir, folder
        try:
            yield
        finally:
            tempfile.tempdir = before
