"""What perf's text says, read from made text."""

from __future__ import annotations

import os
from pathlib import Path

import judging
import pytest

from hotlap.analysis.rules import profiles as rules
from hotlap.evidence.profile import OffCpuTimes, Profile
from hotlap.evidence.words import throughout as throughout_note
from hotlap.profiling.recorders import Recording, perf


def test_processor_time_is_that_between_two_readings() -> None:
    def line(pid: int, user: int, system: int) -> str:
        return f"{pid} (a (b) c) S 1 2 3 4 5 6 7 8 9 10 {user} {system} 0 0 20 0 4 0\n"

    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    both = line(7, 100, 10) + line(8, 5, 5) + line(7, 130, 20) + line(9, 50, 50)
    assert perf.cpu_s(both) == pytest.approx(40 * tick_s)
    assert perf.cpu_s(line(7, 1, 1)) is None


def doubts(recording: Recording) -> str:
    return judging.doubts(Profile(profiler="perf", mode="off-cpu", off_cpu=recording.off_cpu))


def off_cpu(recording: Recording) -> OffCpuTimes:
    assert recording.off_cpu is not None
    return recording.off_cpu


def test_too_many_switches_to_follow_are_said(tmp_path: Path) -> None:
    text = tmp_path / "switches.txt"
    text.write_text("".join(_switch(10, 1 + at / 1000) for at in range(1000)))
    few = perf._off_cpu(text, [10], 1.0, [], tmp_path)
    assert few.samples == 1000
    assert doubts(few) == ""
    many = perf._off_cpu(text, [10], 1000 / (rules.MOST_SWITCHES_HZ + 1), [], tmp_path)
    assert "more than recording can follow" in doubts(many)


def test_who_waits_throughout_drowns_nobody(tmp_path: Path) -> None:
    alone = [(10, ["thread (10): idler", "do_futex_[k]", "futex_wait_[k]"])]
    text = tmp_path / "switches.txt"
    text.write_text(
        _switch(10, 1.0).replace("prev_pid=10", "prev_pid=11").replace("10/10", "11/11")
        + "napper 11/11 1.200000: PERF_RECORD_SWITCH IN\n\n"
    )
    drowning = perf._off_cpu(text, [], 1.0, alone, tmp_path)
    assert off_cpu(drowning).throughout_us == 1_000_000
    assert list(drowning.parts) == ["waiting", "runnable, but without a processor"]
    assert [path.name for path in drowning.raw] == ["off-cpu-throughout.collapsed", "off-cpu-throughout.svg"]
    assert "futex_wait" in drowning.raw[1].read_text()
    assert "1.0 s of threads that were blocked throughout" in str(throughout_note(off_cpu(drowning)))
    beside = perf._off_cpu(text, [], 0.2, [], tmp_path)
    assert beside.raw == []
    assert throughout_note(off_cpu(beside)) is None
    assert "blocked throughout" in beside.parts


def _switch(tid: int, at_s: float) -> str:
    return (
        f"napper {tid}/{tid} {at_s:.6f}: sched:sched_switch: prev_comm=napper prev_pid={tid} prev_prio=120 "
        "prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=120\n\tffff schedule ([kernel.kallsyms])\n\n"
    )
