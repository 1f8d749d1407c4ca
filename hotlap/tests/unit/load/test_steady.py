"""Warm-up is found, growth and saturation are told from noise: on made series whose answer is known."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hotlap._engine import Histogram
from hotlap.analysis.judged import LittlesLaw, Steadiness
from hotlap.analysis.trials import judged_trial, littles, saturates, starved, steadiness_of
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import LocustStats, Slice, Trial
from hotlap.load import steady
from hotlap.load.aggregate import Window, percentiles, window_of
from hotlap.load.wire import Slice as EncodedSlice
from hotlap.load.wire import WindowResult

AT_S = [0.25 * (index + 1) for index in range(40)]


def noisy(values: list[float], seed: int = 1) -> list[float | None]:
    """The values, each off by up to a tenth."""
    chance = random.Random(seed)
    return [value * chance.uniform(0.9, 1.1) for value in values]


def trial(values: list[float | None], *, in_flight: list[int] | None = None, **more: Any) -> Trial:
    """A trial with these latencies in its slices, as measuring leaves it."""
    counts = in_flight if in_flight is not None else [0] * len(values)
    return Trial(
        engine="native",
        model="closed",
        slices=[
            Slice(length_s=0.25, requests=10, mean_ms=value, in_flight=count)
            for value, count in zip(values, counts, strict=True)
        ],
        **more,
    )


def found(values: list[float | None]) -> Steadiness:
    return steadiness_of(trial(values))


def test_a_steady_latency_is_left_whole() -> None:
    for seed in range(20):
        values = noisy([50.0] * 40, seed)
        assert steady.settled(AT_S, values) == 0
        assert found(values).decided
        assert not found(values).growing


def test_a_warm_up_is_cut_off_where_it_ends() -> None:
    for seed in range(20):
        values = noisy([500.0, 300.0, 200.0, 120.0] + [50.0] * 36, seed)
        assert 4 <= steady.settled(AT_S, values) <= 8, seed
        assert not found(values).growing


def test_a_latency_that_grows_to_the_end_has_no_mean() -> None:
    for seed in range(20):
        values = noisy([100.0 + 1000 * at for at in AT_S], seed)
        assert steady.settled(AT_S, values) == 0
        steadiness = found(values)
        assert steadiness.growing
        assert steadiness.slope_ms_per_s is not None
        assert 900 < steadiness.slope_ms_per_s < 1100
        judged = judged_trial(trial(values, latency_ms=Percentiles(mean=5000.0, p50=4900.0, max=9900.0)))
        assert judged.latency_ms == Percentiles(max=9900.0)
        assert judged.evidence.latency_ms.p50 == 4900.0


def test_a_queue_that_fills_and_then_stands_is_a_warm_up() -> None:
    filling = noisy([min(100.0 + 400 * at, 800.0) for at in AT_S])
    assert not found(filling).growing
    assert 5 <= steady.settled(AT_S, filling) <= 9


def test_too_little_says_nothing() -> None:
    assert not found([1.0] * 5).decided
    assert not found([None] * 36 + [1.0] * 4).decided
    assert steady.settled(AT_S, [None] * 36 + [1.0] * 4) == 0


def test_requests_in_flight_that_keep_growing_are_saturation() -> None:
    def saturated(in_flight: list[int]) -> bool:
        made = trial([50.0] * 40, in_flight=in_flight)
        made.model, made.rate = "open", 40.0
        return saturates(made)

    assert saturated([round(20 * at) for at in AT_S])
    assert not saturated([5 + index % 3 for index in range(40)])
    chance = random.Random(3)
    assert not saturated([chance.randrange(30) for _ in AT_S])


def slices(count: int, requests: int, latency_ms: float, in_flight: float) -> WindowResult:
    """A window of quarters of a second that are all alike."""
    histogram = Histogram()
    for _ in range(requests):
        histogram.record(round(latency_ms * 1000))
    one = EncodedSlice(
        length_s=0.25,
        requests=requests,
        failures=0,
        response=histogram.encode(),
        service=histogram.encode(),
        in_flight=round(in_flight),
        in_flight_s=in_flight * 0.25,
        not_offered=0,
        generator_cpu_s=0.01,
        server_cpu_s=0.1,
        errors={},
    )
    return WindowResult(engine="native", slices=[one] * count, locust=LocustStats())


def closed(window: Window, users: int) -> LittlesLaw | None:
    """The law for so many users who wait half a second between requests."""
    trial = Trial(
        engine="native",
        model="closed",
        users=users,
        wait_s=(0.5, 0.5),
        duration_s=window.duration_s,
        requests=window.requests,
        latency_ms=percentiles(window.response),
        in_flight_mean=window.in_flight_mean,
        slices=window.slices,
    )
    return littles(trial, steadiness_of(trial))


def test_the_figures_of_a_window_are_those_of_its_slices() -> None:
    window = window_of(slices(40, 25, 50.0, 5.0))
    assert (window.requests, window.duration_s, window.warm_up_s) == (1000, 10.0, 0.0)
    assert window.generator_cpu_s == pytest.approx(0.4)
    assert [round(point.rps) for point in window.series] == [100] * 10
    assert [one.requests for one in window.slices] == [25] * 40
    law = closed(window, 55)
    assert law is not None
    assert law.difference < 0.01
    assert law.latency_difference is not None
    assert law.latency_difference < 0.01


def test_littles_law_sees_users_who_are_held_up() -> None:
    law = closed(window_of(slices(40, 25, 50.0, 5.0)), 100)
    assert law is not None
    assert 0.4 < law.difference < 0.5


def test_users_who_are_never_answered_are_starved() -> None:
    # 100 requests a second of 50 ms are 5 in flight, and 50 users wait; 45 more are in flight throughout.
    assert starved(closed(window_of(slices(40, 25, 50.0, 50.0)), 100)) == pytest.approx(45, abs=0.5)
    assert starved(closed(window_of(slices(40, 25, 50.0, 5.0)), 100)) is None
