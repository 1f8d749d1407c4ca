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

from hotlap.experiment import Experiment, Mode, Server
from hotlap.profiling.recorders import ProfileError, pyspy
from hotlap.serving.aftermath import scratch, start
from hotlap.serving.environment import BuildError, build_profiles

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
    checks: list[Callable[[], Check]] = [
        lambda: builds(experiment),
        lambda: symbols(experiment),
        tracing,
        perf_clock,
        perf_scheduler,
        perf_python,
        allocations,
        open_files,
        cores,
        browser,
    ]
    return [check() for check in checks]


def builds(experiment: Experiment | None) -> Check:
    """Whether the extensions are release builds."""
    name = "build profile"
    try:
        told = build_profiles(experiment or Experiment(name="", server=Server(), lanes=()))
    except BuildError as error:
        return Check(name=name, status="missing", found=str(error), remedy="maturin develop --release")
    return Check(name=name, status="ok", found=", ".join(f"{module}: {how}" for module, how in told.items()))


def symbols(experiment: Experiment | None) -> Check:
    """Whether the extensions have the debug information that names inlined functions."""
    name = "symbols"
    modules = ["hotlap._engine", *(experiment.extensions if experiment else ())]
    ask = "import importlib, sys; print(*(importlib.import_module(m).__file__ for m in sys.argv[1:]), sep='\\n')"
    root = experiment.root if experiment else "."
    told = subprocess.run(
        [sys.executable, "-c", ask, *modules],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    bare = [Path(line).name for line in told.stdout.split() if b".debug_line" not in Path(line).read_bytes()]
    if told.returncode or bare:
        found = f"no line tables in {', '.join(bare)}" if bare else "an extension cannot be imported"
        remedy = 'build with debug = "line-tables-only" (or more) and strip = "none" in the release profile'
        return Check(name=name, status="degraded", found=found, remedy=remedy)
    return Check(name=name, status="ok", found=f"line tables in {', '.join(modules)}")


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


def perf_python() -> Check:
    """Whether the interpreter can tell perf its frames."""
    name = "Python frames in perf"
    if sys.version_info >= (3, 12) and hasattr(sys, "activate_stack_trampoline"):
        return Check(
            name=name, status="ok", found=f"Python {sys.version_info[0]}.{sys.version_info[1]} names them"
        )
    return Check(
        name=name,
        status="degraded",
        found=f"Python {sys.version_info[0]}.{sys.version_info[1]} cannot name its frames for perf",
        remedy="use Python 3.12 or later, or the profiler py-spy",
    )


def allocations() -> Check:
    """Whether memray works here."""
    name = "memray"
    done = _run([sys.executable, "-c", "import memray; memray.Tracker"])
    if done is None or done.returncode:
        return Check(name=name, status="degraded", found=_last(done), remedy="pip install memray")
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
