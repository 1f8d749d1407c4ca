"""What was seen of the service itself: what served it, its answer, its locks, what a request asks of a database."""

from __future__ import annotations

from typing import Literal

import msgspec

from hotlap.evidence.figures import Durations, Place
from hotlap.experiment import Interface


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a lane when it was verified. Size and digest are the last answer's."""

    status: int
    size: int
    """Of the body, in bytes."""
    sha256: str
    constant: bool
    """Whether each try gave the same body."""
    alone_ms: float
    """How long the quickest answer took, without any load."""


class LockTimes(msgspec.Struct, kw_only=True):
    """How long one lock was waited for and held during a trial, as the service counts it itself."""

    wait: Durations | None = None
    hold: Durations | None = None


class RepeatedStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that one request sends to a database, its constants left out."""

    sql: str
    per_request: float
    by: Place | None = None
    """The app's function that sent it most often."""


class StatementCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What one request sends to databases."""

    per_request: float
    """Of the app's own, those that a debug mode adds left out."""
    repeated: list[RepeatedStatement]
    """The most frequent ones, the most frequent first."""
    added_per_request: float = 0.0
    """By a framework's debug mode (Django's, on SQLite)."""


ServerName = Literal["granian", "uvicorn", "hypercorn", "gunicorn", "waitress", "command", "url"]
"""A server that the lab found in the app's environment; or a ``command`` or ``url`` that the experiment names."""


class ServedBy(msgspec.Struct, frozen=True, kw_only=True):
    """What served a lane: the server, and the interpreter that the app ran in."""

    server: ServerName
    version: str | None = None
    interface: Interface | None = None
    threads: int | None = None
    """How many answer, where the server has a fixed number of them."""
    python: str | None = None
    """The interpreter's path, with its links; ``None`` where it is not known, as of a server that runs already."""
    python_version: str | None = None
    implementation: str | None = None
    own: bool = False
    """Whether the interpreter is the lab's own."""

    def title(self) -> str:
        """What served, in a few words: ``gunicorn 20.1.0 (wsgi, 4 threads) on Python 3.12.1``."""
        named = {"command": "the experiment's own command", "url": "a server that ran already"}
        about = [self.interface or "", f"{self.threads} threads" if self.threads else ""]
        known = ", ".join(part for part in about if part)
        parts = [named.get(self.server, self.server), self.version or "", f"({known})" if known else ""]
        if self.python_version:
            parts += ["on", self.implementation if self.implementation not in (None, "CPython") else "Python"]
            parts.append(self.python_version)
        return " ".join(part for part in parts if part)
