"""The recorders on a small process of their own: what they bring home, and what stands in for one that may not."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hotlap._engine import Stacks
from hotlap.experiment import Mode
from hotlap.profiling import doctor
from hotlap.profiling.profile import attach
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
    calls.write("native\n" if native else "python\n")
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
    recording = attach(busy, mode=mode, profiler="py-spy", time_s=1, folder=tmp_path).recording
    assert recording.raw[0].with_suffix(".txt.calls").read_text().split() == calls.split()
    assert "Python's frames only: use --profiler perf" in recording.facts["doubt"]
    assert recording.errors == 0
    # Without native frames nobody knows what held the interpreter.
    assert recording.facts.get("gil_outside_share") is None


def test_who_computes_in_python_holds_the_interpreter(busy: int, tmp_path: Path) -> None:
    facts = attach(busy, mode="gil", profiler=None, time_s=1, folder=tmp_path).recording.facts
    assert facts["gil_share"] > 0.5
    assert facts["gil_samples"] <= facts["gil_ticks"]


@pytest.mark.perf
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


@pytest.mark.perf
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


@pytest.mark.perf
def test_who_waits_throughout_is_drawn(busy: int, tmp_path: Path, need: Callable[[bool, str], None]) -> None:
    checked = doctor.perf_scheduler()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    seen = attach(busy, mode="off-cpu", profiler=None, time_s=1, folder=tmp_path)
    assert seen.recording.facts["throughout_us"] >= 1_000_000
    [*_, throughout] = [*seen.recording.parts.values(), *map(Stacks.read, _beside(seen.recording))]
    # Of Python's part, too: what the thread waits in, and what it is.
    assert throughout.under(r"^Event\.wait ") > 0.9
    assert "thread: Python thread" in dict(throughout.clean(drop_waiting=False).roots())


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


@pytest.mark.perf
def test_a_process_that_switches_faster_than_the_limit_is_doubted(
    busy: int, tmp_path: Path, need: Callable[[bool, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = doctor.perf_scheduler()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    monkeypatch.setattr(perf, "MOST_SWITCHES_HZ", 5)
    facts = attach(busy, mode="off-cpu", profiler=None, time_s=1, folder=tmp_path).recording.facts
    assert facts["switches_per_s"] > 5
    assert "more than recording can follow (5)" in facts["doubt"]
