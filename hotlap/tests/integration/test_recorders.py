"""The recorders on a small process of their own: what they bring home, and what stands in for one that may not."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import environments
import judging
import pytest

from hotlap._engine import Stacks
from hotlap.analysis.rules import profiles as rules
from hotlap.evidence.profile import NativeFrames, OffCpuTimes, Profile
from hotlap.experiment import Mode, Profiler
from hotlap.profiling import doctor
from hotlap.profiling.profile import Capture, Shot, attach
from hotlap.profiling.recorders import ProfileError, Recording, perf, pyspy

pytestmark = pytest.mark.measures

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


def seen_of(
    pid: int, folder: Path, *, mode: Mode, profiler: Profiler | None = None, time_s: float = 1
) -> Capture:
    """A recording of a process that runs already."""
    return attach(pid, Shot(mode=mode, profiler=profiler, time_s=time_s, folder=folder))


def off_cpu(recording: Recording) -> OffCpuTimes:
    """Where the time of threads went, of a recording that says so."""
    assert recording.off_cpu is not None
    return recording.off_cpu


def doubts(recording: Recording, mode: Mode = "off-cpu") -> str:
    """What a report doubts of a profile that was recorded so, because of how it was."""
    return judging.doubts(
        Profile(
            profiler=recording.profiler,
            mode=mode,
            stands_in=recording.stands_in,
            native_frames=recording.native_frames,
            gil=recording.gil,
            off_cpu=recording.off_cpu,
        )
    )


def test_py_spy_says_how_much_it_rests_on(busy: int, tmp_path: Path) -> None:
    seen = seen_of(busy, tmp_path, mode="on-cpu", profiler="py-spy")
    recording = seen.recording
    assert seen.stacks.under(r"^computes") > 0.5
    assert recording.samples is not None
    assert recording.samples > 10
    assert recording.errors is not None
    assert recording.rate_hz == pyspy.RATE_HZ
    assert recording.rate_reached_hz is not None
    assert 0 < recording.rate_reached_hz <= pyspy.RATE_HZ
    assert [path.stat().st_size > 0 for path in recording.raw] == [True]


STUBBORN = r"""#!{python}
import sys
words = sys.argv[1:]
raw, pid = words[words.index("--output") + 1], words[words.index("--pid") + 1]
native = "--native" in words
with open(raw, "w") as out:
    out.write("work (app.py:1) 3\n")
if native and {lost}:
    print(f"WARN  Failed to profile python from process {{pid}}: Failed to merge native and python frames", file=sys.stderr)
elif native:
    for _ in range(51):
        print(f"WARN  Failed to get stack trace from {{pid}}: Failed to merge", file=sys.stderr)
with open(raw + ".calls", "a") as calls:
    calls.write("native\n" if native else "unstopped\n" if "--nonblocking" in words else "python\n")
print("py-spy> Wrote raw flamegraph data. Samples: 3 Errors: 0")
"""


@pytest.mark.parametrize(("lost", "calls"), [(True, "native native python"), (False, "native python")])
@pytest.mark.parametrize("mode", ["on-cpu", "gil"])
def test_where_native_stacks_cannot_be_unwound_there_are_pythons(
    lost: bool, calls: str, mode: Mode, busy: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "py-spy"
    fake.write_text(STUBBORN.format(python=sys.executable, lost=lost))
    fake.chmod(0o755)
    monkeypatch.setattr(pyspy, "program", lambda: str(fake))
    recording = seen_of(busy, tmp_path, mode=mode, profiler="py-spy").recording
    called = [path.with_suffix(".txt.calls").read_text().split() for path in recording.raw]
    assert called == [calls.split(), *([["unstopped"]] if mode == "gil" else [])]
    assert recording.native_frames is NativeFrames.UNREADABLE
    assert "Python's frames only: use --profiler perf" in doubts(recording, mode)
    assert recording.errors == 0
    # Without native frames nobody knows what held the interpreter.
    assert (recording.gil is not None) == (mode == "gil")
    assert recording.gil is None or recording.gil.outside_share is None


def test_who_computes_in_python_holds_the_interpreter(busy: int, tmp_path: Path) -> None:
    gil = seen_of(busy, tmp_path, mode="gil").recording.gil
    assert gil is not None
    assert gil.share is not None
    assert gil.share > 0.5
    assert gil.samples <= gil.looks


HOLDS = """
    import hashlib, threading

    data = bytes(100_000)

    def holds():
        value = 0
        while True:
            for number in range(1000):
                value += number * number % 7

    def hashes():
        hashed = hashlib.sha256()
        while True:
            hashed.update(data)

    for _ in range({hashers}):
        threading.Thread(target=hashes, daemon=True).start()
    print("ready", flush=True)
    holds()
