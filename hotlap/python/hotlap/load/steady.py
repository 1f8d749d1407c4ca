"""Whether a stretch has a steady state, and where it begins: found from its slices, not assumed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

FEWEST = 8
"""Slices with answers in them, below which nothing is said."""
_GROWTH = 0.25
_SIGNIFICANT = 4.0
_WARM_UP_SHARE = 0.1


class Steady(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    first: int = 0
    """The first slice of the steady state."""
    growing: bool = False
    """The latency still grows: there is no steady state."""
    slope_ms_per_s: float | None = None
    decided: bool = True
    """Whether there were answers enough to say anything."""


def find(at_s: Sequence[float], mean_ms: Sequence[float | None]) -> Steady:
    """Look at the mean latency of each slice (``None``: no answer in it).

    A latency that grows by a quarter of itself or more, through both halves of the stretch, is growing.
    Else the warm-up is cut off where the error of the mean of what is left is least (MSER, White 1997), in
    the first half, if it differs from what is left by a tenth or more.
    """
    known = [
        (index, at, mean)
        for index, (at, mean) in enumerate(zip(at_s, mean_ms, strict=True))
        if mean is not None
    ]
    if len(known) < FEWEST:
        return Steady(decided=False)
    whole = [(at, mean) for _, at, mean in known]
    if _grows(whole) and _grows(whole[len(whole) // 2 :], _GROWTH / 2):
        return Steady(growing=True, slope_ms_per_s=_line(whole)[0])
    means = [mean for _, mean in whole]
    cut = min(range(len(means) // 2), key=lambda index: _error(means[index:]))
    rest = sum(means[cut:]) / len(means[cut:])
    if cut and abs(sum(means[:cut]) / cut - rest) < _WARM_UP_SHARE * rest:
        cut = 0
    return Steady(first=known[cut][0] if cut else 0, slope_ms_per_s=_line(whole[cut:])[0])


def _error(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / len(values) ** 2


def _grows(points: Sequence[tuple[float, float]], growth: float = _GROWTH) -> bool:
    slope, deviation = _line(points)
    mean = sum(value for _, value in points) / len(points)
    grown = slope * (points[-1][0] - points[0][0])
    return grown > growth * mean and slope > _SIGNIFICANT * deviation


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The slope of the line through the points, and its standard deviation."""
    n = len(points)
    mid_x = sum(x for x, _ in points) / n
    mid_y = sum(y for _, y in points) / n
    spread = sum((x - mid_x) ** 2 for x, _ in points)
    if n < 3 or spread == 0:
        return 0.0, math.inf
    slope = sum((x - mid_x) * (y - mid_y) for x, y in points) / spread
    left = sum((y - mid_y - slope * (x - mid_x)) ** 2 for x, y in points)
    return slope, math.sqrt(left / (n - 2) / spread)


def saturates(at_s: Sequence[float], in_flight: Sequence[int], rate: float) -> bool:
    """Whether the requests in flight of an open loop keep growing: more arrive than are answered.

    They must grow through both halves of the stretch, and by more than chance alone would make of it.
    """
    points = [(at, float(count)) for at, count in zip(at_s, in_flight, strict=True)]
    if len(points) < FEWEST:
        return False
    grown = points[-1][1] - points[0][1]
    by_chance = 3 * math.sqrt(rate * (points[-1][0] - points[0][0]))
    return (
        grown > max(10.0, by_chance / 2)
        and _grows(points)
        and _grows(points[len(points) // 2 :], _GROWTH / 4)
    )
