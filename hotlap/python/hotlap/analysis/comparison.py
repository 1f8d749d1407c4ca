"""What a comparison says: its rows, its conditions and how sure each ratio is."""

from __future__ import annotations

import math
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


class Verdicts(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison comes to: its rows by what is said of them."""

    worse: list[Compared]
    """The one that changed most first."""
    better: list[Compared]
    """Likewise."""
    alike: list[Compared]
    uncompared: list[Compared]

    @property
    def sentence(self) -> str:
        """All of it, counted: ``3 figures are worse, 1 is better; 12 show no difference.``"""
        sure, unsure = [], []
        if self.worse:
            sure.append(f"{_figures(self.worse, 'is', 'are')} worse")
        if self.better:
            sure.append(f"{_figures(self.better, 'is', 'are')} better")
        if self.alike:
            unsure.append(f"{_figures(self.alike, 'shows', 'show')} no difference")
        if self.uncompared:
            unsure.append(f"{_figures(self.uncompared, 'was', 'were')} not compared")
        told = "; ".join(part for part in (", ".join(sure), ", ".join(unsure)) if part)
        return f"{told}." if told else "There was nothing to compare."

    @property
    def reasons(self) -> list[tuple[str, list[str]]]:
        """Why rows were not compared, each reason once, with its lanes."""
        found: dict[str, dict[str, None]] = {}
        for row in self.uncompared:
            why = (row.note or "not measured").removeprefix(f"{row.lane} is ")
            found.setdefault(why, {})[row.lane] = None
        return [(why, list(lanes)) for why, lanes in found.items()]


def _figures(rows: list[Compared], one: str, several: str) -> str:
    return f"1 figure {one}" if len(rows) == 1 else f"{len(rows)} figures {several}"


def verdicts(rows: list[Compared]) -> Verdicts:
    """A comparison's rows by what is said of them."""

    def of(*says: Says) -> list[Compared]:
        found = [row for row in rows if row.says in says]
        return sorted(found, key=lambda row: -abs(math.log(row.ratio)) if row.ratio else 0.0)

    return Verdicts(
        worse=of(*(says for says, status in GOOD.items() if status == "void")),
        better=of(*(says for says, status in GOOD.items() if status == "ok")),
        alike=of("no difference"),
        uncompared=of("not compared"),
    )


def span(row: Compared) -> str:
    """A ratio with its interval."""
    if row.ratio is None or row.low is None or row.high is None:
        return formatting.ratio(row.ratio)
    return f"{formatting.ratio(row.ratio)} ({formatting.ratio(row.low)} to {formatting.ratio(row.high)})"
