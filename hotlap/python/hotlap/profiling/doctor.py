"""What works on this machine, and what to do about what does not."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from hotlap.experiment import Experiment, Lane, Mode, Server
from hotlap.profiling.needs import lacking
from hotlap.profiling.recorders import ProfileError, pyspy
from hotlap.serving.aftermath import scratch, start
from hotlap.serving.environment import BuildError, build_profiles
from hotlap.serving.environment import builds as builds_of
from hotlap.serving.ways import ServeError, Way, way_of

Status = Literal["ok", "degraded", "missing"]

_FILES_WANTED = 10_000
_TRY_S = 20.0
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox")

_NEEDS: dict[Mode, str] = {
    "on-cpu": "py-spy, and the right to trace (root, or CAP_SYS_PTRACE)",
    "gil": "py-spy, and the right to trace (root, or CAP_SYS_PTRACE)",
    "off-cpu": "perf, and the right to the scheduler's tracepoints (root)",
    "await": "a server that hotlap starts",
    "memory": "a server that hotlap starts, with memray beside it",
}


_NOTHING = Experiment(name="", server=Server(app=""), lanes=())


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried. ``degraded``: the lab runs, with less."""

    name: str
    status: Status
    found: str
    remedy: str | None = None


def needed(modes: Sequence[Mode]) -> list[str]:
    """What each mode of profiling needs, a line each."""
    return [f"{_NEEDS[mode]}, for {mode}" for mode in modes]


def examine(experiment: Experiment | None) -> list[Check]:
    """Try everything; ``experiment`` for the extensions that it names, if there is one here."""
    way = _way(experiment)
    checks: list[Callable[[], Check]] = [
        lambda: builds(experiment),
        lambda: symbols(experiment),
        tracing,
        perf_clock,
        perf_scheduler,
        lambda: perf_python(way.version),
        lambda: allocations(way),
        open_files,
        cores,
        browser,
    ]
    return [*(served(experiment) if experiment is not None else []), *(check() for check in checks)]


def builds(experiment: Experiment | None) -> Check:
    """Whether the extensions are release builds."""
    name = "build profile"
    try:
        told = build_profiles(experiment or _NOTHING)
    except BuildError as error:
        return Check(name=name, status="missing", found=str(error), remedy="maturin develop --release")
    return Check(name=name, status="ok", found=", ".join(f"{module}: {how}" for module, how in told.items()))


def symbols(experiment: Experiment | None) -> Check:
    """Whether the extensions have the debug information that names inlined functions."""
    name = "symbols"
    try:
        found = builds_of(experiment or _NOTHING)
    except BuildError as error:
        return Check(name=name, status="degraded", found=str(error), remedy="build first: maturin develop")
    files = [Path(build.file) for build in found.values()]
    bare = [file.name for file in files if b".debug_line" not in file.read_bytes()]
    if bare:
        remedy = 'build with debug = "line-tables-only" (or more) and strip = "none" in the release profile'
        return Check(
            name=name, status="degraded", found=f"no line tables in {', '.join(bare)}", remedy=remedy
        )
    return Check(name=name, status="ok", found=f"line tables in {', '.join(found)}")


def tracing() -> Check:
    """Whether py-spy may read another process: tried on one of our own."""
    name = "py-spy"
    remedy = "run as root, or give CAP_SYS_PTRACE (docker run --cap-add SYS_PTRACE); sysctl kernel.yama.ptrace_scope=0"
    try:
        program = pyspy.program()
    except ProfileError as error:
        return Check(name=name, status="missing", found=str(error), remedy="pip install py-spy")
    with _busy_child() as child:
        done = _run([program, "dump", "--native", "--pid", str(child.pid)])
    if done is None or done.returncode:
        return Check(name=name, status="missing", found=_last(done), remedy=remedy)
    return Check(name=name, status="ok", found="may trace, with native frames")


def perf_clock() -> Check:
    """Whether perf records with the software clock."""
    name = "perf"
    if shutil.which("perf") is None:
        return Check(
            name=name,
            status="degraded",
            found="perf is not installed",
            remedy="apt install linux-perf (or linux-tools)",
        )
    return _perf(
        name, ["-e", "cpu-clock"], "records with the software clock", "sysctl kernel.perf_event_paranoid=1"
    )


def perf_scheduler() -> Check:
    """Whether perf may record the scheduler's tracepoints."""
    name = "off-cpu"
    if shutil.which("perf") is None:
        return Check(
            name=name, status="degraded", found="perf is not installed", remedy="apt install linux-perf"
        )
    remedy = "run as root with tracefs mounted, and sysctl kernel.perf_event_paranoid=-1"
    return _perf(name, ["-e", "sched:sched_switch"], "records the scheduler's switches", remedy)


