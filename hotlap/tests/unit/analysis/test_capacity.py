"""The search for capacity, against queues whose answer is known."""

from __future__ import annotations

import math
import random

import msgspec
import pytest

from hotlap._engine import Histogram
from hotlap.analysis.capacity import Objective, ObjectiveError, knee, search
from hotlap.analysis.judged import JudgedTrial
from hotlap.analysis.trials import judged_trial
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import StreamFigures, Trial
from hotlap.load.aggregate import percentiles

HOLD_S = 0.05


def queue(rate: float, *, exponential: bool, time_s: float = 200.0, seed: int = 1) -> JudgedTrial:
    """One place that serves each for ``HOLD_S``: what a measurement of it would give."""
    chance = random.Random(seed)
    histogram = Histogram()
    at_s = free_s = 0.0
    requests = 0
    time_s = max(time_s, 2000 / rate)
    while at_s < time_s:
        at_s += chance.expovariate(rate) if exponential else 1 / rate
        free_s = max(free_s, at_s) + HOLD_S
        histogram.record(round((free_s - at_s) * 1e6))
        requests += 1
    trial = Trial(
        engine="native", model="open", rate=rate, requests=requests, failures=0, rps=requests / time_s,
        latency_ms=percentiles(histogram),
    )  # fmt: skip
    return msgspec.structs.replace(judged_trial(trial), saturated=rate * HOLD_S > 1.01)


def waits_at_most(rate: float, wait_s: float) -> float:
    """The share that waits so long at most before it is served, in an M/D/1 queue (Erlang)."""
    terms = (
        (-1) ** k
        * (rate * (wait_s - k * HOLD_S)) ** k
        / math.factorial(k)
        * math.exp(rate * (wait_s - k * HOLD_S))
        for k in range(int(wait_s / HOLD_S) + 1)
    )
    return (1 - rate * HOLD_S) * math.fsum(terms)


def test_even_arrivals_are_met_up_to_the_reciprocal_of_the_hold() -> None:
    objective = Objective.parse("p99 < 100 ms, failures < 0.1%")
    found = search(lambda rate: queue(rate, exponential=False), objective, start=2, highest=1000)
    assert found.rate == pytest.approx(1 / HOLD_S, rel=0.05)
    assert found.limited is None
    assert found.rate <= 1 / HOLD_S * 1.001


@pytest.mark.parametrize(
    ("text", "share", "limit_s"), [("p90 < 150 ms", 0.9, 0.15), ("p99 < 300 ms", 0.99, 0.3)]
)
def test_exponential_arrivals_are_met_up_to_what_queueing_theory_says(
    text: str, share: float, limit_s: float
) -> None:
    low, high = 0.1, 1 / HOLD_S
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (middle, high) if waits_at_most(middle, limit_s - HOLD_S) > share else (low, middle)
    found = search(
        lambda rate: queue(rate, exponential=True, time_s=1000), Objective.parse(text), start=2, highest=1000
    )
    assert found.rate == pytest.approx(low, rel=0.1)


def test_a_rate_that_is_never_met_and_one_that_is_always_met_are_said() -> None:
    objective = Objective.parse("p50 < 10 ms")
    assert search(lambda rate: queue(rate, exponential=False), objective, start=8, highest=100).rate is None
    easy = search(
        lambda rate: queue(rate, exponential=False), Objective.parse("p50 < 1 s"), start=2, highest=8
    )
    assert easy.rate == 8
    assert easy.limited is not None


def test_the_edge_is_tried_again_and_gives_way_where_it_does_not_hold() -> None:
    tries: dict[float, int] = {}

    def unsteady(rate: float) -> JudgedTrial:
        tries[rate] = tries.get(rate, 0) + 1
        # Above 10, the first try looks well and no other does.
        return queue(1.0 if rate <= 10 or (rate < 16 and tries[rate] == 1) else 100.0, exponential=False)

    found = search(unsteady, Objective.parse("p99 < 100 ms"), start=2, highest=100, repeats=3)
    assert found.rate is not None
    assert 9 < found.rate <= 10.5
    assert tries[found.rate] >= 3


def test_the_knee_is_where_latency_leaves_its_floor() -> None:
    found = search(
        lambda rate: queue(rate, exponential=True), Objective.parse("p99 < 2 s"), start=1, highest=1000
    )
    bend = knee(found.tried)
    assert bend is not None
    assert 8 <= bend < 1 / HOLD_S


@pytest.mark.parametrize(
    "text",
    ["", "p99", "p99 < 100", "p99 > 100 ms", "p42 < 1 ms", "failures < 3 ms", "p50 < 1%", "p50 < 1 ms;"],
)
def test_an_objective_that_cannot_be_read_says_how_it_is_written(text: str) -> None:
    with pytest.raises(ObjectiveError, match=r"p99 < 100 ms|held against"):
        Objective.parse(text)


def test_what_an_objective_misses_is_said() -> None:
    objective = Objective.parse("p50 < 40 ms, failures < 1%")
    trial = queue(2.0, exponential=False)
    trial.evidence.failures = trial.evidence.requests
    assert objective.misses(trial) == [f"p50 {trial.latency_ms.p50:.4g} ms", "failures 100.00%"]
    assert Objective.parse("p99.9 < 1 s").needs_requests() == 10_000


def test_an_objective_may_be_of_a_time_of_streams() -> None:
    objective = Objective.parse("first_event p50 < 40 ms, gap p90 < 1 s")
    trial = queue(2.0, exponential=False)
    assert objective.misses(trial) == [
        "too few requests for first_event p50: measure for longer",
    ]
    trial.evidence.stream = StreamFigures(
        events=10,
        events_per_s=1.0,
        bytes_per_s=1.0,
        first_byte_ms=Percentiles(),
        first_event_ms=Percentiles(p50=50.0),
        gap_ms=Percentiles(p90=20.0),
    )
    assert objective.misses(trial) == ["first_event p50 50 ms"]
    with pytest.raises(ObjectiveError, match="failures are of whole answers"):
        Objective.parse("first_event failures < 1%")
