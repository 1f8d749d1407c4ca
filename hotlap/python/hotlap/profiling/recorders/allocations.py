"""Allocations by stack and per request, with native frames: memray, switched on within the server."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import memray
from memray import AllocatorType

from hotlap._engine import Stacks
from hotlap.evidence.profile import Allocations as Counted
from hotlap.evidence.profile import BytesOf
from hotlap.experiment import Mode
from hotlap.profiling.probe import ProbeError
from hotlap.profiling.recorders import Plain, ProfileError, Recording, Target

MOST_REQUESTS = 20
_FREES = {AllocatorType.PYMALLOC_FREE, AllocatorType.FREE, AllocatorType.MUNMAP}


class Allocations(Plain):
    """Records each allocation while a few requests are answered, one after the other.

    There is no other load: what is counted belongs to these requests, so that the counts per request
    are exact. Time under memray says nothing: each allocation is unwound.
    """

    NEEDS_PROBE = True
    LOADS_PROBE = True
    NEEDS_LOAD = False

    def record(self, target: Target, mode: Mode, time_s: float, folder: Path) -> Recording:
        """Send requests for ``time_s`` (one at least, twenty at the most) and count what they allocate."""
        assert target.probe is not None
        assert target.ask is not None
        workers = target.probe.workers(target.served.pids())
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
                target.probe.ask(pid, "memory_start", path=str(path.resolve()))
            began_s = time.monotonic()
            while requests == 0 or (requests < MOST_REQUESTS and time.monotonic() - began_s < time_s):
                target.ask()
                requests += 1
            for pid in workers:
                target.probe.ask(pid, "memory_stop", timeout_s=120)
        except ProbeError as error:
            raise ProfileError(f"{error}; memray must be installed where the app runs") from None
        counts, sizes, peak = _aggregate(raw)
        allocations, allocated = sum(counts.values()), sum(sizes.values())
        bytes_by_stack = Stacks.from_counts(
            [(list(stack), size) for stack, size in sizes.items() if size]
        ).clean(drop_waiting=False, threads=False)
        # The mode's own graph is of counts; that of bytes lies beside it.
        by_bytes, by_bytes_svg = folder / "memory-bytes.collapsed", folder / "memory-bytes.svg"
        bytes_by_stack.write_collapsed(by_bytes)
        by_bytes_svg.write_text(
            bytes_by_stack.svg("memory", subtitle=f"{allocated:,} bytes, {requests:,} requests", unit="bytes")
        )
        return Recording(
            profiler="memray",
            stacks=Stacks.from_counts([(list(stack), count) for stack, count in counts.items()]),
            unit="allocations",
            raw=[*raw, by_bytes, by_bytes_svg],
            samples=allocations,
            missed=0,
            errors=0,
            requests=requests,
            allocations=Counted(
                allocations_per_request=allocations / requests,
                bytes_per_request=allocated / requests,
                peak_rss_bytes=peak,
                heaviest_by_bytes=[
                    BytesOf(name=one.name, bytes_per_request=one.self_value / requests, location=one.location)
                    for one in bytes_by_stack.top(5)
                ],
            ),
        )


def _aggregate(files: list[Path]) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]], int]:
    """Allocations and bytes by stack (outermost first), and the highest resident memory seen."""
    counts: Counter[tuple[str, ...]] = Counter()
    sizes: Counter[tuple[str, ...]] = Counter()
    peak = 0
    for file in files:
        by_id: dict[tuple[int, int, int, int], list[int]] = {}
        stacks: dict[tuple[int, int, int, int], tuple[str, ...]] = {}
        with memray.FileReader(file) as reader:
            for record in reader.get_allocation_records():
                if record.allocator in _FREES:
                    continue
                key = (record.tid, record.stack_id, record.native_stack_id, record.native_segment_generation)
                if key not in by_id:
                    by_id[key] = [0, 0]
                    frames = record.hybrid_stack_trace()
                    stacks[key] = tuple(
                        f"{name} ({file}:{line})" for name, file, line in reversed(frames)
                    ) or ("?",)
                by_id[key][0] += record.n_allocations
                by_id[key][1] += record.size
            peak += max((snapshot.rss for snapshot in reader.get_memory_snapshots()), default=0)
        for key, (count, size) in by_id.items():
            counts[stacks[key]] += count
            sizes[stacks[key]] += size
    return counts, sizes, peak


RECORDER = Allocations()
