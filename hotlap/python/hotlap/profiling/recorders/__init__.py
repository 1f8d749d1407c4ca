"""Profilers: a module each behind one protocol.

A recorder looks at a served process for a while and leaves raw recordings in a folder. What they
mean is decided elsewhere, the same way for all.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import msgspec

from hotlap._engine import Stacks
from hotlap.evidence.profile import (
    Allocations,
    Apart,
    GilHold,
    NativeFrames,
    OffCpuTimes,
    PythonFrames,
    TaskWaits,
    WaitKind,
)
from hotlap.experiment import Mode
from hotlap.profiling.probe import Probe
from hotlap.serving.server import Served

PROFILERS: dict[str, tuple[Mode, ...]] = {
    "pyspy": ("on-cpu", "gil"),
    "perf": ("off-cpu", "on-cpu"),
    "tasks": ("await",),
    "allocations": ("memory",),
}
"""The modules of this package and the modes that each can record; the first that can is a mode's default."""


class ProfileError(RuntimeError):
    """A profile that could not be taken: the message says why and what to do."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a recorder looks at."""

    served: Served
    is_ours: bool = False
    """Whether the lab started it, and so clears away what it leaves behind."""
    probe: Probe | None = None
    """The server's probe, for recorders that need one."""
    ask: Callable[[], None] | None = None
    """Sends one request and waits for its answer, for recorders that want no load beside it."""


class Recording(msgspec.Struct, kw_only=True):
    """What a recorder brings home. What is called as in ``Profile`` means the same."""

    profiler: str
    stacks: Stacks
    parts: dict[str, Stacks] = {}
    """Stacks that are kept apart in the graph, by their heading, instead of ``stacks``."""
    unit: str = "samples"
    raw: list[Path]
    samples: int | None = None
    waiting: int = 0
    """What is known to wait, and was left out of the stacks beforehand."""
    apart: list[Apart] = []
    missed: int | None = None
    errors: int | None = None
    looks: int | None = None
    rate_hz: float | None = None
    rate_reached_hz: float | None = None
    requests: int | None = None
    """How many requests the recording is of, where the recorder sent them itself."""
    processor_time_s: float | None = None
    stands_in: str | None = None
    native_frames: NativeFrames | None = None
    python_frames: PythonFrames | None = None
    gil: GilHold | None = None
    tasks: TaskWaits | None = None
    """Not yet told apart by who waits."""
    wait_leaves: dict[str, WaitKind] = {}
    """The innermost frames of the stacks of suspended tasks, and what each stands for."""
    blocked_s: dict[str, float] = {}
    """How long event loops were kept from running, by what ran meanwhile: frames joined by ``;``."""
    off_cpu: OffCpuTimes | None = None
    allocations: Allocations | None = None


class Recorder(Protocol):
    """A module of this package."""

    NEEDS_PROBE: bool
    """Whether the server has to load the probe, so that only one that the lab starts will do."""
    NEEDS_LOAD: bool
    """Whether the lane is kept loaded meanwhile."""

    def prepare(self, target: Target) -> None:
        """What has to be done before there is any load."""

    def loads_probe(self, version: tuple[int, int]) -> bool:
        """Whether a server that the lab starts on this Python loads it: it is needed, or tells more."""

    def env(self) -> dict[str, str]:
        """Variables that the server has to be started with."""

    def record(self, target: Target, mode: Mode, time_s: float, folder: Path) -> Recording:
        """Look at the server for ``time_s`` seconds; raw recordings go into ``folder``.

        Raises:
            ProfileError: it is not permitted or not installed, or the server ended.
        """


def recorder(mode: Mode, profiler: str | None) -> Recorder:
    """The recorder of a mode: the named one, or the mode's default.

    Raises:
        ProfileError: none can record that mode, or the named one cannot.
    """
    able = [name for name, modes in PROFILERS.items() if mode in modes]
    wanted = profiler.replace("-", "") if profiler else next(iter(able), None)
    if wanted not in able:
        who = f"{profiler} does not record" if profiler else "no profiler records"
        raise ProfileError(f"{who} {mode}; that mode can be had from: {', '.join(able) or 'none'}")
    found: Any = import_module(f"hotlap.profiling.recorders.{wanted}")
    recorder: Recorder = found.RECORDER
    return recorder


def chosen(mode: Mode, profiler: str | None) -> str | None:
    """The named profiler if it records that mode; ``None``, the mode's own, if it does not."""
    name = profiler.replace("-", "") if profiler else ""
    return profiler if mode in PROFILERS.get(name, ()) else None


class Plain:
    """A recorder that needs nothing of the server."""

    NEEDS_PROBE = False
    NEEDS_LOAD = True

    def prepare(self, target: Target) -> None:
        """Nothing."""

    def loads_probe(self, version: tuple[int, int]) -> bool:
        """Only where it is needed."""
        return self.NEEDS_PROBE

    def env(self) -> dict[str, str]:
        """None."""
        return {}
