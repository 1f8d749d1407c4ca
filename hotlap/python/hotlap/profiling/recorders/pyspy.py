"""py-spy: samples Python and native frames from outside, worker processes included."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import msgspec

from hotlap._engine import Stacks
from hotlap.evidence.profile import GilHold, NativeFrames
from hotlap.experiment import Mode
from hotlap.profiling.holders import holders, moved
from hotlap.profiling.idle import told_apart
from hotlap.profiling.recorders import Plain, ProfileError, Recording, Target

RATE_HZ = 100
MOST_FAILED = 0.5
"""Of the looks at a process: if more fail, those that are left are a choice and no sample."""
_COMMAND = re.compile(rb'process \d+:"[^"\n]*\n(?:.|\n)*?"(?=;)')
"""A heading in whose command there are ends of lines."""
MOST_MOVED = 0.05
"""Of the samples with native frames: if more of them are other holders' than without stopping, those without count."""
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

    Who holds the interpreter is asked twice, the second time without stopping the server, since stopping it changes that.

    For ``off-cpu`` it samples idle threads too (``--idle``): a fallback where perf is not permitted.
    Where native stacks of too many looks cannot be unwound it records Python's frames only, and says so.
    """

    def record(self, target: Target, mode: Mode, time_s: float, folder: Path) -> Recording:
        """Sample the server's processes."""
        seconds = max(1, round(time_s))
        raw = folder / f"pyspy-{mode}.txt"

        def sample(*native: str) -> _Looks:
            raw.unlink(missing_ok=True)
            said = _run(_words(target.served.pid, mode, raw, seconds, *native), seconds)
            if not raw.exists():
                raise _failed(said)
            return _looks(said)

        looks = sample("--native")
        served = set(target.served.pids())
        if looks.not_followed & served:
            # One look that failed decided it: the next may be luckier.
            looks = sample("--native")
        taken = seconds * RATE_HZ
        native = not looks.not_followed & served and looks.errors <= MOST_FAILED * taken
        if not native:
            looks = sample()
        stacks, waiting, apart = read(raw), 0, []
        frames = NativeFrames.READ if native else NativeFrames.UNREADABLE
        raws, samples, errors = [raw], looks.samples, looks.errors
        gil = _gil(stacks, taken - errors, native=native) if mode == "gil" else None
        if gil is not None and (unstopped := _unstopped(target.served.pid, folder, seconds)) is not None:
            raws.append(unstopped.raw)
            gil = _held_against(gil, stacks, unstopped)
            if (gil.moved_share or 0.0) > MOST_MOVED:
                stacks, frames = unstopped.stacks, NativeFrames.DISTORT
                samples, errors, taken = unstopped.looks.samples, unstopped.looks.errors, unstopped.taken
        if mode == "on-cpu":
            told = told_apart(stacks, target.served.roles())
            stacks, waiting, apart = told.stacks, told.waiting, told.apart
        return Recording(
            profiler="py-spy",
            stacks=stacks,
            raw=raws,
            waiting=waiting,
            apart=apart,
            samples=samples,
            errors=errors,
            missed=round(looks.behind_s * RATE_HZ),
            rate_hz=float(RATE_HZ),
            rate_reached_hz=seconds * RATE_HZ / (seconds + looks.behind_s),
            looks=taken,
            native_frames=frames,
            gil=gil,
        )


class _Looks(NamedTuple):
    """What py-spy says of a recording."""

    samples: int | None
    """Threads that ran when they were looked at."""
    errors: int
    """Looks at a process that failed; of several processes, of the one with the most."""
    behind_s: float
    """How much longer than asked all looks took."""
    not_followed: frozenset[int]
    """Processes that it gave up at the first look."""


def _looks(said: str) -> _Looks:
    counted = re.search(r"Samples: (\d+) Errors:", said)
    failed = Counter(re.findall(r"Failed to get stack trace from (\d+):", said))
    return _Looks(
        samples=int(counted[1]) if counted else None,
        errors=max(failed.values(), default=0),
        # It says so again and again; the delay adds up.
        behind_s=max(map(float, re.findall(r"([\d.]+)s behind in sampling", said)), default=0.0),
        # What is no Python it cannot follow either, and nobody expects it to.
        not_followed=frozenset(
            map(int, re.findall(r"Failed to profile python from process (\d+): Failed to merge", said))
        ),
    )


def _words(pid: int | None, mode: Mode, raw: Path, seconds: int, *more: str) -> list[str]:
    return [
        *(program(), "record", *more, "--subprocesses", "--threads", "--full-filenames"),
        *{"gil": ["--gil"], "off-cpu": ["--idle"]}.get(mode, []),
        *("--format", "raw", "--rate", str(RATE_HZ), "--duration", str(seconds)),
        *("--output", str(raw), "--pid", str(pid)),
    ]


def read(raw: Path) -> Stacks:
    """The stacks of a recording: what processes were started with may have lines of its own, and may look like stacks."""
    return Stacks.from_bytes(_COMMAND.sub(lambda found: b" ".join(found[0].splitlines()), raw.read_bytes()))


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


def _gil(stacks: Stacks, looks: int, *, native: bool) -> GilHold:
    """How often the interpreter was held, and how often by native code, for each look at a process."""
    outside = sum(one.self_value for one in stacks.clean().top(10_000) if one.kind in ("rust", "c"))
    return GilHold(
        samples=stacks.total,
        looks=looks,
        outside_share=outside / stacks.total if stacks.total and native else None,
    )


class _Unstopped(NamedTuple):
    """A recording of who holds the interpreter that stopped nobody."""

    stacks: Stacks
    looks: _Looks
    taken: int
    raw: Path


def _unstopped(pid: int | None, folder: Path, seconds: int) -> _Unstopped | None:
    """Half as long as the recording with native frames; ``None`` where that cannot be done."""
    raw = folder / "pyspy-gil-unstopped.txt"
    raw.unlink(missing_ok=True)
    half = max(1, seconds // 2)
    try:
        said = _run(_words(pid, "gil", raw, half, "--nonblocking"), half)
    except ProfileError:
        return None
    return _Unstopped(read(raw), _looks(said), half * RATE_HZ, raw) if raw.exists() else None


def _held_against(gil: GilHold, stacks: Stacks, unstopped: _Unstopped) -> GilHold:
    """What was found with native frames, with what was found without stopping anybody."""
    return msgspec.structs.replace(
        gil,
        unstopped_samples=unstopped.stacks.total,
        unstopped_looks=unstopped.taken - unstopped.looks.errors,
        moved_share=moved(holders(stacks), holders(unstopped.stacks)),
    )


def _run(words: list[str], seconds: int) -> str:
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds + _END_TIMEOUT_S,
            check=False,
            # Which process failed, it says in warnings.
            env={**os.environ, "RUST_LOG": "warn"},
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
