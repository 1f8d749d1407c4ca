"""What was seen of the service itself: what served it, its answer, its locks, what a request asks of a database."""

from __future__ import annotations

from typing import Literal

import msgspec

from hotlap.evidence.figures import Amount, Count, Durations, Place
from hotlap.experiment import Interface

Varies = Literal["requests", "servers"]
"""Between which answers a body differed: of one server, or of two servers and more than a second apart."""
Held = Literal["body", "given", "expected", "status"]
"""What each answer under load is held against beside its status: the body that was verified, the one that the
experiment gives, what it expects to be in it (or in a header), or nothing."""


class BodyDifference(msgspec.Struct, frozen=True, kw_only=True):
    """The first place where the bodies of two answers differ."""

    equal_bytes: Count
    """How many come before it."""
    one: str
    """A few bytes there, as they can be printed."""
    other: str


class VerifiedStep(msgspec.Struct, frozen=True, kw_only=True):
    """What a step of a flow was answered."""

    name: str
    status: Count
    size: Count
    """Of the body, in bytes."""


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of a lane when it was verified. The size is the last answer's."""

    status: Count
    size: Count
    """Of the body, in bytes."""
    sha256: str
    """Of the last body; of one that holds the server's port, with ``{port}`` in its place."""
    constant: bool
    """Whether each answer had the same body, but for the server's own address."""
    alone_ms: Amount
    """How long the quickest answer took, without any load."""
    answers: Count | None = None
    """How many were asked for; ``None``, likewise of the others, in a run that did not say."""
    servers: Count | None = None
    """How many servers gave them."""
    holds_port: bool | None = None
    """Whether the body holds the server's own port, which differs from server to server."""
    once: bool | None = None
    """Whether the request could be sent only once: it may change what is stored, and a second was refused."""
    varies: Varies | None = None
    difference: BodyDifference | None = None
    """Where two bodies differed first."""
    held: Held | None = None
    rows: list[str] | None = None
    """The digests of the answers to the first rows of the lane's data; ``None`` where its requests are all the same."""
    parts: dict[str, Verified] | None = None
    """Of the scenarios of a mix, by name; the other figures are the last one's, or of all."""
    stream: bool = False
    """Whether its answers are streams: of such a one no body is the whole."""
    steps: list[VerifiedStep] | None = None
    """What each step was answered, of a flow; the other figures are its last one's."""


class LockTimes(msgspec.Struct, kw_only=True):
    """How long one lock was waited for and held during a trial, as the service counts it itself."""

    wait: Durations | None = None
    hold: Durations | None = None


class RepeatedStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that one request sends to a database, its constants left out."""

    sql: str
    per_request: Amount
    by: Place | None = None
    """The app's function that sent it most often."""


class StatementCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What one request sends to databases."""

    per_request: Amount
    """Of the app's own, those that a debug mode adds left out."""
    repeated: list[RepeatedStatement]
    """The most frequent ones, the most frequent first."""
    added_per_request: Amount = 0.0
    """By a framework's debug mode (Django's, on SQLite)."""


ServerName = Literal["granian", "uvicorn", "hypercorn", "gunicorn", "waitress", "command", "url"]
"""A server that the lab found in the app's environment; or a ``command`` or ``url`` that the experiment names."""


class ServedBy(msgspec.Struct, frozen=True, kw_only=True):
    """What served a lane: the server, and the interpreter that the app ran in."""

    server: ServerName
    version: str | None = None
    interface: Interface | None = None
    threads: Count | None = None
    """How many answer, where the server has a fixed number of them."""
    python: str | None = None
    """The interpreter's path, with its links; ``None`` where it is not known, as of a server that runs already."""
    python_version: str | None = None
    implementation: str | None = None
    own: bool = False
    """Whether the interpreter is the lab's own."""
    program: str | None = None
    """Where a command's program was found, if that is beside the interpreter and not on the ``PATH``."""

    def title(self) -> str:
        """What served, in a few words: ``gunicorn 20.1.0 (wsgi, 4 threads) on Python 3.12.1``."""
        named = {"command": "the experiment's own command", "url": "a server that ran already"}
        about = [self.interface or "", f"{self.threads} threads" if self.threads else ""]
        known = ", ".join(part for part in about if part)
        parts = [named.get(self.server, self.server), self.version or "", f"({known})" if known else ""]
        if self.program is not None:
            parts.append(f"({self.program}, found beside the interpreter)")
        if self.python_version:
            parts += ["on", self.implementation if self.implementation not in (None, "CPython") else "Python"]
            parts.append(self.python_version)
        return " ".join(part for part in parts if part)
