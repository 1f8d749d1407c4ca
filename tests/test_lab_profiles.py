"""Every mode of profiling, on the service: real py-spy, perf and memray under real load."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from serving import need

from hotlap._engine import Stacks
from hotlap.evidence.profile import GilHold, PythonFrames, TaskWaits, WaitKind
from hotlap.evidence.words import PYTHON_FRAMES
from hotlap.experiment import Experiment, Lane, Load, Mode
from hotlap.load.locust_pool import LocustPool
from hotlap.load.trial import Offered, background_load
from hotlap.profiling.doctor import perf_clock, perf_scheduler, tracing
from hotlap.profiling.profile import Capture, Shot, attach, capture, record, subtitle
from hotlap.profiling.recorders import ProfileError
from hotlap.serving.server import served
from pyapp.experiment import create_experiment
from pyapp.settings import Settings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
ALLOCATION = (
    r"^(malloc|calloc|realloc|free|cfree|_int_|clone|drop_in_place|__rust_(alloc|dealloc)|alloc::"
    r"|.*GlobalAlloc|.*Clone|.*to_owned)"
)
LOOP = r"(^|::)(fold|try_rfold|rfold|parse_and_fold|sum_of_folds)"


def experiment(**settings: Any) -> Experiment:
    return msgspec.structs.replace(create_experiment(given=Settings(**settings)), root=str(ROOT))


def captured(
    folder: Path,
    lane_name: str,
    mode: Mode,
    profiler: str | None = None,
    users: int | None = None,
    **settings: Any,
) -> Capture:
    chosen = experiment(**settings)
    lane = chosen.lane(lane_name)
    load = lane.load if users is None else msgspec.structs.replace(lane.load, users=users)
    shot = Shot(mode=mode, profiler=profiler, time_s=3, folder=folder)
    return capture(chosen, offered(lane, load), shot, LocustPool(ahead=False))


def offered(lane: Lane, load: Load | None = None) -> Offered:
    """Locust's own users, under the lane's own load unless another is given."""
    return Offered(lane=lane, load=load or lane.load, engine="http")


def attached(pid: int, folder: Path, *, mode: Mode = "on-cpu", time_s: float = 1) -> Capture:
    """A recording of a process that runs already."""
    return attach(pid, Shot(mode=mode, profiler=None, time_s=time_s, folder=folder))


@pytest.fixture(scope="module", autouse=True)
def may_trace() -> None:
    checked = tracing()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")


@pytest.mark.measures
def test_cloning_shows_as_allocation_and_borrowing_does_not(tmp_path: Path) -> None:
    cloned = captured(tmp_path, "cpualloc/native", "on-cpu").stacks.within(LOOP)
    borrowed = captured(tmp_path, "cpu/native", "on-cpu").stacks.within(LOOP)
    assert cloned.total > 50
    assert borrowed.total > 50
    assert cloned.under(ALLOCATION) >= 0.5
    assert borrowed.under(ALLOCATION) < 0.05


@pytest.mark.measures
def test_the_interpreter_is_held_by_python_and_hardly_by_a_detached_loop(tmp_path: Path) -> None:
    def held(lane: str) -> GilHold:
        gil = captured(tmp_path, lane, "gil").recording.gil
        assert gil is not None
        return gil

    python, native = held("cpu/python"), held("cpu/native")
    assert python.samples > 50
    assert python.share is not None
    assert native.share is not None
    assert python.share > 2 * native.share
    assert python.outside_share is not None
    assert python.outside_share < 0.2


def tasks_of(captured: Capture) -> TaskWaits:
    """What the tasks waited for, of a recording that says so."""
    assert captured.recording.tasks is not None
    return captured.recording.tasks


@pytest.mark.measures
def test_requests_to_read_wait_for_its_lock(tmp_path: Path) -> None:
    python = captured(tmp_path, "read/python", "await", users=100)
    tasks = tasks_of(python)
    assert tasks.waits_for["asyncio.Lock"] >= 0.9
    assert tasks.tasks_mean == pytest.approx(100, rel=0.2)
    assert python.recording.wait_leaves["waits for: asyncio.Lock"] is WaitKind.LOCK
    native = captured(tmp_path, "read/native", "await", users=100)
    (first, share), *_ = tasks_of(native).waits_for.items()
    assert "FairLock" in first, tasks_of(native).waits_for
    assert share >= 0.9
    assert native.recording.wait_leaves[f"waits for: {first}"] is WaitKind.LOCK


@pytest.mark.measures
def test_requests_to_fast_wait_for_the_timer(tmp_path: Path) -> None:
    waits = tasks_of(captured(tmp_path, "fast/python", "await")).waits_for
    assert next(iter(waits)) == "a timer"


@pytest.mark.measures
def test_allocations_are_counted_for_each_request(tmp_path: Path) -> None:
    counts = {}
    for lane in ("cpualloc/native", "cpu/native"):
        for iterations in (1000, 3000):
            recording = captured(tmp_path, lane, "memory", iterations=iterations).recording
            assert recording.requests
            made = recording.allocations
            assert made is not None
            assert made.peak_rss_bytes is not None
            assert made.peak_rss_bytes > 1_000_000
            counts[lane, iterations] = made.allocations_per_request
            by_bytes = Stacks.read(tmp_path / "memory-bytes.collapsed").total
            assert by_bytes == pytest.approx(made.bytes_per_request * recording.requests)
            assert "<svg" in (tmp_path / "memory-bytes.svg").read_text()
    grown = counts["cpualloc/native", 3000] - counts["cpualloc/native", 1000]
    assert grown == pytest.approx(3 * 2000, abs=60)
    assert counts["cpu/native", 1000] < 100
    assert counts["cpu/native", 3000] == pytest.approx(counts["cpu/native", 1000], abs=60)


@pytest.mark.perf
@pytest.mark.measures
def test_perf_sees_the_threads_that_rust_started(tmp_path: Path) -> None:
    checked = perf_clock()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    before = left_by_perf(set())
    whole = captured(tmp_path, "fast/native", "on-cpu", "perf")
    assert whole.recording.samples is not None
    assert whole.recording.samples > 50
    roles = [name for name, _ in whole.stacks.roots()]
    assert any("server runtime" in role for role in roles), roles
    assert any(one.kind == "kernel" for one in whole.stacks.top(200))
    assert (tmp_path / "perf-on-cpu.data").exists()
    assert not any(one.name.endswith("_[k]") for one in whole.stacks.top(500))
    named = any(one.kind == "python" for one in whole.stacks.top(500))
    seen = whole.recording.python_frames
    if sys.version_info >= (3, 12):
        assert named
        assert seen is PythonFrames.WHOLE
        assert "Python" not in subtitle(whole, "on-cpu")
    else:
        assert not named
        assert seen is PythonFrames.MISSING
        assert "3.12" in " ".join(PYTHON_FRAMES[seen])
        assert "Python frames are missing" in subtitle(whole, "on-cpu")
    assert whole.probe == (sys.version_info >= (3, 12))
    assert not left_by_perf(before)


def left_by_perf(before: set[Path]) -> set[Path]:
    """What interpreters and perf have left where they exchange names, beside what was there."""
    folder = Path("/tmp")
    return {
        path for name in ("perf-*.map", "jit-*.dump", "jitted-*.so") for path in folder.glob(name)
    } - before


@pytest.mark.perf
@pytest.mark.measures
@pytest.mark.skipif(
    sys.version_info < (3, 12), reason="an older interpreter's stacks cannot be unwound by perf"
)
def test_perf_sees_whole_python_stacks(tmp_path: Path) -> None:
    checked = perf_clock()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    whole = captured(tmp_path, "cpu/python", "on-cpu", "perf", users=4)
    assert whole.stacks.within(r"^cpu ").total > 50
    assert whole.stacks.within(r"^cpu ").under(r"^fold ") > 0.9
    assert "thread: thread pool" in dict(whole.stacks.roots())
    (fold,) = [one.name for one in whole.stacks.top(100) if one.name.startswith("fold ")]
    place, _, line = fold.removeprefix("fold (").removesuffix(")").rpartition(":")
    assert (ROOT / place).read_text().splitlines()[int(line) - 1].startswith("def fold(")
    assert list(tmp_path.glob("jit-*.dump"))


@pytest.mark.perf
@pytest.mark.measures
def test_time_off_the_processor_is_told_apart(tmp_path: Path) -> None:
    checked = perf_scheduler()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    off = captured(tmp_path, "fast/native", "off-cpu")
    assert off.recording.unit == "µs"
    assert off.recording.off_cpu is not None
    assert off.recording.off_cpu.switches_per_s > 10
    roots = dict(off.stacks.roots())
    assert roots["thread: waiting"] > 0
    assert off.stacks.under("epoll_wait") > 0.1


def test_a_running_server_can_be_looked_at(tmp_path: Path) -> None:
    chosen = experiment()
    lane = chosen.lane("cpu/native")
    with (
        served(chosen, lane) as server,
        background_load(offered(lane), server, LocustPool(ahead=False)),
    ):
        assert server.pid is not None
        seen = attached(server.pid, tmp_path, time_s=2)
        assert seen.stacks.within(LOOP).total > 0
        needs_probe: tuple[Mode, ...] = ("await", "memory")
        for mode in needs_probe:
            with pytest.raises(ProfileError, match="server that hotlap starts"):
                attached(server.pid, tmp_path, mode=mode)
    with pytest.raises(ProfileError, match="no process"):
        attached(2**22 - 7, tmp_path)


def test_a_profile_that_cannot_be_taken_says_why_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = experiment()
    lane = chosen.lane("cpu/native")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr("hotlap.profiling.profile.served", _unserved)
    monkeypatch.setattr("hotlap.profiling.profile.background_load", _unserved)
    folder = tmp_path / "run" / "profiles" / "cpu-native"
    profile = record(
        chosen,
        offered(lane),
        Shot(mode="on-cpu", profiler=None, time_s=1, folder=folder),
        LocustPool(ahead=False),
        tmp_path / "run",
    )
    assert profile.error is not None
    assert "pip install py-spy" in profile.error


def _unserved(*_: object, **__: object) -> object:
    """What is loaded and served does not matter to a profiler that is not there."""
    from contextlib import nullcontext
    from unittest.mock import Mock

    return nullcontext(Mock(cpu_s=lambda: 1.0, url="http://127.0.0.1:1"))


def test_a_target_that_ends_meanwhile_is_said(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    with pytest.raises(ProfileError, match="no process"):
        attached(child.pid, tmp_path)
    asleep = subprocess.Popen(["sleep", "60"])
    try:
        with pytest.raises(ProfileError, match="py-spy gave no profile"):
            attached(asleep.pid, tmp_path)
    finally:
        asleep.kill()
        asleep.wait()


@pytest.mark.parametrize("form", ["svg", "collapsed", "speedscope", "pprof"])
def test_flame_writes_each_format(tmp_path: Path, form: str) -> None:
    target = tmp_path / f"flame.{form}"
    words = [sys.executable, "-m", "hotlap.cli", "flame", "cpu/native", "--time", "1", "--engine", "http"]
    done = subprocess.run(
        [*words, "--format", form, "-o", str(target), "--raw", str(tmp_path / "raw")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    starts = {"svg": b"<?xml", "speedscope": b"{", "pprof": b"\x1f\x8b", "collapsed": b""}[form]
    assert target.read_bytes().startswith(starts)
    assert target.stat().st_size > 500
    assert list((tmp_path / "raw").iterdir())


def test_diff_draws_what_the_clone_costs(tmp_path: Path) -> None:
    target = tmp_path / "diff.svg"
    words = [sys.executable, "-m", "hotlap.cli", "diff", "cpualloc/native", "cpu/native", "--time", "2"]
    done = subprocess.run(
        [*words, "--engine", "http", "-o", str(target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "µs per request" in done.stdout
    assert "malloc" in done.stdout
    assert "<svg" in target.read_text()


def test_doctor_tries_what_there_is() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hotlap.cli", "doctor", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    checks = {check["name"]: check for check in msgspec.json.decode(done.stdout)}
    assert checks["build profile"]["status"] == "ok"
    assert "release" in checks["build profile"]["found"]
    assert checks["symbols"]["status"] == "ok"
    assert all(check["status"] == "ok" or check["remedy"] for check in checks.values())
