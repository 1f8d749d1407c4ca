"""The recorders on a small process of their own: what they bring home, and what stands in for one that may not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hotlap import doctor
from hotlap._engine import Stacks
from hotlap.profile import attach
from hotlap.profilers import PROFILERS, ProfileError, Recording, perf, pyspy, recorder

BUSY = """
    import threading, time

    def computes():
        while True:
            sum(range(1000))

    def naps():
        while True:
            time.sleep(0.01)

    threading.Thread(target=naps, daemon=True).start()
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    print("ready", flush=True)
    computes()
"""


@pytest.fixture
def busy() -> Iterator[int]:
    """A process with a thread that computes, one that naps, and one that waits for ever."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(BUSY)], stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            yield child.pid
        finally:
            child.kill()


@pytest.fixture(scope="module", autouse=True)
def may_trace(need: Callable[[bool, str], None]) -> None:
    checked = doctor.tracing()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")


def test_every_mode_has_a_recorder_and_others_are_refused() -> None:
    for modes in PROFILERS.values():
        for mode in modes:
            assert recorder(mode, None) is not None
    with pytest.raises(
        ProfileError, match="perf does not record memory; that mode can be had from: allocations"
    ):
        recorder("memory", "perf")


def test_py_spy_says_how_much_it_rests_on(busy: int, tmp_path: Path) -> None:
    seen = attach(busy, mode="on-cpu", profiler="py-spy", time_s=1, folder=tmp_path)
    recording = seen.recording
    assert seen.stacks.under(r"^computes") > 0.5
    assert recording.samples is not None
    assert recording.samples > 10
    assert recording.errors is not None
    assert recording.rate_hz == pyspy.RATE_HZ
    assert recording.rate_reached_hz is not None
    assert 0 < recording.rate_reached_hz <= pyspy.RATE_HZ
    assert [path.stat().st_size > 0 for path in recording.raw] == [True]


def test_who_computes_in_python_holds_the_interpreter(busy: int, tmp_path: Path) -> None:
    facts = attach(busy, mode="gil", profiler=None, time_s=1, folder=tmp_path).recording.facts
    assert facts["gil_share"] > 0.5
    assert facts["gil_samples"] <= facts["gil_ticks"]


def test_perf_says_at_what_rate_it_sampled(
    busy: int, tmp_path: Path, need: Callable[[bool, str], None]
) -> None:
    checked = doctor.perf_clock()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    recording = attach(busy, mode="on-cpu", profiler="perf", time_s=1, folder=tmp_path).recording
    assert recording.samples
    assert recording.missed is not None
    used_s = recording.facts["processor_time_s"]
    assert 0 < used_s < 20
    assert recording.rate_reached_hz == pytest.approx(recording.samples / used_s)
    assert 0 < recording.rate_reached_hz < 2 * perf.RATE_HZ


def test_processor_time_is_that_between_two_readings() -> None:
    def line(pid: int, user: int, system: int) -> str:
        return f"{pid} (a (b) c) S 1 2 3 4 5 6 7 8 9 10 {user} {system} 0 0 20 0 4 0\n"

    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    both = line(7, 100, 10) + line(8, 5, 5) + line(7, 130, 20) + line(9, 50, 50)
    assert perf.cpu_s(both) == pytest.approx(40 * tick_s)
    assert perf.cpu_s(line(7, 1, 1)) is None


def test_a_nap_is_time_off_the_processor(
    busy: int, tmp_path: Path, need: Callable[[bool, str], None]
) -> None:
    checked = doctor.perf_scheduler()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    off = attach(busy, mode="off-cpu", profiler=None, time_s=1, folder=tmp_path)
    assert off.recording.unit == "µs"
    assert off.stacks.under("nanosleep") * off.stacks.total > 50_000
    assert 50_000 < off.recording.facts["waiting_us"] < 3_000_000
    assert "doubt" not in off.recording.facts


def _beside(recording: Recording) -> list[Path]:
    return [path for path in recording.raw if path.suffix == ".collapsed"]