"""


@pytest.mark.parametrize("hashers", [1, 8])
@pytest.mark.parametrize("version", environments.at_hand("3.11", "3.12", "3.13", "3.14"))
def test_who_lets_go_of_the_interpreter_is_not_taken_for_its_holder(
    version: str, hashers: int, tmp_path: Path
) -> None:
    python = environments.python_of(version)
    assert python is not None
    source = textwrap.dedent(HOLDS.format(hashers=hashers))
    with subprocess.Popen([python, "-c", source], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            seen = seen_of(child.pid, tmp_path, mode="gil", time_s=4)
        finally:
            child.kill()
    gil = seen.recording.gil
    assert gil is not None
    assert gil.unstopped_samples
    assert gil.moved_share is not None
    # Each of many that is let in, and then has to wait for a processor, truly keeps the others out meanwhile.
    assert seen.stacks.under("^holds") > (0.95 if hashers == 1 else 0.75)
    # Where stopping the process changed who holds it, the profile says so and is without that.
    distorted = gil.moved_share > pyspy.MOST_MOVED
    assert (seen.recording.native_frames is NativeFrames.DISTORT) == distorted
    assert ("moved" in doubts(seen.recording, "gil")) == distorted


@pytest.mark.perf
def test_perf_says_at_what_rate_it_sampled(
    busy: int, tmp_path: Path, need: Callable[[bool, str], None]
) -> None:
    checked = doctor.perf_clock()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    recording = seen_of(busy, tmp_path, mode="on-cpu", profiler="perf").recording
    assert recording.samples
    assert recording.missed is not None
    used_s = recording.processor_time_s
    assert used_s is not None
    assert 0 < used_s < 20
    assert recording.rate_reached_hz is not None
    assert recording.rate_reached_hz == pytest.approx(recording.samples / used_s)
    assert 0 < recording.rate_reached_hz < 2 * perf.RATE_HZ


@pytest.mark.perf
def test_a_nap_is_time_off_the_processor(
    busy: int, tmp_path: Path, need: Callable[[bool, str], None]
) -> None:
    checked = doctor.perf_scheduler()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    off = seen_of(busy, tmp_path, mode="off-cpu")
    assert off.recording.unit == "µs"
    assert off.stacks.under("nanosleep") * off.stacks.total > 50_000
    assert 50_000 < off_cpu(off.recording).waiting_us < 3_000_000
    assert off.recording.stands_in is None
    assert doubts(off.recording) == ""


def _beside(recording: Recording) -> list[Path]:
    return [path for path in recording.raw if path.suffix == ".collapsed"]


@pytest.mark.perf
def test_who_waits_throughout_is_drawn(busy: int, tmp_path: Path, need: Callable[[bool, str], None]) -> None:
    checked = doctor.perf_scheduler()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    seen = seen_of(busy, tmp_path, mode="off-cpu")
    assert off_cpu(seen.recording).throughout_us >= 1_000_000
    [*_, throughout] = [*seen.recording.parts.values(), *map(Stacks.read, _beside(seen.recording))]
    # Of Python's part, too: what the thread waits in, and what it is.
    assert throughout.under(r"^Event\.wait ") > 0.9
    assert "thread: Python thread" in dict(throughout.clean(drop_waiting=False).roots())


def test_where_perf_may_not_record_idle_samples_stand_in_and_say_so(
    busy: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "perf" else found(name))
    stood_in = seen_of(busy, tmp_path, mode="off-cpu")
    assert stood_in.recording.profiler == "py-spy"
    assert stood_in.stacks.under(r"^naps") > 0.2
    assert "apt install linux-perf" in doubts(stood_in.recording)
    with pytest.raises(ProfileError, match="apt install linux-perf"):
        seen_of(busy, tmp_path, mode="on-cpu", profiler="perf")


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
        seen_of(busy, tmp_path, mode="on-cpu", profiler="perf", time_s=0.1)


@pytest.mark.perf
def test_a_process_that_switches_faster_than_the_limit_is_doubted(
    busy: int, tmp_path: Path, need: Callable[[bool, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = doctor.perf_scheduler()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    recording = seen_of(busy, tmp_path, mode="off-cpu").recording
    assert off_cpu(recording).switches_per_s > 5
    assert doubts(recording) == ""
    monkeypatch.setattr(rules, "MOST_SWITCHES_HZ", 5)
    assert "more than recording can follow (5)" in doubts(recording)
