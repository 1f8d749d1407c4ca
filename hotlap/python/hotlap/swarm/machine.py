"""What else the machine does while a lane is measured: evidence for rules."""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from hotlap.evidence.load import MachineUse, ProcessUse
from hotlap.serving.aftermath import OWNER
from hotlap.serving.programs import title_of

OTHERS_KEPT = 3
_LEAST_PERCENT = 5.0
"""Of a core: a process that used less is not worth a name."""


class Others:
    """What other processes use, from when it is made. It takes tens of milliseconds: nothing may be measured then."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._used_s = {one: used_s for one, used_s, _ in _all()}

    def look(self, server_pids: Iterable[int]) -> list[ProcessUse]:
        """Those that used most since then, but for the server's and the lab's own.

        Args:
            server_pids: The server's processes.
        """
        passed_s = max(time.monotonic() - self._began_s, 1e-9)
        # The parent is the command that measures: it marks what it starts, not itself.
        ours = {os.getpid(), os.getppid(), *server_pids}
        found = []
        for one, used_s, process in _all():
            percent = 100 * (used_s - self._used_s.get(one, 0.0)) / passed_s
            if percent >= _LEAST_PERCENT and one[0] not in ours and not _is_marked(process):
                with contextlib.suppress(psutil.Error):
                    name = title_of(process.name(), process.cmdline())
                    found.append(ProcessUse(name=name, pid=process.pid, cpu_percent=percent))
        return sorted(found, key=lambda each: -each.cpu_percent)[:OTHERS_KEPT]


def _all() -> Iterator[tuple[tuple[int, float], float, psutil.Process]]:
    """Each process, known by its number and when it was started, with the processor time it has used."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            yield (process.pid, process.create_time()), times.user + times.system, process


def _is_marked(process: psutil.Process) -> bool:
    """Whether the command that measures has started it, or something that it has started."""
    own = os.environ.get(OWNER)
    try:
        return own is not None and process.environ().get(OWNER) == own
    except psutil.Error:
        return False


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