def served(experiment: Experiment) -> list[Check]:
    """By which server, on which interpreter the lanes of each suite are served, and what is missing there."""
    checks: list[Check] = []
    for suite in experiment.suites():
        lanes = [lane for lane in experiment.lanes if lane.suite == suite]
        told = {lane.name: _served(experiment, lane) for lane in lanes}
        for one in dict.fromkeys(told.values()):
            names = [name for name, other in told.items() if other == one]
            of = "" if len(names) == len(lanes) else f" ({', '.join(names)})"
            checks.append(msgspec.structs.replace(one, name=f"suite {suite}{of}"))
    return checks


def _served(experiment: Experiment, lane: Lane) -> Check:
    try:
        way = way_of(lane.server or experiment.server, Path(experiment.root))
    except ServeError as error:
        return Check(name="", status="missing", found=str(error))
    by = way.evidence
    found = f"served by {by.title()}" + (f", {by.python}" if by.python is not None else "")
    for mode in lane.profiles:
        if said := lacking(lane.name, mode, way):
            return Check(name="", status="missing", found=f"{found}; {said}")
    return Check(name="", status="ok", found=found)


def _way(experiment: Experiment | None) -> Way:
    """How the experiment's app is served; without one, or where that is not known, what the lab's Python has."""
    if experiment is not None:
        with contextlib.suppress(ServeError):
            return way_of(experiment.server, Path(experiment.root))
    return way_of(Server(command=("python",)), Path.cwd())


def perf_python(version: tuple[int, int]) -> Check:
    """Whether the interpreter that the app runs in can tell perf its frames."""
    name, python = "Python frames in perf", f"Python {version[0]}.{version[1]}"
    if version >= (3, 12):
        return Check(name=name, status="ok", found=f"{python} names them")
    return Check(
        name=name,
        status="degraded",
        found=f"{python} cannot name its frames for perf",
        remedy="use Python 3.12 or later, or the profiler py-spy",
    )


def allocations(way: Way) -> Check:
    """Whether memray is there, in the interpreter that the app runs in."""
    name = "memray"
    python = way.interpreter.path if way.interpreter is not None else sys.executable
    done = _run([python, "-c", "import memray; memray.Tracker"])
    if done is None or done.returncode:
        remedy = way.lacks("memray") or f"{python} -m pip install memray"
        return Check(name=name, status="degraded", found=_last(done), remedy=remedy)
    return Check(name=name, status="ok", found="records allocations of servers that hotlap starts")


def open_files() -> Check:
    """How many connections the limit of open files allows."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    found = f"{hard} for each process: about {max(0, hard - 100)} users"
    if hard != resource.RLIM_INFINITY and hard < _FILES_WANTED:
        remedy = "raise the hard limit: ulimit -Hn 65536 as root, or LimitNOFILE= of the service"
        return Check(name="open files", status="degraded", found=found, remedy=remedy)
    return Check(name="open files", status="ok", found=found)


def cores() -> Check:
    """Whether generator and server have a core each, and more."""
    usable = len(os.sched_getaffinity(0))
    if usable < 2:
        return Check(
            name="cores",
            status="degraded",
            found=f"{usable} core: generator and server take it from each other",
            remedy="use a machine with 4 cores or more, and rank by server CPU per request",
        )
    return Check(name="cores", status="ok", found=f"{usable} cores")


def browser() -> Check:
    """Whether there is a browser to open a report with."""
    found = next((name for name in _BROWSERS if shutil.which(name)), None)
    if found is None:
        return Check(
            name="browser",
            status="degraded",
            found="none here",
            remedy="apt install chromium, or copy the report elsewhere",
        )
    return Check(name="browser", status="ok", found=found)


@contextlib.contextmanager
def _busy_child() -> Iterator[subprocess.Popen[bytes]]:
    child = start([sys.executable, "-c", "print(1, flush=True)\nwhile True: pass"], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
    finally:
        child.kill()
        child.wait()


def _perf(name: str, events: list[str], works: str, remedy: str) -> Check:
    with scratch("doctor") as folder, _busy_child() as child:
        data = folder / "perf.data"
        done = _run(["perf", "record", *events, "-o", str(data), "-p", str(child.pid), "--", "sleep", "0.2"])
        empty = not data.exists() or data.stat().st_size == 0
    if done is None or done.returncode or empty:
        return Check(name=name, status="degraded", found=_last(done), remedy=remedy)
    return Check(name=name, status="ok", found=works)


def _run(words: list[str]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TRY_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _last(done: subprocess.CompletedProcess[str] | None) -> str:
    if done is None:
        return f"it could not be run, or did not end within {_TRY_S:g} s"
    return next(
        (line.strip() for line in reversed(f"{done.stdout}\n{done.stderr}".splitlines()) if line.strip()),
        "it failed",
    )
