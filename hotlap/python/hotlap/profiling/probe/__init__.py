"""The probe: what looks into a served process from within. Off unless a profile needs it.

``site/`` is put at the front of ``PYTHONPATH`` of servers that the lab starts; it uses the standard
library alone, so that it can be loaded by any interpreter.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hotlap.serving.aftermath import scratch

_SITE = Path(__file__).with_name("site")


class ProbeError(RuntimeError):
    """A probe that is not there, or could not do what it was asked: the message says why."""


class Probe:
    """The probes of a server's processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def env(self, *, watch: bool = False) -> dict[str, str]:
        """The variables with which a server loads the probe.

        Args:
            watch: Whether it shall count what is sent to databases, which costs something for each, and notice
                tracers that are set.
        """
        watching = {"HOTLAP_WATCH": "1"} if watch else {}
        return {"PYTHONPATH": str(_SITE), "HOTLAP_PROBE": str(self._folder), **watching}

    def ask(self, pid: int, do: str, *, timeout_s: float = 30.0, **question: Any) -> dict[str, Any]:
        """Ask the probe of one process.

        Raises:
            ProbeError: it has none, it did not answer, or it could not do it.
        """
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(timeout_s)
                connection.connect(str(self._folder / f"{pid}.sock"))
                connection.sendall(json.dumps({"do": do, **question}).encode() + b"\n")
                with connection.makefile() as lines:
                    line = lines.readline()
        except OSError as error:
            raise ProbeError(f"process {pid} has no probe that answers ({error}): is it Python?") from None
        if not line:
            raise ProbeError(f"process {pid} ended while its probe was asked")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ProbeError(f"the probe of process {pid}: {answer['error']}")
        return answer

    def present(self, pids: list[int]) -> list[int]:
        """Those of these processes that have loaded the probe."""
        return [pid for pid in pids if (self._folder / f"{pid}.sock").exists()]

    def workers(self, pids: list[int]) -> list[int]:
        """Those that serve: all but the first, which supervises the others, if there are others."""
        present = self.present(pids)
        return present[1:] or present


@contextlib.contextmanager
def probe() -> Iterator[Probe]:
    """A probe with a folder for its sockets, until the block ends."""
    with scratch("probe") as folder:
        yield Probe(folder)
