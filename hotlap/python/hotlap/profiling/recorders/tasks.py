"""Suspended tasks: where requests wait while no thread is blocked, and how late the event loop runs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from hotlap._engine import Histogram, Stacks
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.profile import TaskWaits, WaitKind
from hotlap.experiment import Mode
from hotlap.files import write_whole
from hotlap.profiling.attribution import WAITS_FOR
from hotlap.profiling.probe import Probe, ProbeError
from hotlap.profiling.recorders import Plain, ProfileError, Recording, Target
from hotlap.serving.roles import Role

INTERVAL_S = 0.02


READY_TIMEOUT_S = 10.0
SETTLED_S = 0.5
"""So long nothing new may be seen of the workers before they are taken for ready."""
_POLL_S = 0.1


class Tasks(Plain):
    """Samples the tasks of the event loops through the probe."""

    NEEDS_PROBE = True

    def prepare(self, target: Target) -> None:
        """Tasks that are there before the load are the server's own: they are left out.

        A worker may still be starting when another answers: those are waited for.
        """
        assert target.probe is not None
        before: dict[int, _Before] = {}
        same_since_s = time.monotonic()
        until_s = same_since_s + READY_TIMEOUT_S
        while True:
            known, serving = before, _serving(target)
            before = {pid: target.probe.ask(pid, "tasks_before", _Before) for pid in serving}
            loops = [before[pid].loops for pid, role in serving.items() if role is Role.WORKER]
            if before != known or not (all(loops) or not any(loops)):
                same_since_s = time.monotonic()
            if time.monotonic() > min(until_s, same_since_s + SETTLED_S):
                break
            time.sleep(_POLL_S)

    def record(self, target: Target, mode: Mode, time_s: float, folder: Path) -> Recording:
        """Sample all workers at once."""
        assert target.probe is not None
        workers = target.probe.present(target.served.workers())
        if not workers:
            raise ProfileError(
                "no process of the server has loaded the probe: is it Python, and started by hotlap?"
            )
        sampled, failed = _all_at_once(target.probe, workers, time_s)
        raw: list[Path] = []
        counts: Counter[tuple[str, ...]] = Counter()
        leaves: dict[str, WaitKind] = {}
        waits_for: Counter[str] = Counter()
        blocked_s: dict[str, float] = {}
        lags = Histogram()
        for pid, told in sampled.items():
            raw.append(folder / f"tasks-{pid}.json")
            write_whole(raw[-1], msgspec.json.encode(told))
            for stack, seconds in told.blocked_s.items():
                blocked_s[stack] = blocked_s.get(stack, 0.0) + seconds
            for lag_s in told.lags_s:
                lags.record(round(lag_s * 1e6))
        for wait, count in evened(list(sampled.values())):
            leaf = f"{WAITS_FOR}{wait.what}"
            leaves[leaf] = _kind(wait.kind)
            counts[(*wait.frames, leaf)] += count
            waits_for[wait.what] += count
        ticks = sum(told.ticks for told in sampled.values())
        look_s = sum(told.look_s for told in sampled.values())
        took_s = sum(told.took_s for told in sampled.values())
        total = counts.total()
        heaviest = sorted(waits_for.items(), key=lambda item: (-item[1], item[0]))
        return Recording(
            profiler="probe",
            stacks=Stacks.from_counts(
                [(list(stack), count) for stack, count in sorted(counts.items()) if count]
            ),
            raw=raw,
            samples=sum(wait.count for told in sampled.values() for wait in told.waits),
            missed=0,
            errors=failed + sum(told.errors for told in sampled.values()),
            rate_hz=1 / INTERVAL_S,
            rate_reached_hz=ticks / took_s,
            tasks=TaskWaits(
                waits_for={what: count / total for what, count in heaviest} if total else {},
                looked_s=time_s,
                tasks_mean=_tasks_mean(sampled.values()) if ticks else None,
                ms_per_look=1000 * look_s / ticks if ticks else None,
                share_of_loop=look_s / took_s,
                loop_lag_ms=Percentiles(
                    p50=lags.quantile_ms(0.5), p99=lags.quantile_ms(0.99), max=lags.max_ms
                ),
            ),
            wait_leaves=leaves,
            blocked_s=blocked_s,
        )


def _serving(target: Target) -> dict[int, Role]:
    """The processes with a probe that serve, or may soon."""
    assert target.probe is not None
    roles = {pid: role for pid, role in target.served.roles().items() if role in (Role.WORKER, Role.HELPER)}
    return {pid: roles[pid] for pid in target.probe.present(list(roles))}


def _all_at_once(probe: Probe, workers: list[int], time_s: float) -> tuple[dict[int, Sampled], int]:
    """What each worker says, by its process, and how many could not be asked: one may end meanwhile, not all."""

    def ask(pid: int) -> Sampled | ProbeError:
        try:
            return probe.ask(
                pid, "tasks", Sampled, timeout_s=4 * time_s + 30, time_s=time_s, interval_s=INTERVAL_S
            )
        except ProbeError as error:
            return error

    with ThreadPoolExecutor(len(workers)) as threads:
        told = dict(zip(workers, threads.map(ask, workers), strict=True))
    sampled = {pid: one for pid, one in told.items() if isinstance(one, Sampled)}
    if not sampled:
        raise ProfileError(str(next(iter(told.values()))))
    return sampled, len(told) - len(sampled)


def evened(sampled: Sequence[Sampled]) -> list[tuple[Waited, int]]:
    """The waits of several workers, as if each had been looked at as often as the one that was looked at least: pure.

    A worker with many tasks is looked at less often, so that its waits would count for less. What is left over of one
    wait is carried on to the next, so that rare ones are not lost altogether.
    """
    fewest = min((one.ticks for one in sampled if one.ticks), default=0)
    found = []
    carried = 0.5
    for one in sampled:
        for wait in sorted(one.waits, key=lambda wait: (wait.what, wait.frames)):
            carried += wait.count * fewest / one.ticks
            count = int(carried)
            carried -= count
            if count:
                found.append((wait, count))
    return found


def _tasks_mean(sampled: Iterable[Sampled]) -> float:
    return sum(sum(wait.count for wait in one.waits) / one.ticks for one in sampled if one.ticks)


def _kind(name: str) -> WaitKind:
    """The kind of that name; an awaitable may name one that nobody knows."""
    return WaitKind(name) if name in {kind.value for kind in WaitKind} else WaitKind.OTHER


class _Before(msgspec.Struct):
    """What the probe answers of what is there before the load."""

    tasks: int
    loops: int


class Waited(msgspec.Struct):
    """A wait of tasks, the outermost frame of their chain first, and how many were found in it."""

    frames: tuple[str, ...]
    kind: str
    what: str
    count: int


class Sampled(msgspec.Struct):
    """What the probe of one process answers."""

    waits: list[Waited]
    blocked_s: dict[str, float]
    lags_s: list[float]
    ticks: int
    errors: int
    look_s: float
    took_s: float


RECORDER = Tasks()
