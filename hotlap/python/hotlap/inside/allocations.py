"""Adds up what memray recorded, with the memray that recorded it: another version may not read its files."""

from __future__ import annotations

import json
import sys
from collections import Counter

import memray
from memray import AllocatorType

_FREES = {AllocatorType.PYMALLOC_FREE, AllocatorType.FREE, AllocatorType.MUNMAP}


def aggregate(files: list[str]) -> dict[str, object]:
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
    return {
        "stacks": [[stack, count, sizes[stack]] for stack, count in counts.items()],
        "peak_rss_bytes": peak,
    }


if __name__ == "__main__":
    print(json.dumps(aggregate(sys.argv[1:])))
