"""Findings by what they come down to: a run of many lanes says one thing once. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hotlap.run.result import RuleHit


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """The findings of one rule that come down to the same thing."""

    hits: list[RuleHit]
    """One at least, the weightiest first."""

    @property
    def lanes(self) -> list[str]:
        """The lanes that they are about, each once."""
        return list(dict.fromkeys(hit.lane for hit in self.hits if hit.lane is not None))

    @property
    def sentence(self) -> str:
        """What a single finding says; of several, what they have in common."""
        first = self.hits[0]
        return first.sentence if len(self.hits) == 1 else first.cause or first.sentence

    @property
    def reach(self) -> str:
        """How many lanes it is about, with their scenario where they share one: ``8 lanes of read``."""
        count = len(self.lanes)
        scenarios = {lane.rpartition("/")[0] for lane in self.lanes}
        of = f" of {scenarios.pop()}" if len(scenarios) == 1 else ""
        return f"{count} {'lane' if count == 1 else 'lanes'}{of}"


def causes(findings: Iterable[RuleHit]) -> list[Cause]:
    """The findings by their cause, in the order in which each first appears; one without a cause stands alone."""
    found: dict[tuple[object, ...], list[RuleHit]] = {}
    for number, hit in enumerate(findings):
        found.setdefault((hit.name, hit.cause) if hit.cause is not None else (number,), []).append(hit)
    return [Cause(hits=hits) for hits in found.values()]
