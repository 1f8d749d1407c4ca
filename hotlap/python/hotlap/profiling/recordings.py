"""Recordings that others made: read, with what could not be used named."""

from __future__ import annotations

from pathlib import Path

from hotlap._engine import Stacks
from hotlap.profiling.recorders import ProfileError

_WHY = {
    "too_long": "longer than any stack",
    "nul": "with a NUL byte",
    "not_utf8": "not in UTF-8",
    "no_count": "without a count",
    "overflow": "with a count beyond 64 bits",
    "no_stack": "without a stack",
    "malformed": "of no form that is known",
    "other_event": "of other kinds of events",
    "limit": "beyond the limit on frames and stacks",
}
"""What the engine's reasons mean, said of a line or an event."""


def read_recording(path: Path, event: str | None = None) -> Stacks:
    """The stacks of a file that ``perf script`` or a collapser of stacks wrote; perf's with their periods.

    Args:
        path: The file.
        event: Of perf's, the kind of event that counts; the first if none is named.

    Raises:
        ProfileError: nothing in it can be used; the message says what was found instead.
        OSError: the file cannot be read.
    """
    stacks = Stacks.read(path, "guess", periods=True, event=event)
    if stacks.total == 0:
        why = left_out(stacks) or "it is empty"
        raise ProfileError(
            f"{path} holds no stacks: {why}. Give collapsed stacks (outer;inner COUNT a line) or what"
            " `perf script` writes"
        )
    return stacks


def left_out(stacks: Stacks) -> str | None:
    """What a reader skipped, as part of a sentence; ``None`` if nothing."""
    if not stacks.skipped:
        return None
    parts = [f"{count} {_WHY[reason]}" for reason, count in stacks.skipped.items()]
    return f"{sum(stacks.skipped.values())} lines or events were left out: {', '.join(parts)}"
