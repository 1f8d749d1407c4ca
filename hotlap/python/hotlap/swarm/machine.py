"""What else the machine does while a lane is measured: evidence for rules."""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from hotlap.evidence.load import MachineUse


class Watch:
    """Looks at the machine from when it is made."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._times = psutil.cpu_times()
        self._swap = psutil.swap_memory()
        self._throttled = throttled()

    def look(self, ours_s: float, server_pids: Iterable[int]) -> MachineUse:
        """What happened since then.

        Args:
            ours_s: Processor time of the server and the generator meanwhile.
            server_pids: The server's processes.
        """
        passed_s = max(time.monotonic() - self._began_s, 1e-9)
        times, swap, now = psutil.cpu_times(), psutil.swap_memory(), throttled()
        busy_s = sum(
            getattr(times, kind) - getattr(self._times, kind)
            for kind in ("user", "nice", "system", "irq", "softirq")
            if hasattr(times, kind)
        )
        steal_s = getattr(times, "steal", 0.0) - getattr(self._times, "steal", 0.0)
        return MachineUse(
            other_cpu_percent=max(0.0, 100 * (busy_s - ours_s) / passed_s),
            steal_percent=100 * steal_s / passed_s,
            swapped_bytes=swap.sin + swap.sout - self._swap.sin - self._swap.sout,
            throttled=None if now is None or self._throttled is None else now - self._throttled,
            file_limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            cores=len(usable_cores(server_pids)),
        )


def usable_cores(pids: Iterable[int]) -> set[int]:
    """The cores that this process or one of these may run on: each may be kept to some of them."""
    usable = os.sched_getaffinity(0)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            usable |= os.sched_getaffinity(pid)
    return usable


def throttled() -> int | None:
    """How often this process's control group had used up its share so far; ``None`` where none has one."""
    try:
        group = Path("/proc/self/cgroup").read_text().strip().rpartition("::")[2]
        lines = Path("/sys/fs/cgroup", group.lstrip("/"), "cpu.stat").read_text().splitlines()
    except OSError:
        return None
    found = dict(line.split() for line in lines)
    return int(found["nr_throttled"]) if "nr_throttled" in found else None
