"""How often a comparison raises a false alarm, and how often it sees what is there."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from hotlap.analysis import intervals
from hotlap.analysis.compare import FIGURES, Pair, aa_ratios, compare_figure
from hotlap.analysis.judged import JudgedLane, JudgedRun
from hotlap.analysis.trials import judged_trial
from hotlap.evidence.load import Trial
from hotlap.run.result import LaneResult, RunResult

LANES, ROUNDS = 8, 7
CPU = FIGURES[0]


def measured(rng: np.random.Generator, slowdown: float, noise: float = 0.02) -> list[Pair]:
    """Lanes in two variants as a noisy machine would show them.

    Rounds drift together, each trial has its own noise, and one in fifty is disturbed by up to a fifth.
    The slowdown is the first lane's.
    """
    drift = np.repeat(np.cumsum(rng.normal(0, 0.02, ROUNDS)), 2 * LANES)
    return pairs_of(drift.reshape(ROUNDS, -1) + trials(rng, noise).reshape(ROUNDS, -1), slowdown)


def wandering(rng: np.random.Generator, slowdown: float, noise: float = 0.02) -> list[Pair]:
    """The same on a machine whose speed wanders while a round is measured, so that rounds do not share it.

    From trial to trial nine tenths of the wandering (2%) stay, on top of a drift over the whole run; the
    trials of a round are in an order of their own, as ``hotlap run --repeat`` shuffles them.
    """
    count = 2 * LANES * ROUNDS
    wander = rng.normal(0, 0.02, count)
    for at in range(1, count):
        wander[at] = 0.9 * wander[at - 1] + math.sqrt(1 - 0.9**2) * wander[at]
    drift = np.cumsum(rng.normal(0, 0.002, count)) + np.linspace(0, rng.normal(0, 0.05), count)
    in_time = (wander + drift + trials(rng, noise)).reshape(ROUNDS, -1)
    order = rng.permuted(np.tile(np.arange(2 * LANES), (ROUNDS, 1)), axis=1)
    return pairs_of(np.take_along_axis(in_time, order, axis=1), slowdown)


def trials(rng: np.random.Generator, noise: float) -> np.ndarray:
    """Each trial's own noise, in logarithms; one in fifty is disturbed by up to a fifth."""
    count = 2 * LANES * ROUNDS
    disturbed = np.where(rng.random(count) < 0.02, rng.uniform(0, 0.2, count), 0.0)
    return rng.normal(0, noise, count) + disturbed


def pairs_of(logs: np.ndarray, slowdown: float) -> list[Pair]:
    """Lanes from the logarithms of their figures: a row for each round, both sides of each lane in turn."""
    pairs = []
    for number in range(LANES):
        sides = []
        for side, factor in enumerate((1.0, 1.0 + slowdown if number == 0 else 1.0)):
            values = 100 * (number + 1) * factor * np.exp(logs[:, 2 * number + side])
            measured = [
                Trial(engine="native", model="closed", repeat=place, server_cpu_us_per_request=float(value))
                for place, value in enumerate(values)
            ]
            lane = LaneResult(scenario=f"lane{number}", variant="b", path="/", trials=measured)
            sides.append(JudgedLane(evidence=lane, trials=[judged_trial(trial) for trial in measured]))
        pairs.append(Pair(f"lane{number}/b", sides[0], sides[1]))
    return pairs


def spoken(pairs: list[Pair], *, with_width: bool) -> list[str]:
    lanes = [lane for pair in pairs for lane in (pair.a, pair.b)]
    run = JudgedRun(evidence=RunResult(created=""), lanes=lanes)
    noise = intervals.width(aa_ratios([run], CPU), ROUNDS) if with_width else None
    return [row.says for row in compare_figure(pairs, CPU, noise)]


Machine = Callable[[np.random.Generator, float], list[Pair]]


