"""What a comparison says: its rows, its conditions and how sure each ratio is."""

from __future__ import annotations

from typing import Literal

import msgspec

from hotlap import formatting

Says = Literal["faster", "slower", "more", "less", "no difference", "not compared"]

GOOD: dict[Says, str] = {"faster": "ok", "less": "ok", "slower": "void", "more": "void"}
"""The status whose look a statement takes; the others take the neutral one."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two that are compared."""

    name: str
    created: str | None = None
    commit: str | None = None
    machine: str | None = None
    link: str | None = None
    """A report to open, relative to the page."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of one lane in both: ``ratio`` is b over a, ``low`` to ``high`` its interval."""

    lane: str
    figure: str
    unit: str
    a: float | None = None
    b: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    says: Says = "no difference"
    note: str | None = None
    """Why it was not compared, or what to keep in mind."""
    noise: float | None = None
    """The A/A width of this figure, where it is not the comparison's."""


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that was asked of the comparison."""

    condition: str
    passed: bool
    sentence: str = ""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """All that the page says."""

    a: Side
    b: Side
    rows: list[Compared]
    method: str
    """How intervals were made and when a difference is said, in a sentence."""
    noise: float | None = None
    """The machine's own A/A width: a share within which a ratio means nothing."""
    cautions: list[str] = []
    gates: list[Gate] = []


def span(row: Compared) -> str:
    """A ratio with its interval."""
    if row.ratio is None or row.low is None or row.high is None:
        return formatting.ratio(row.ratio)
    return f"{formatting.ratio(row.ratio)} ({formatting.ratio(row.low)} to {formatting.ratio(row.high)})"
