"""perf: every thread of every process, the kernel's part too, and the time spent off the processor."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from hotlap._engine import OffCpu, Stacks
from hotlap.evidence.profile import OffCpuTimes
from hotlap.experiment import Mode
from hotlap.files import write_whole
from hotlap.profiling.probe import Done, ProbeError
from hotlap.profiling.recorders import Plain, ProfileError, Recording, Target, pyframes, pyspy, threads

RATE_HZ = 199
"""Not a divisor of what programs do in round numbers of times a second."""
STACK_BYTES = 8192
"""Of each stack, to be unwound later: libc and the interpreter have no frame pointers."""
_END_TIMEOUT_S = 120.0
_FIELDS = "comm,pid,tid,time,event,{}ip,sym,dso{}"


class NotPermitted(ProfileError):
    """perf is not there or may not record this."""


class Perf(Plain):
    """``perf record`` with the software clock, or of the scheduler's switches for ``off-cpu``."""

    def loads_probe(self, version: tuple[int, int]) -> bool:
        """For the names that an interpreter still buffers, from 3.12 on."""
        return version >= (3, 12)

    def env(self) -> dict[str, str]:
        """The interpreter writes down its own frames for perf, where it can."""
        return pyframes.ENV

    def record(self, target: Target, mode: Mode, time_s: float, folder: Path) -> Recording:
        """Record all the server's processes and threads."""
        try:
            return self._record(target, mode, time_s, folder)
        except NotPermitted as error:
            if mode != "off-cpu":
                raise
            # Better a coarse answer that says so than none.
            read = pyspy.RECORDER.record(target, mode, time_s, folder)
            stands_in = f"{error}; py-spy sampled all threads instead, those that wait and those that run"
            read.stands_in = stands_in
            return read

    def _record(self, target: Target, mode: Mode, time_s: float, folder: Path) -> Recording:
        program = shutil.which("perf")
        if program is None:
            raise NotPermitted(
                "perf is not installed: apt install linux-perf (or linux-tools for your kernel)"
            )
        pids = target.served.pids()
        data, text = folder / f"perf-{mode}.data", folder / f"perf-{mode}.txt"
        on_cpu = mode == "on-cpu"
        if on_cpu:
            events = ["-e", "cpu-clock", "-F", str(RATE_HZ)]
        else:
            events = ["-e", "sched:sched_switch", "-e", "sched:sched_wakeup", "--switch-events"]
        # The processes' CPU time is read by the command that perf keeps running, so that both see the same while.
        clocks = [
            *("sh", "-c", f'cat "$@"; sleep {time_s:g}; cat "$@"', "sh"),
            *(f"/proc/{p}/stat" for p in pids),
        ]
        blocked = [] if on_cpu else threads.blocked(pids)
        announced, announced_ns = pyframes.announce(pids, target.probe), time.monotonic_ns()
        recorded, used = _run(
            [
                *(
                    program,
                    "record",
                    "-k",
                    "mono",
                    *events,
                    "--call-graph",
                    f"dwarf,{STACK_BYTES}",
                    "-m",
                    "16M",
                ),
                *("-o", str(data), "-p", ",".join(map(str, pids)), "--", *clocks),
            ],
            time_s,
        )
        if target.probe is not None:
            for pid in target.probe.present(pids):
                with contextlib.suppress(ProbeError):
                    target.probe.ask(pid, "perf_flush", Done)
        described = pyframes.describe(announced, announced_ns)
        blocked = threads.with_python(blocked, pids) if blocked else []
        readable = data
        try:
            readable = pyframes.readable(data, pids, lambda words: _run([program, *words], time_s))
            # Another mode's recording may have left its own here.
            dumps = [data.parent / dump.name for dump in pyframes.dumps(pids)]
            shown = ["--show-lost-events"] if on_cpu else ["--show-switch-events", "--show-lost-events"]
            fields = _FIELDS.format("period,", "") if on_cpu else _FIELDS.format("", ",trace")
            with text.open("wb") as out:
                _run(
                    [program, "script", "-i", str(readable), "--no-demangle", *shown, "-F", fields],
                    time_s,
                    out,
                )
            read = _on_cpu(text, cpu_s(used)) if on_cpu else _off_cpu(text, pids, time_s, blocked, folder)
            python_frames = pyframes.seen(pids)
            read.stacks = pyframes.with_lines(read.stacks, described)
            read.parts = {name: pyframes.with_lines(part, described) for name, part in read.parts.items()}
        finally:
            text.unlink(missing_ok=True)
            if readable != data:
                readable.unlink(missing_ok=True)
            if target.is_ours:
                pyframes.clear(pids)
        read.raw = [data, *dumps, *read.raw]
        lost = re.search(r"LOST (\d+) (?:samples|events|chunks)", recorded)
        if lost:
            read.missed = max(read.missed or 0, int(lost[1]))
        read.python_frames = python_frames
        return read


