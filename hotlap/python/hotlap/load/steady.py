"""Where the warm-up of a trial ends, found from its slices; and whether a figure grows throughout. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

FEWEST = 8
"""Slices with answers in them, below which nothing is said."""
GROWTH = 0.25
"""Of its mean, and more: by so much a figure grows that has no steady state."""
_SIGNIFICANT = 4.0
_WARM_UP_SHARE = 0.1

Points = Sequence[tuple[float, float]]
"""Of a figure over time: seconds, value."""


def settled(ends_s: Sequence[float], mean_ms: Sequence[float | None]) -> int:
    """The first slice of the steady state, by the mean latency of each slice (``None``: no answer in it).

    The warm-up is cut off where the error of the mean of what is left is least (MSER, White 1997), in the
    first half, if it differs from what is left by a tenth or more. Nothing is cut off where the latency grows
    throughout, or where too few slices have an answer.
    """
    known = [index for index, mean in enumerate(mean_ms) if mean is not None]
    points = known_points(ends_s, mean_ms)
    if len(points) < FEWEST or grows_throughout(points):
        return 0
    means = [mean for _, mean in points]
    cut = min(range(len(means) // 2), key=lambda index: _error(means[index:]))
    rest = sum(means[cut:]) / len(means[cut:])
    if cut and abs(sum(means[:cut]) / cut - rest) < _WARM_UP_SHARE * rest:
        return 0
    return known[cut] if cut else 0


def known_points(ends_s: Sequence[float], values: Sequence[float | None]) -> list[tuple[float, float]]:
    """The points at which a figure is known."""
    return [(at, value) for at, value in zip(ends_s, values, strict=True) if value is not None]


def grows_throughout(points: Points, growth: float = GROWTH, later_growth: float | None = None) -> bool:
    """Whether a figure grows by a share of its mean, as a whole and by ``later_growth`` in its second half too.

    Args:
        points: The figure over time.
        growth: The share by which it must grow.
        later_growth: The same for the second half; half of ``growth`` if not given.
    """
    later = growth / 2 if later_growth is None else later_growth
    return _grows(points, growth) and _grows(points[len(points) // 2 :], later)


def slope(points: Points) -> float:
    """The slope of the line through the points, in the figure's unit per second."""
    return _line(points)[0]


def _error(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / len(values) ** 2


def _grows(points: Points, growth: float) -> bool:
    slope, deviation = _line(points)
    mean = sum(value for _, value in points) / len(points)
    grown = slope * (points[-1][0] - points[0][0])
    return grown > growth * mean and slope > _SIGNIFICANT * deviation


def _line(points: Points) -> tuple[float, float]:
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