@pytest.mark.slow
@pytest.mark.parametrize("with_width", [True, False])
@pytest.mark.parametrize("machine", [measured, wandering])
def test_equal_things_seldom_raise_an_alarm(machine: Machine, with_width: bool) -> None:
    """Over 500 comparisons of eight lanes at most 1.5% say anything, even without the A/A width."""
    rng = np.random.default_rng(20)
    alarms = sum(
        any(says != "no difference" for says in spoken(machine(rng, 0.0), with_width=with_width))
        for _ in range(500)
    )
    print(f"{machine.__name__}, {with_width=}: {alarms} of 500 comparisons raise a false alarm")
    assert alarms / 500 <= 0.015


@pytest.mark.slow
@pytest.mark.parametrize("machine", [measured, wandering])
def test_a_slowdown_of_a_fifth_is_caught(machine: Machine) -> None:
    """In one lane of eight, in nine of ten comparisons or more; the other lanes stay silent."""
    rng = np.random.default_rng(21)
    said = [spoken(machine(rng, 0.2), with_width=True) for _ in range(200)]
    caught = sum(row[0] == "more" for row in said)
    print(f"{machine.__name__}: {caught} of 200 slowdowns of 20% are seen")
    assert caught / 200 >= 0.9
    assert sum(says != "no difference" for row in said for says in row[1:]) / 200 <= 0.015


@pytest.mark.slow
def test_the_bootstrap_alone_would_not_hold_what_is_promised() -> None:
    """Why the interval is the hull of two: the percentile bootstrap of seven rounds covers too little."""
    rng = np.random.default_rng(22)
    logs = rng.normal(0, 0.03, (500, ROUNDS))
    made = stats.bootstrap(
        (logs,),
        np.mean,
        axis=1,
        n_resamples=1999,
        confidence_level=0.99,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    missed = np.mean((made.low > 0) | (made.high < 0))
    assert missed > 0.02
    held = intervals.intervals_of(logs, np.full(500, 0.01), 1)
    assert np.mean([low > 0 or high < 0 for _, low, high in held]) <= 0.015


def test_an_interval_by_hand() -> None:
    """Student's t for log ratios 0.1, 0.2, 0.3: 0.2 ± 9.9248 · 0.1 / √3."""
    a, b = [1.0, 2.0, 4.0], [math.exp(0.1), 2 * math.exp(0.2), 4 * math.exp(0.3)]
    [found] = intervals.paired([(a, b)])
    assert found.ratio == pytest.approx(math.exp(0.2))
    reach = 9.92484 * 0.1 / math.sqrt(3)
    assert found.low == pytest.approx(math.exp(0.2 - reach), rel=1e-4)
    assert found.high == pytest.approx(math.exp(0.2 + reach), rel=1e-4)


def test_holm_steps_down_until_one_does_not_pass() -> None:
    assert intervals.holm([0.001, 0.9, 0.004], 0.01) == pytest.approx([0.01 / 3, 0.01, 0.005])
    assert intervals.holm([0.2, 0.9, 0.004], 0.01) == pytest.approx([0.01 / 3] * 3)


def test_the_same_figures_give_the_same_interval() -> None:
    rng = np.random.default_rng(3)
    rows = [(list(rng.lognormal(0, 0.1, 7)), list(rng.lognormal(0, 0.1, 7))) for _ in range(3)]
    assert intervals.paired(rows) == intervals.paired(rows)


@pytest.mark.parametrize(
    ("interval", "noise", "side"),
    [((1.06, 1.2), 0.05, 1), ((1.04, 1.2), 0.05, 0), ((0.8, 0.94), 0.05, -1), ((0.8, 0.96), 0.05, 0)],
)
def test_a_difference_must_exceed_the_noise(interval: tuple[float, float], noise: float, side: int) -> None:
    low, high = interval
    assert intervals.Interval(ratio=1.0, low=low, high=high).beyond(noise) == side


def test_width_is_not_moved_by_a_few_disturbed_trials() -> None:
    rng = np.random.default_rng(4)
    quiet = list(rng.normal(0, 0.03, 101))
    assert intervals.width(quiet) == pytest.approx(0.06, rel=0.35)
    assert intervals.width(quiet, 4) == pytest.approx(0.03, rel=0.35)
    assert intervals.width([*quiet, 2.0, -3.0]) == pytest.approx(intervals.width(quiet), rel=0.1)
    assert intervals.width([]) is None
