"""Waits until a command is gone, then ends its processes and removes its folder. The standard library alone.

``python watcher.py VARIABLE TOKEN``; standard input is the pipe that the command holds, and names the folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time

GRACE_S = 2.0
"""How long processes may take to end by themselves before they are killed."""
PATIENCE_S = 60.0
"""When it gives up: what is left then cannot be killed."""
_POLL_S = 0.05


def owned(variable: str, token: str) -> list[int]:
    """The processes that inherited the variable with that value."""
    wanted = f"{variable}={token}".encode()
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:
                if wanted in file.read().split(b"\0"):
                    found.append(int(name))
    return found


def end(variable: str, token: str) -> None:
    """End them: first as a service manager would, then for good; those that they start meanwhile too."""
    began_s = time.monotonic()
    told: set[int] = set()
    while (left := owned(variable, token)) and time.monotonic() < began_s + PATIENCE_S:
        late = time.monotonic() > began_s + GRACE_S
        for pid in left:
            if late or pid not in told:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
                    # One that is stopped hears nothing else.
                    os.kill(pid, signal.SIGCONT)
                told.add(pid)
        time.sleep(_POLL_S)


def main() -> None:
    """Wait for the end of the pipe."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    folder = os.fsdecode(sys.stdin.buffer.read())
    if os.path.isdir("/proc/self"):
        end(*sys.argv[1:3])
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
