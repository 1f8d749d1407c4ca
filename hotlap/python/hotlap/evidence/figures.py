"""The forms that several kinds of evidence share."""

from __future__ import annotations

import msgspec


class Percentiles(msgspec.Struct, kw_only=True):
    """Milliseconds. A percentile q with fewer than 10/(1-q) samples is ``None``."""

    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    p99_9: float | None = None
    max: float | None = None


class Durations(msgspec.Struct, kw_only=True):
    """Durations that something else has counted, in buckets."""

    bounds_s: list[float]
    """Upper bounds, ascending."""
    counts: list[int]
    """One for each bucket, not added up, and one more for what lies above the last bound."""
    total_s: float

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
