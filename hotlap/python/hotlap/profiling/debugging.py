"""Which settings for development a server has on: asked of the probe, and read off its processes."""

from __future__ import annotations

import contextlib

import msgspec
import psutil

from hotlap.evidence.debugging import DebugSetting
from hotlap.profiling.probe import Probe, ProbeError
from hotlap.serving.debugging import causes, of_process
from hotlap.serving.server import Served


class _Settings(msgspec.Struct):
    settings: list[DebugSetting]


def debug_settings(probe: Probe, served: Served) -> list[DebugSetting] | None:
    """The settings for development of a server's processes, one of a kind.

    Returns:
        ``None`` where its processes are not known.
    """
    pids = served.seen_pids()
    if not pids:
        return None
    return causes([*_asked(probe, pids), *_read(pids)])


def _asked(probe: Probe, pids: list[int]) -> list[DebugSetting]:
    found: list[DebugSetting] = []
    for pid in probe.present(pids):
        with contextlib.suppress(ProbeError):
            found += probe.ask(pid, "settings", _Settings).settings
    return found


def _read(pids: list[int]) -> list[DebugSetting]:
    found: list[DebugSetting] = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            found += of_process(process.cmdline(), process.environ())
    return found
