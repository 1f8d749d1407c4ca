"""Python's frames in perf's stacks: what an interpreter writes down about itself, and how perf comes to read it.

With perf support on, every Python function is called through a small piece of code of its own, a trampoline.
Python 3.12 only writes their names down, in ``/tmp/perf-PID.map``: a stack that is unwound by debug
information ends at the innermost of them. From 3.13 on, ``/tmp/jit-PID.dump`` also says how to unwind them;
``perf inject`` makes libraries of that, which perf then reads as any other.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from hotlap._engine import Stacks

ENV = {"PYTHONPERFSUPPORT": "1", "PYTHON_PERF_JIT_SUPPORT": "1"}
"""Variables that switch it on: the first from 3.12 on, the second, which goes before it, from 3.13 on."""

_FOLDER = Path("/tmp")
"""Where interpreters write: they leave no choice."""

MISSING = (
    "Python frames are missing: an interpreter names them for perf from 3.12 on, and whole stacks of them from "
    "3.13 on, when it is started for it; py-spy has them on any"
)
CUT = (
    "Python stacks are cut off: of each stack only the innermost Python function shows, since perf cannot "
    "unwind the trampolines of Python 3.12; 3.13 gives whole stacks, and so does py-spy"
)


def dumps(pids: list[int]) -> list[Path]:
    """What these processes have written for ``perf inject``."""
    return [path for pid in pids if (path := _FOLDER / f"jit-{pid}.dump").exists()]


def readable(data: Path, pids: list[int], run: Callable[[list[str]], object]) -> Path:
    """A recording in which perf can unwind Python's frames: another one than ``data`` where that takes work.

    Args:
        data: what ``perf record -k mono`` wrote; it stays as it is, with the processes' dumps beside it.
        pids: the processes recorded.
        run: runs perf with such arguments.
    """
    found = dumps(pids)
    if not found:
        return data
    for dump in found:
        shutil.copyfile(dump, data.parent / dump.name)
    made = data.with_suffix(".python.data")
    run(["inject", "-j", "-i", str(data), "-o", str(made)])
    return made


def told(stacks: Stacks, pids: list[int]) -> str | None:
    """What the graph has to say of its Python frames; ``None`` where the stacks are whole."""
    if dumps(pids):
        return None
    return CUT if any((_FOLDER / f"perf-{pid}.map").exists() for pid in pids) else MISSING


def clear(pids: list[int]) -> None:
    """Remove what servers that the lab started, and perf for them, have left behind."""
    for pid in pids:
        for pattern in (f"perf-{pid}.map", f"jit-{pid}.dump", f"jitted-{pid}-*.so"):
            for path in _FOLDER.glob(pattern):
                path.unlink(missing_ok=True)