def cpu_s(stats: str) -> float | None:
    """The CPU time that processes used between two readings of their ``/proc/PID/stat``, in seconds.

    Threads that ended meanwhile count; a process does only if it is in both.
    """
    used: dict[str, list[float]] = {}
    for line in stats.splitlines():
        pid, _, rest = line.partition(" (")
        fields = rest.rpartition(") ")[2].split()
        if len(fields) > 12:
            used.setdefault(pid, []).append((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
    both = [times for times in used.values() if len(times) == 2]
    return sum(after - before for before, after in both) if both else None


def _on_cpu(text: Path, used_s: float | None) -> Recording:
    stacks = Stacks.read(text, "perf")
    # The clock is each thread's own and ticks while it runs: the rate is per second of processor time.
    return Recording(
        profiler="perf",
        stacks=stacks,
        raw=[],
        samples=stacks.total,
        missed=stacks.lost,
        errors=sum(stacks.skipped.values()),
        rate_hz=float(RATE_HZ),
        rate_reached_hz=stacks.total / used_s if used_s else None,
        processor_time_s=used_s,
    )


def _off_cpu(
    text: Path,
    pids: list[int],
    time_s: float,
    blocked: list[tuple[int, list[str]]],
    folder: Path,
) -> Recording:
    read = OffCpu.read(text, pids=pids, blocked=blocked, window_us=round(time_s * 1e6))
    waiting, runnable, throughout = read.waiting, read.runnable, read.throughout
    parts = {"waiting": waiting, "runnable, but without a processor": runnable}
    beside: list[Path] = []
    if throughout.total > waiting.total + runnable.total > 0:
        # Idle threads would take most of the width and say nothing of requests.
        beside = _beside(throughout, folder)
    else:
        parts["blocked throughout"] = throughout
    return Recording(
        profiler="perf",
        stacks=waiting,
        parts=parts,
        unit="µs",
        raw=beside,
        samples=read.switches,
        missed=waiting.lost,
        errors=0,
        off_cpu=OffCpuTimes(
            switches_per_s=read.switches / time_s,
            unpaired=read.unpaired,
            runnable_us=runnable.total,
            waiting_us=waiting.total,
            throughout_us=throughout.total,
            throughout_svg=beside[1].name if beside else None,
        ),
    )


def _beside(throughout: Stacks, folder: Path) -> list[Path]:
    collapsed, svg = folder / "off-cpu-throughout.collapsed", folder / "off-cpu-throughout.svg"
    cleaned = throughout.clean(drop_waiting=False)
    write_whole(collapsed, cleaned.collapsed())
    write_whole(
        svg, cleaned.svg("blocked throughout", subtitle="threads that served nobody meanwhile", unit="µs")
    )
    return [collapsed, svg]


def _run(words: list[str], time_s: float, out: object = subprocess.PIPE) -> tuple[str, str]:
    """Run perf. Returns what it said (on stderr), and what it printed if that did not go to ``out``."""
    environment = {**os.environ, "LC_ALL": "C", "PERF_BUILDID_DIR": "/dev/null"}
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=out,  # type: ignore[call-overload]
            stderr=subprocess.PIPE,
            env=environment,
            timeout=time_s + _END_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProfileError(
            f"{' '.join(words[:2])} did not end in time: record for less, or under less load"
        ) from None
    said = bytes(done.stderr).decode(errors="replace")
    if done.returncode:
        raise _why(said)
    return said, (done.stdout or b"").decode(errors="replace")


def _why(said: str) -> ProfileError:
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "perf failed")
    if "paranoid" in said or "ermission" in said:
        return NotPermitted(
            "perf is not permitted: run as root, or sysctl kernel.perf_event_paranoid=-1; see `hotlap doctor`"
        )
    if "unknown tracepoint" in said or "event syntax error" in said:
        return NotPermitted(
            "perf has no scheduler tracepoints here: run as root, mount tracefs; see `hotlap doctor`"
        )
    if "No such process" in said or "Couldn't record" in said:
        return ProfileError("the server ended before it could be recorded")
    return ProfileError(f"perf gave no profile: {last}")


RECORDER = Perf()
