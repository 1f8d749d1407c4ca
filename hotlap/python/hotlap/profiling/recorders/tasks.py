"""Suspended tasks: where requests wait while no thread is blocked, and how late the event loop runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from hotlap._engine import Histogram, Stacks
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.profile import TaskWaits, WaitKind
from hotlap.experiment import Mode
from hotlap.files import write_whole
from hotlap.profiling.attribution import WAITS_FOR
from hotlap.profiling.probe import Done, ProbeError
from hotlap.profiling.recorders import Plain, ProfileError, Recording, Target

INTERVAL_S = 0.02


class Tasks(Plain):
    """Samples the tasks of the event loops through the probe."""

    NEEDS_PROBE = True

    def prepare(self, target: Target) -> None:
        """Tasks that are there before the load are the server's own: they are left out."""
        assert target.probe is not None
        for pid in target.probe.workers(target.served.pids()):
            target.probe.ask(pid, "tasks_before", Done)

    def record(self, target: Target, mode: Mode, time_s: float, folder: Path) -> Recording:
        """Sample each worker, one after the other within the time."""
        assert target.probe is not None
        workers = target.probe.workers(target.served.pids())
        if not workers:
            raise ProfileError(
                "no process of the server has loaded the probe: is it Python, and started by hotlap?"
            )
        raw: list[Path] = []
        counts: Counter[tuple[str, ...]] = Counter()
        leaves: dict[str, WaitKind] = {}
        waits_for: Counter[str] = Counter()
        blocked_s: dict[str, float] = {}
        lags = Histogram()
        ticks = errors = 0
        look_s = took_s = 0.0
        for pid in workers:
            try:
                sampled = target.probe.ask(
                    pid,
                    "tasks",
                    _Sampled,
                    timeout_s=4 * time_s + 30,
                    time_s=time_s / len(workers),
                    interval_s=INTERVAL_S,
                )
            except ProbeError as error:
                raise ProfileError(str(error)) from None
            raw.append(folder / f"tasks-{pid}.json")
            write_whole(raw[-1], msgspec.json.encode(sampled))
            for wait in sampled.waits:
                leaf = f"{WAITS_FOR}{wait.what}"
                leaves[leaf] = _kind(wait.kind)
                counts[(*wait.frames, leaf)] += wait.count
                waits_for[wait.what] += wait.count
            for stack, seconds in sampled.blocked_s.items():
                blocked_s[stack] = blocked_s.get(stack, 0.0) + seconds
            for lag_s in sampled.lags_s:
                lags.record(round(lag_s * 1e6))
            ticks += sampled.ticks
            errors += sampled.errors
            look_s += sampled.look_s
            took_s += sampled.took_s
        total = counts.total()
        heaviest = sorted(waits_for.items(), key=lambda item: (-item[1], item[0]))
        return Recording(
            profiler="probe",
            stacks=Stacks.from_counts(
                [(list(stack), count) for stack, count in sorted(counts.items()) if count]
            ),
            raw=raw,
            samples=total,
            missed=0,
            errors=errors,
            rate_hz=1 / INTERVAL_S,
            rate_reached_hz=ticks / took_s,
            tasks=TaskWaits(
                waits_for={what: count / total for what, count in heaviest} if total else {},
                looked_s=time_s,
                tasks_mean=total / ticks if ticks else None,
                ms_per_look=1000 * look_s / ticks if ticks else None,
                share_of_loop=look_s / took_s,
                loop_lag_ms=Percentiles(
                    p50=lags.quantile_ms(0.5), p99=lags.quantile_ms(0.99), max=lags.max_ms
                ),
            ),
            wait_leaves=leaves,
            blocked_s=blocked_s,
        )


def _kind(name: str) -> WaitKind:
    """The kind of that name; an awaitable may name one that nobody knows."""
    return WaitKind(name) if name in {kind.value for kind in WaitKind} else WaitKind.OTHER


class _Waited(msgspec.Struct):
    frames: tuple[str, ...]
    kind: str
    what: str
    count: int


class _Sampled(msgspec.Struct):
    """What the probe of one process answers."""

    waits: list[_Waited]
    blocked_s: dict[str, float]
    lags_s: list[float]
    ticks: int
    errors: int
    look_s: float
    took_s: float


RECORDER = Tasks()