def test_who_waits_throughout_is_drawn_and_drowns_nobody(
    busy: int, tmp_path: Path, need: Callable[[bool, str], None]
) -> None:
    checked = doctor.perf_scheduler()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    seen = attach(busy, mode="off-cpu", profiler=None, time_s=1, folder=tmp_path)
    assert seen.recording.facts["throughout_us"] >= 1_000_000
    [*_, throughout] = [*seen.recording.parts.values(), *map(Stacks.read, _beside(seen.recording))]
    # Of Python's part, too: what the thread waits in, and what it is.
    assert throughout.under(r"^Event\.wait ") > 0.9
    assert "thread: Python thread" in dict(throughout.clean(drop_waiting=False).roots())
    alone = [(10, ["thread (10): idler", "do_futex_[k]", "futex_wait_[k]"])]
    text = tmp_path / "switches.txt"
    text.write_text(
        _switch(10, 1.0).replace("prev_pid=10", "prev_pid=11").replace("10/10", "11/11")
        + "napper 11/11 1.200000: PERF_RECORD_SWITCH IN\n\n"
    )
    drowning = perf._off_cpu(text, [], 1.0, alone, tmp_path)
    assert drowning.facts["throughout_us"] == 1_000_000
    assert list(drowning.parts) == ["waiting", "runnable, but without a processor"]
    assert [path.name for path in drowning.raw] == ["off-cpu-throughout.collapsed", "off-cpu-throughout.svg"]
    assert "futex_wait" in drowning.raw[1].read_text()
    assert "1.0 s of threads that were blocked throughout" in str(drowning.facts["throughout"])
    beside = perf._off_cpu(text, [], 0.2, [], tmp_path)
    assert beside.raw == []
    assert "blocked throughout" in beside.parts


def test_where_perf_may_not_record_idle_samples_stand_in_and_say_so(
    busy: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "perf" else found(name))
    stood_in = attach(busy, mode="off-cpu", profiler=None, time_s=1, folder=tmp_path)
    assert stood_in.recording.profiler == "py-spy"
    assert stood_in.stacks.under(r"^naps") > 0.2
    assert "apt install linux-perf" in stood_in.recording.facts["doubt"]
    with pytest.raises(ProfileError, match="apt install linux-perf"):
        attach(busy, mode="on-cpu", profiler="perf", time_s=1, folder=tmp_path)


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Access to performance monitoring is limited: see perf_event_paranoid", "perf_event_paranoid=-1"),
        ("event syntax error: 'sched:sched_switch'\n unknown tracepoint", "mount tracefs"),
        ("Couldn't record kernel reference relocation symbol", "ended before it could be recorded"),
        ("something else\n", "something else"),
    ],
)
def test_what_perf_complains_of_has_a_remedy(
    said: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busy: int
) -> None:
    fake = tmp_path / "bin" / "perf"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{said}\nEND\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    with pytest.raises(ProfileError, match=remedy):
        attach(busy, mode="on-cpu", profiler="perf", time_s=0.1, folder=tmp_path)


def test_too_many_switches_to_follow_are_said(tmp_path: Path) -> None:
    text = tmp_path / "switches.txt"
    text.write_text("".join(_switch(10, 1 + at / 1000) for at in range(1000)))
    few = perf._off_cpu(text, [10], 1.0, [], tmp_path)
    assert few.samples == 1000
    assert "doubt" not in few.facts
    many = perf._off_cpu(text, [10], 1000 / (perf.MOST_SWITCHES_HZ + 1), [], tmp_path)
    assert "more than recording can follow" in str(many.facts["doubt"])


def test_a_process_that_switches_faster_than_the_limit_is_doubted(
    busy: int, tmp_path: Path, need: Callable[[bool, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = doctor.perf_scheduler()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    monkeypatch.setattr(perf, "MOST_SWITCHES_HZ", 5)
    facts = attach(busy, mode="off-cpu", profiler=None, time_s=1, folder=tmp_path).recording.facts
    assert facts["switches_per_s"] > 5
    assert "more than recording can follow (5)" in facts["doubt"]


def _switch(tid: int, at_s: float) -> str:
    return (
        f"napper {tid}/{tid} {at_s:.6f}: sched:sched_switch: prev_comm=napper prev_pid={tid} prev_prio=120 "
        "prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=120\n\tffff schedule ([kernel.kallsyms])\n\n"
    )
