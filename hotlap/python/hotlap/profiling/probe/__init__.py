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
from typing import TypeVar

import msgspec

from hotlap.serving.aftermath import scratch

_SITE = Path(__file__).with_name("site")
_FIRST = "ignore::hotlap_first.Never"
"""Has the interpreter import the module, for what comes before the probe on its path: see there."""


class ProbeError(RuntimeError):
    """A probe that is not there, or could not do what it was asked: the message says why."""


class Done(msgspec.Struct, frozen=True):
    """It was done, and there is nothing to tell."""


class _Failed(msgspec.Struct, frozen=True):
    error: str | None = None


_Answer = TypeVar("_Answer")


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
        return {
            "PYTHONPATH": str(_SITE),
            "PYTHONWARNINGS": _FIRST,
            "HOTLAP_PROBE": str(self._folder),
            **watching,
        }

    def ask(
        self, pid: int, do: str, kind: type[_Answer], *, timeout_s: float = 30.0, **question: str | float
    ) -> _Answer:
        """Ask the probe of one process.

        Args:
            pid: The process.
            do: What it shall do; ``question`` are the arguments of that.
            kind: What it answers.
            timeout_s: How long it may take.

        Raises:
            ProbeError: it has none, it did not answer, or it could not do it.
        """
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(timeout_s)
                connection.connect(str(self._folder / f"{pid}.sock"))
                connection.sendall(json.dumps({"do": do, **question}).encode() + b"\n")
                with connection.makefile("rb") as lines:
                    line = lines.readline()
        except OSError as error:
            raise ProbeError(f"process {pid} has no probe that answers ({error}): is it Python?") from None
        if not line:
            raise ProbeError(f"process {pid} ended while its probe was asked")
        try:
            if (failed := msgspec.json.decode(line, type=_Failed).error) is not None:
                raise ProbeError(f"the probe of process {pid}: {failed}")
            return msgspec.json.decode(line, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProbeError(
                f"the probe of process {pid} answered {do} with something else: {error}"
            ) from None

    def present(self, pids: list[int]) -> list[int]:
        """Those of these processes that have loaded the probe."""
        return [pid for pid in pids if (self._folder / f"{pid}.sock").exists()]


@contextlib.contextmanager
def probe() -> Iterator[Probe]:
    """A probe with a folder for its sockets, until the block ends."""
    with scratch("probe") as folder:
        yield Probe(folder)
