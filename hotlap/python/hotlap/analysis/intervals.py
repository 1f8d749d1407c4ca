"""Ratios from paired rounds, and how sure they are: pure statistics on logarithms.

Every round measures both sides, so that what a round has in common (a warm machine, a noisy
neighbour) cancels in its ratio. The interval of the mean log ratio is the hull of two: the paired
bootstrap's, and Student's t. The bootstrap alone cannot promise 99% for few rounds: a resampled
mean never leaves the range of what was seen, and seven symmetric values all fall on one side of
their centre once in 64 times. Student's t alone trusts that ratios scatter evenly; where they do
not, the bootstrap widens the side that is skewed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

ALPHA = 0.01
"""How often one comparison of equal things may raise an alarm: its intervals hold at 99% together."""
MIN_ROUNDS = 3
RESAMPLES = 4999
MEDIAN_TO_DEVIATION = 1.4826
"""Of a normal distribution: its standard deviation over the median size of its values."""

_LARGEST_LOG = 300.0

Array = npt.NDArray[np.float64]


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A ratio and its interval, all as ratios (1 is no difference)."""

    ratio: float
    low: float
    high: float

    def beyond(self, noise: float) -> int:
        """1 or -1 where the whole interval is above or below 1 by more than ``noise`` (a share), else 0."""
        if self.low > 1 + noise:
            return 1
        return -1 if self.high < 1 / (1 + noise) else 0


def paired(
    rounds: Sequence[tuple[Sequence[float], Sequence[float]]], alpha: float = ALPHA, seed: int = 0
) -> list[Interval]:
    """The ratio b / a of each row, with intervals that hold together at ``1 - alpha`` (Holm).

    Args:
        rounds: A row for each lane: its figures in a and in b, round by round, at least ``MIN_ROUNDS``
            of them and all above 0.
        alpha: What all rows together may be wrong by.
        seed: Of the resampling, so that the same figures give the same interval.
    """
    logs = [np.log(np.asarray(b, float)) - np.log(np.asarray(a, float)) for a, b in rounds]
    found: dict[int, tuple[float, float, float]] = {}
    levels = holm([_p_value(row) for row in logs], alpha)
    for length in sorted({len(row) for row in logs}):
        places = [place for place, row in enumerate(logs) if len(row) == length]
        made = intervals_of(
            np.stack([logs[place] for place in places]), np.array([levels[place] for place in places]), seed
        )
        found.update(zip(places, made, strict=True))
    return [
        Interval(ratio=_exp(middle), low=_exp(low), high=_exp(high))
        for middle, low, high in (found[place] for place in range(len(logs)))
    ]


def _exp(value: float) -> float:
    """The ratio of a logarithm; the largest one that is written where it is beyond all bounds."""
    return math.exp(min(value, _LARGEST_LOG))


def intervals_of(logs: Array, levels: Array, seed: int) -> list[tuple[float, float, float]]:
    """Mean, low and high of each row of log ratios, at a level (alpha) of its own."""
    from scipy import stats  # type: ignore[import-untyped] # takes a second to load

    count = logs.shape[1]
    means = logs.mean(axis=1)
    spread = logs.std(axis=1, ddof=1) / math.sqrt(count)
    reach = stats.t.ppf(1 - levels / 2, count - 1) * spread
    resampled = stats.bootstrap(
        (logs,),
        np.mean,
        axis=1,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).bootstrap_distribution
    low = [np.quantile(row, level / 2) for row, level in zip(resampled, levels, strict=True)]
    high = [np.quantile(row, 1 - level / 2) for row, level in zip(resampled, levels, strict=True)]
    return [
        (float(mean), float(min(mean - half, below)), float(max(mean + half, above)))
        for mean, half, below, above in zip(means, reach, low, high, strict=True)
    ]


def holm(p_values: Sequence[float], alpha: float) -> list[float]:
    """The level of each test by Holm's steps: the smallest p against alpha/m, the next against alpha/(m-1).

    After the first that does not pass, all keep its level, so that an interval at that level says the
    same as the step does.
    """
    levels = [0.0] * len(p_values)
    held: float | None = None
    for step, place in enumerate(sorted(range(len(p_values)), key=lambda one: p_values[one])):
        levels[place] = held if held is not None else alpha / (len(p_values) - step)
        if held is None and p_values[place] > levels[place]:
            held = levels[place]
    return levels


def _p_value(logs: Array) -> float:
    """Of Student's paired t test that the mean log ratio is 0."""
    from scipy import stats

    spread = float(logs.std(ddof=1)) / math.sqrt(len(logs))
    if spread == 0:
        return 1.0 if float(logs.mean()) == 0 else 0.0
    return float(2 * stats.t.sf(abs(float(logs.mean())) / spread, len(logs) - 1))


def width(log_ratios: Sequence[float], rounds: int = 1) -> float | None:
    """How far apart two measurements of one thing come out, as a share; ``None`` without any.

    Of 100 A/A comparisons of so many rounds, 95 come out nearer: two standard deviations of the A/A
    log ratios over the root of the rounds. The deviation is around 0 and estimated by the median size,
    which a few disturbed trials do not move.
    """
    if not log_ratios or rounds < 1:
        return None
    middle = float(np.median(np.abs(np.asarray(log_ratios, float))))
    return math.expm1(min(2 * MEDIAN_TO_DEVIATION * middle / math.sqrt(rounds), _LARGEST_LOG))
