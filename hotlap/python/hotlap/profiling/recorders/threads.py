"""Which threads of some processes are off the processor now, and in what of Python and of the kernel.

A thread that waits through a whole recording is in none of its events: where it waits is asked before. Python's
part of its stack, which tells its role and what in the app it waits for, is asked after: asking stops the process,
and what it has just been let go on is not where it was.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from hotlap.profiling.recorders import pyspy

_PROC = Path("/proc")
_FRAME = re.compile(r"\[<[0-9a-f]*>\] (?P<name>[^+\s]+)")


def blocked(pids: list[int]) -> list[tuple[int, list[str]]]:
    """The threads of these processes that do not run now; those that end meanwhile are left out.

    Returns:
        The id of each with its stack: its heading and the kernel's frames, the outermost first, as in a recording.
    """
    found = []
    for pid in pids:
        for path in sorted(_PROC.glob(f"{pid}/task/*")):
            with contextlib.suppress(OSError):
                name = (path / "comm").read_text().strip()
                state = (path / "stat").read_text().rpartition(") ")[2][:1]
                if state != "R":
                    found.append((int(path.name), [f"thread ({path.name}): {name}", *_kernel(path)]))
    return found


def with_python(known: list[tuple[int, list[str]]], pids: list[int]) -> list[tuple[int, list[str]]]:
    """The same stacks with Python's frames between heading and kernel, of threads that still wait as they did."""
    python: dict[int, list[str]] = {}
    for pid in pids:
        python.update(pyspy.dump(pid))
    return [(tid, [heading, *python.get(tid, []), *kernel]) for tid, (heading, *kernel) in known]


def _kernel(path: Path) -> list[str]:
    """The kernel's part of a thread's stack, without the scheduler's; where that is secret, what it waits in."""
    try:
        names = [found["name"] for found in _FRAME.finditer((path / "stack").read_text())]
    except OSError:
        names = [(path / "wchan").read_text().strip()]
    known = [name for name in names if name not in ("0", "") and "schedule" not in name]
    return [f"{name}_[k]" for name in reversed(known)] or ["[unknown]"]
