"""A request as it was recorded, whatever recorded it."""

from __future__ import annotations

import msgspec

SHOWN_LINES = 3
_SHOWN_CHARS = 120


class RecordedError(ValueError):
    """A recording that cannot be read: the message says why and what to give."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was recorded."""

    method: str
    path: str
    """With its query, percent-encoded."""
    headers: dict[str, str] = {}
    body: str | None = None
    status: int | None = None
    """What it was answered with, where that is known; likewise the others."""
    at_s: float | None = None
    """When, as Unix time."""
    answer: str | None = None
    """The body of the answer."""
    answer_headers: tuple[tuple[str, str], ...] = ()
    page: str | None = None
    """What a browser was showing then: requests of one page belong together."""


class Unread(msgspec.Struct):
    """What of a recording could not be read: how many lines, and the first of them."""

    count: int = 0
    first: list[tuple[int, str]] = []
    """Their numbers and texts."""

    def add(self, number: int, line: str) -> None:
        """Count a line."""
        self.count += 1
        if len(self.first) < SHOWN_LINES:
            self.first = [*self.first, (number, line.strip()[:_SHOWN_CHARS])]

    def __str__(self) -> str:
        if not self.count:
            return "all lines were read"
        shown = "; ".join(f"line {number}: {line!r}" for number, line in self.first)
        if self.count == 1:
            return f"one line was not read: {shown}"
        return f"{self.count} lines were not read, the first of them: {shown}"


def left_out(count: int, why: str) -> str:
    """Requests that are not among those of a recording, in words."""
    return f"one request is left out: {why}" if count == 1 else f"{count:,} requests are left out: {why}"
