"""Suspended tasks: where requests wait while no thread is blocked, and how late the event loop runs."""

from __future__ import annotations

import json
from pathlib import Path

from hotlap._engine import Histogram, Stacks
from hotlap.experiment import Mode
from hotlap.profiling.probe import ProbeError
from hotlap.profiling.recorders import Plain, ProfileError, Recording, Target

INTERVAL_S = 0.02


class Tasks(Plain):
    """Samples the tasks of the event loops through the probe."""

    NEEDS_PROBE = True
    LOADS_PROBE = True

    def prepare(self, target: Target) -> None:
        """Tasks that are there before the load are the server's own: they are left out."""
        assert target.probe is not None
        for pid in target.probe.workers(target.served.pids()):
            target.probe.ask(pid, "tasks_before")

    def record(self, target: Target, mode: Mode, time_s: float, folder: Path) -> Recording:
        """Sample each worker, one after the other within the time."""
        assert target.probe is not None
        workers = target.probe.workers(target.served.pids())
        if not workers:
            raise ProfileError(
                "no process of the server has loaded the probe: is it Python, and started by hotlap?"
            )
        raw: list[Path] = []
        counts: dict[str, int] = {}
        blocked_s: dict[str, float] = {}
        lags = Histogram()
        ticks = errors = 0
        look_s = took_s = 0.0
        for pid in workers:
            try:
                told = target.probe.ask(
                    pid,
                    "tasks",
                    timeout_s=4 * time_s + 30,
                    time_s=time_s / len(workers),
                    interval_s=INTERVAL_S,
                )
            except ProbeError as error:
                raise ProfileError(str(error)) from None
            raw.append(folder / f"tasks-{pid}.json")
            raw[-1].write_text(json.dumps(told))
            for stack, count in told["stacks"].items():
                counts[stack] = counts.get(stack, 0) + count
            for stack, seconds in told["blocked_s"].items():
                blocked_s[stack] = blocked_s.get(stack, 0.0) + seconds
            for lag_s in told["lags_s"]:
                lags.record(round(lag_s * 1e6))
            ticks += told["ticks"]
            errors += told["errors"]
            look_s += told["look_s"]
            took_s += told["took_s"]
        total = sum(counts.values())
        waits: dict[str, int] = {}
        for stack, count in counts.items():
            ending = stack.rpartition(";")[2].removeprefix("waits for: ")
            waits[ending] = waits.get(ending, 0) + count
        heaviest = sorted(waits.items(), key=lambda item: (-item[1], item[0]))
        return Recording(
            profiler="probe",
            stacks=Stacks.from_counts(
                [(stack.split(";"), count) for stack, count in sorted(counts.items()) if count]
            ),
            raw=raw,
            samples=total,
            missed=0,
            errors=errors,
            rate_hz=1 / INTERVAL_S,
            rate_reached_hz=ticks / took_s,
            facts={
                "waits_for": {name: count / total for name, count in heaviest} if total else {},
                "blocked_s": blocked_s,
                "blocked_of_s": time_s,
                "tasks_mean": total / ticks if ticks else None,
                "probe_ms_per_look": 1000 * look_s / ticks if ticks else None,
                "probe_share_of_loop": look_s / took_s,
                "loop_lag_ms": {
                    "p50": lags.quantile_ms(0.5),
                    "p99": lags.quantile_ms(0.99),
                    "max": lags.max_ms,
                },
            },
        )


RECORDER = Tasks()
