"""py-spy: samples Python and native frames from outside, worker processes included."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from hotlap._engine import Stacks
from hotlap.experiment import Mode
from hotlap.profilers import Plain, ProfileError, Recording, Target

RATE_HZ = 100
_END_TIMEOUT_S = 60.0
_DUMP_TIMEOUT_S = 20.0
_REMEDY = {
    "Permission Denied": "it needs root or CAP_SYS_PTRACE: run it with sudo, or see `hotlap doctor`",
    "Operation not permitted": "it needs root or CAP_SYS_PTRACE: run it with sudo, or see `hotlap doctor`",
    "No such process": "the server ended before it could be sampled",
}


def program() -> str:
    """Where py-spy is.

    Raises:
        ProfileError: it is not installed.
    """
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise ProfileError("py-spy is not installed: pip install py-spy")
    return found


class PySpy(Plain):
    """``py-spy record --native --subprocesses``, with ``--gil`` for the mode ``gil``.

    For ``off-cpu`` it samples idle threads too (``--idle``): a fallback where perf is not permitted.
    """

    def record(self, target: Target, mode: Mode, time_s: float, folder: Path) -> Recording:
        """Sample the server's processes."""
        seconds = max(1, round(time_s))
        raw = folder / f"pyspy-{mode}.txt"
        words = [
            *(program(), "record", "--native", "--subprocesses", "--threads", "--full-filenames"),
            *{"gil": ["--gil"], "off-cpu": ["--idle"]}.get(mode, []),
            *("--format", "raw", "--rate", str(RATE_HZ), "--duration", str(seconds)),
            *("--output", str(raw), "--pid", str(target.served.pid)),
        ]
        said = _run(words, seconds)
        if not raw.exists():
            raise _failed(said)
        stacks = Stacks.read(raw)
        counted = re.search(r"Samples: (\d+) Errors: (\d+)", said)
        # It says so again and again; the delay adds up.
        behind_s = max(map(float, re.findall(r"([\d.]+)s behind in sampling", said)), default=0.0)
        ticks = seconds * RATE_HZ
        missed = min(ticks, round(behind_s * RATE_HZ))
        return Recording(
            profiler="py-spy",
            stacks=stacks,
            raw=[raw],
            samples=int(counted[1]) if counted else None,
            errors=int(counted[2]) if counted else None,
            missed=missed,
            rate_hz=float(RATE_HZ),
            rate_reached_hz=(ticks - missed) / seconds,
            facts=_gil_facts(stacks, ticks - missed) if mode == "gil" else {},
        )


def dump(pid: int) -> dict[int, list[str]]:
    """Where the threads of a process are in Python now: the outermost frame first, by the system's thread id.

    Empty where py-spy cannot say, as of a process that is not Python's.
    """
    try:
        words = [program(), "dump", "--json", "--full-filenames", "--pid", str(pid)]
        done = subprocess.run(words, capture_output=True, timeout=_DUMP_TIMEOUT_S, check=False)
        threads = msgspec.json.decode(done.stdout, type=list[_Thread]) if done.returncode == 0 else []
    except (ProfileError, subprocess.TimeoutExpired, msgspec.DecodeError):
        return {}
    return {
        thread.os_thread_id: [f"{one.name} ({one.filename}:{one.line})" for one in reversed(thread.frames)]
        for thread in threads
        if thread.os_thread_id is not None
    }


class _DumpedFrame(msgspec.Struct):
    name: str
    filename: str
    line: int


class _Thread(msgspec.Struct):
    os_thread_id: int | None
    frames: list[_DumpedFrame]


def _gil_facts(stacks: Stacks, ticks: int) -> dict[str, object]:
    """How much of the time the interpreter was held, and by what, for each process a tick."""
    outside = sum(one.self_value for one in stacks.clean().top(10_000) if one.kind in ("rust", "c"))
    return {
        "gil_share": min(1.0, stacks.total / ticks) if ticks else None,
        "gil_samples": stacks.total,
        "gil_ticks": ticks,
        "gil_outside_share": outside / stacks.total if stacks.total else None,
    }


def _run(words: list[str], seconds: int) -> str:
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds + _END_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProfileError(f"py-spy did not end within {_END_TIMEOUT_S:g} s after its {seconds} s") from None
    said = done.stdout + done.stderr
    if done.returncode:
        raise _failed(said)
    return said


def _failed(said: str) -> ProfileError:
    last = (said.strip().splitlines() or ["it printed nothing"])[-1].strip()
    remedy = next((text for words, text in _REMEDY.items() if words in said), "see `hotlap doctor`")
    return ProfileError(f"py-spy gave no profile: {last}; {remedy}")


RECORDER = PySpy()
