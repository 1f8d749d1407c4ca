"""Allocations by stack and per request, with native frames: memray, switched on within the server."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import msgspec

from hotlap._engine import Stacks
from hotlap.evidence.profile import Allocations as Counted
from hotlap.evidence.profile import BytesOf
from hotlap.experiment import Mode
from hotlap.experiment.interpreter import ScriptError, run_inside
from hotlap.files import write_whole
from hotlap.profiling.probe import Done, ProbeError
from hotlap.profiling.recorders import Plain, ProfileError, Recording, Target

MOST_REQUESTS = 20
_ADD_UP_TIMEOUT_S = 300


class Allocations(Plain):
    """Records each allocation while a few requests are answered, one after the other.

    There is no other load: what is counted belongs to these requests, so that the counts per request
    are exact. Time under memray says nothing: each allocation is unwound.
    """

    NEEDS_PROBE = True
    NEEDS_LOAD = False

    def record(self, target: Target, mode: Mode, time_s: float, folder: Path) -> Recording:
        """Send requests for ``time_s`` (one at least, twenty at the most) and count what they allocate."""
        assert target.probe is not None
        assert target.ask is not None
        workers = target.probe.present(target.served.workers())
        if not workers:
            raise ProfileError(
                "no process of the server has loaded the probe: is it Python, and started by hotlap?"
            )
        # What is made once (caches, pools, imports) is no part of a request.
        target.ask()
        target.ask()
        raw = [folder / f"allocations-{pid}.bin" for pid in workers]
        requests = 0
        try:
            for pid, path in zip(workers, raw, strict=True):
                path.unlink(missing_ok=True)
                started = target.probe.ask(pid, "memory_start", _Started, path=str(path.resolve()))
            began_s = time.monotonic()
            while requests == 0 or (requests < MOST_REQUESTS and time.monotonic() - began_s < time_s):
                target.ask()
                requests += 1
            for pid in workers:
                target.probe.ask(pid, "memory_stop", Done, timeout_s=120)
        except ProbeError as error:
            raise ProfileError(f"{error}; memray must be installed where the app runs") from None
        added = _aggregate(started.python, raw)
        allocations = sum(count for _, count, _ in added.stacks)
        allocated = sum(size for _, _, size in added.stacks)
        bytes_by_stack = Stacks.from_counts(
            [(list(stack), size) for stack, _, size in added.stacks if size]
        ).clean(drop_waiting=False, threads=False)
        # The mode's own graph is of counts; that of bytes lies beside it.
        by_bytes, by_bytes_svg = folder / "memory-bytes.collapsed", folder / "memory-bytes.svg"
        write_whole(by_bytes, bytes_by_stack.collapsed())
        write_whole(
            by_bytes_svg,
            bytes_by_stack.svg(
                "memory", subtitle=f"{allocated:,} bytes, {requests:,} requests", unit="bytes"
            ),
        )
        return Recording(
            profiler="memray",
            stacks=Stacks.from_counts([(list(stack), count) for stack, count, _ in added.stacks]),
            unit="allocations",
            raw=[*raw, by_bytes, by_bytes_svg],
            samples=allocations,
            missed=0,
            errors=0,
            requests=requests,
            allocations=Counted(
                allocations_per_request=allocations / requests,
                bytes_per_request=allocated / requests,
                peak_rss_bytes=added.peak_rss_bytes,
                heaviest_by_bytes=[
                    BytesOf(name=one.name, bytes_per_request=one.self_value / requests, location=one.location)
                    for one in bytes_by_stack.top(5)
                ],
            ),
        )


class _Started(msgspec.Struct, frozen=True):
    """What the probe answers: the interpreter that can read what it records."""

    python: str


class _Added(msgspec.Struct, frozen=True):
    """What ``inside/allocations.py`` answers."""

    stacks: list[tuple[tuple[str, ...], int, int]]
    """Each with its allocations and bytes, the outermost frame first."""
    peak_rss_bytes: int


def _aggregate(python: str, files: list[Path]) -> _Added:
    """Have the interpreter that recorded them add up the files: the lab's memray may be of another version."""
    try:
        told = run_inside("allocations", python, files, timeout_s=_ADD_UP_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired, ScriptError) as error:
        raise ProfileError(f"the recorded allocations cannot be read by {python}: {error}") from None
    return msgspec.json.decode(told, type=_Added)


RECORDER = Allocations()
