"""Python's frames in perf's stacks: what an interpreter writes down about itself, and how perf comes to read it.

With perf support on, every Python function is called through a small piece of code of its own, a trampoline.
Python 3.12 only writes their names down, in ``/tmp/perf-PID.map``: a stack that is unwound by debug
information ends at the innermost of them. From 3.13 on, ``/tmp/jit-PID.dump`` also says how to unwind them;
``perf inject`` makes libraries of that, which perf then reads as any other. For 3.12 the lab writes that file,
of processes that have its probe: perf looks for it where a process has mapped it.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from hotlap._engine import Stacks
from hotlap.evidence.profile import PythonFrames
from hotlap.profiling.probe import Done, Probe, ProbeError
from hotlap.profiling.recorders import jitdump
from hotlap.profiling.recorders.definitions import first_lines

ENV = {"PYTHONPERFSUPPORT": "1", "PYTHON_PERF_JIT_SUPPORT": "1"}
"""Variables that switch it on: the first from 3.12 on, the second, which goes before it, from 3.13 on."""

_WRITTEN = re.compile(r"py::(?P<name>[^:]+):(?P<file>.+)")
"""A function as interpreters write it down."""
_BY_ADDRESS = re.compile(re.escape(jitdump.SYMBOL) + r"\+(?P<address>[0-9a-f]+):(?P<library>.+)")

_FOLDER = Path("/tmp")
"""Where interpreters write: they leave no choice."""


def dumps(pids: list[int]) -> list[Path]:
    """What these processes have written for ``perf inject``."""
    return [path for pid in pids if (path := _dump(pid)).exists()]


def _dump(pid: int) -> Path:
    return _FOLDER / f"jit-{pid}.dump"


def _map(pid: int) -> Path:
    return _FOLDER / f"perf-{pid}.map"


def announce(pids: list[int], probe: Probe | None) -> list[int]:
    """Before recording: have the processes that write names only map the file that ``describe`` will fill.

    Returns:
        Those processes.
    """
    if probe is None:
        return []
    named = [pid for pid in pids if _map(pid).exists() and not _dump(pid).exists()]
    announced = []
    for pid in probe.present(named):
        _dump(pid).write_bytes(jitdump.header(pid))
        try:
            probe.ask(pid, "map_file", Done, path=str(_dump(pid)))
        except ProbeError:
            _dump(pid).unlink()
        else:
            announced.append(pid)
    return announced


def describe(pids: list[int], at_ns: int) -> dict[str, jitdump.Run]:
    """After recording: write down how the trampolines of these processes are unwound.

    Args:
        pids: what ``announce`` returned; they are still there.
        at_ns: a time before the recording, on its clock.

    Returns:
        What the libraries hold that perf will make of them.
    """
    described = {}
    for pid in pids:
        # A process that has ended has nothing more to tell.
        with contextlib.suppress(OSError), open(f"/proc/{pid}/mem", "rb") as memory:
            known = jitdump.runs(_map(pid).read_text(errors="replace"))
            # Another build of Python may call its functions otherwise.
            known = [run for run in known if _is_so(run, memory)]
            with _dump(pid).open("ab") as dump:
                dump.write(jitdump.records(pid, known, at_ns))
            described.update({jitdump.object_name(pid, index): run for index, run in enumerate(known)})
    return described


def _is_so(run: jitdump.Run, memory: BinaryIO) -> bool:
    memory.seek(run.address)
    code = jitdump.TRAMPOLINE * len(run.names)
    return memory.read(len(code)) == code


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


def with_lines(stacks: Stacks, described: Mapping[str, jitdump.Run]) -> Stacks:
    """Stacks whose Python frames have a line as those of other recorders do: the one on which the function begins.

    Args:
        stacks: as perf gives them.
        described: what ``describe`` returned: what is there is known by its address only.
    """
    texts = {}
    for text in stacks.texts():
        name = text
        if by_address := _BY_ADDRESS.fullmatch(text):
            run = described.get(Path(by_address["library"]).name)
            name = (run and run.name_at(int(by_address["address"], 16))) or text
        written = _WRITTEN.fullmatch(name)
        if written and (line := first_lines(written["file"]).get(written["name"])):
            name = f"{written['name']} ({written['file']}:{line})"
        if name != text:
            texts[text] = name
    return stacks.renamed(texts)


def seen(pids: list[int]) -> PythonFrames:
    """How much of these processes' Python stacks perf could read."""
    if dumps(pids):
        return PythonFrames.WHOLE
    return PythonFrames.INNERMOST if any(_map(pid).exists() for pid in pids) else PythonFrames.MISSING


def clear(pids: list[int]) -> None:
    """Remove what servers that the lab started, and perf for them, have left behind."""
    # perf takes a record that the end of a process cut off for one of process 0.
    for pid in (*pids, 0):
        for pattern in (f"perf-{pid}.map", f"jit-{pid}.dump", f"jitted-{pid}-*.so"):
            for path in _FOLDER.glob(pattern):
                path.unlink(missing_ok=True)
