"""The forms that several kinds of evidence share."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta

LARGEST, SMALLEST = 1e18, 1e-30
"""What no figure of a run exceeds, and what none is nearer to 0 without being 0."""

Amount = Annotated[float, Meta(ge=0)]
Duration = Annotated[float, Meta(gt=0)]
Difference = Annotated[float, Meta()]
"""Of two looks at something: a counter that restarts makes it negative."""
Count = Annotated[int, Meta(ge=0, le=2**53)]
"""Beyond that, many readers of JSON have no whole numbers."""
CountDifference = Annotated[int, Meta(ge=-(2**53), le=2**53)]
FileName = Annotated[str, Meta(min_length=1, max_length=4096, pattern=r"^[^\x00]*$")]
"""Within the run's folder."""


class Percentiles(msgspec.Struct, kw_only=True):
    """Milliseconds. A percentile q with fewer than 10/(1-q) samples is ``None``."""

    mean: Amount | None = None
    p50: Amount | None = None
    p90: Amount | None = None
    p99: Amount | None = None
    p99_9: Amount | None = None
    max: Amount | None = None


class Durations(msgspec.Struct, kw_only=True):
    """Durations that something else has counted, in buckets."""

    bounds_s: list[Amount]
    """Upper bounds, ascending."""
    counts: list[Count]
    """One for each bucket, not added up, and one more for what lies above the last bound."""
    total_s: Amount

    @property
    def flaw(self) -> str | None:
        """What does not fit together in them; ``None``: nothing."""
        if len(self.counts) != len(self.bounds_s) + 1:
            return (
                f"counts has {len(self.counts)} values: expected {len(self.bounds_s) + 1}, "
                "one for each of bounds_s and one more"
            )
        if any(low >= high for low, high in pairwise(self.bounds_s)):
            return "bounds_s does not ascend"
        return None

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)

    @property
    def mean_s(self) -> float | None:
        """Their mean; ``None`` where there were none."""
        return self.total_s / self.count if self.count else None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A function of the app's own."""

    name: str
    place: str
    """Its file, from the app's folder, and a line: ``shop/views.py:41``."""

    def __str__(self) -> str:
        return f"{self.name} ({self.place})"
