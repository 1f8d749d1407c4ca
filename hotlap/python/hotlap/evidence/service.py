"""What was seen of the service itself: its answer, its locks, what a request asks of a database."""

from __future__ import annotations

import msgspec

from hotlap.evidence.figures import Durations, Place


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
    repeated: list[RepeatedStatement]
    """The most frequent ones, the most frequent first."""
