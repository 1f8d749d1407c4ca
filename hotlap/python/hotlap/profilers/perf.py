"""perf: every thread of every process, the kernel's part too, and the time spent off the processor."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from hotlap._engine import OffCpu, Stacks
from hotlap.experiment import Mode
from hotlap.profilers import Plain, ProfileError, Recording, Target, pyspy

RATE_HZ = 199
"""Not a divisor of what programs do in round numbers of times a second."""
STACK_BYTES = 8192
"""Of each stack, to be unwound later: libc and the interpreter have no frame pointers."""
MOST_SWITCHES_HZ = 50_000
"""Above this rate the recording of switches, each with its stack, cannot be written as fast as it comes."""
_END_TIMEOUT_S = 120.0
_FIELDS = "comm,pid,tid,time,event,{}ip,sym,dso{}"


class NotPermitted(ProfileError):
    """perf is not there or may not record this."""


class Perf(Plain):
    """``perf record`` with the software clock, or of the scheduler's switches for ``off-cpu``."""

    def env(self) -> dict[str, str]:
        """From 3.12 on the interpreter writes down its own frames for perf."""
        return {"PYTHONPERFSUPPORT": "1"}

    def record(self, target: Target, mode: Mode, time_s: float, folder: Path) -> Recording:
        """Record all the server's processes and threads."""
        try:
            return self._record(target, mode, time_s, folder)
        except NotPermitted as error:
            if mode != "off-cpu":
                raise
            # Better a coarse answer that says so than none.
            read = pyspy.RECORDER.record(target, mode, time_s, folder)
            read.facts["doubt"] = (
                f"{error}; py-spy sampled all threads instead, those that wait and those that run"
            )
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
        recorded = _run(
            [
                *(program, "record", *events, "--call-graph", f"dwarf,{STACK_BYTES}", "-m", "16M"),
                *("-o", str(data), "-p", ",".join(map(str, pids)), "--", "sleep", f"{time_s:g}"),
            ],
            time_s,
        )
        try:
            shown = ["--show-lost-events"] if on_cpu else ["--show-switch-events", "--show-lost-events"]
            fields = _FIELDS.format("period,", "") if on_cpu else _FIELDS.format("", ",trace")
            with text.open("wb") as out:
                _run([program, "script", "-i", str(data), "--no-demangle", *shown, "-F", fields], time_s, out)
            read = _on_cpu(text) if on_cpu else _off_cpu(text, pids, time_s)
        finally:
            text.unlink(missing_ok=True)
        read.raw = [data]
        lost = re.search(r"LOST (\d+) (?:samples|events|chunks)", recorded)
        if lost:
            read.missed = max(read.missed or 0, int(lost[1]))
        if sys.version_info < (3, 12):
            read.facts["python_frames"] = (
                "missing: Python {}.{} cannot name its frames for perf; 3.12 and later can".format(
                    *sys.version_info
                )
            )
        return read


def _on_cpu(text: Path) -> Recording:
    stacks = Stacks.read(text, "perf")
    # The clock is each thread's own and ticks while it runs, so that only what perf says it lost is missing.
    kept = stacks.total / (stacks.total + stacks.lost) if stacks.total else 0.0
    return Recording(
        profiler="perf",
        stacks=stacks,
        raw=[],
        samples=stacks.total,
        missed=stacks.lost,
        errors=sum(stacks.skipped.values()),
        rate_hz=float(RATE_HZ),
        rate_reached_hz=RATE_HZ * kept,
    )


def _off_cpu(text: Path, pids: list[int], time_s: float) -> Recording:
    read = OffCpu.read(text, pids=pids)
    waiting, runnable = read.waiting, read.runnable
    rate_hz = read.switches / time_s
    facts: dict[str, object] = {
        "switches_per_s": rate_hz,
        "unpaired": read.unpaired,
        "runnable_us": runnable.total,
        "waiting_us": waiting.total,
    }
    if rate_hz > MOST_SWITCHES_HZ:
        facts["doubt"] = (
            f"{rate_hz:,.0f} switches a second are more than recording can follow ({MOST_SWITCHES_HZ:,}): "
            "lower the load, or trust shares only"
        )
    return Recording(
        profiler="perf",
        stacks=waiting,
        parts={"waiting": waiting, "runnable, but without a processor": runnable},
        unit="µs",
        raw=[],
        samples=read.switches,
        missed=waiting.lost,
        errors=0,
        facts=facts,
    )


def _run(words: list[str], time_s: float, out: object = subprocess.PIPE) -> str:
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
    return said


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
