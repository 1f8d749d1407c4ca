"""Warm-up is found, growth and saturation are told from noise: on made series whose answer is known."""

from __future__ import annotations

import random

import pytest

from hotlap.experiment import Load
from hotlap.load import steady
from hotlap.load.aggregate import littles, measured, starved
from hotlap.load.wire import Answer, Slice

AT_S = [0.25 * (index + 1) for index in range(40)]


def noisy(values: list[float], seed: int = 1) -> list[float | None]:
    """The values, each off by up to a tenth."""
    chance = random.Random(seed)
    return [value * chance.uniform(0.9, 1.1) for value in values]


def test_a_steady_latency_is_left_whole() -> None:
    for seed in range(20):
        found = steady.find(AT_S, noisy([50.0] * 40, seed))
        assert found.decided
        assert not found.growing
        assert found.first == 0


def test_a_warm_up_is_cut_off_where_it_ends() -> None:
    for seed in range(20):
        found = steady.find(AT_S, noisy([500.0, 300.0, 200.0, 120.0] + [50.0] * 36, seed))
        assert 4 <= found.first <= 8, (seed, found)
        assert not found.growing


def test_a_latency_that_grows_to_the_end_has_no_mean() -> None:
    for seed in range(20):
        found = steady.find(AT_S, noisy([100.0 + 1000 * at for at in AT_S], seed))
        assert found.growing
        assert found.slope_ms_per_s is not None
        assert 900 < found.slope_ms_per_s < 1100


def test_a_queue_that_fills_and_then_stands_is_a_warm_up() -> None:
    filling = [min(100.0 + 400 * at, 800.0) for at in AT_S]
    found = steady.find(AT_S, noisy(filling))
    assert not found.growing
    assert 5 <= found.first <= 9


def test_too_little_says_nothing() -> None:
    assert not steady.find(AT_S[:5], [1.0] * 5).decided
    assert not steady.find(AT_S, [None] * 36 + [1.0] * 4).decided


def test_requests_in_flight_that_keep_growing_are_saturation() -> None:
    assert steady.saturates(AT_S, [round(20 * at) for at in AT_S], rate=40.0)
    assert not steady.saturates(AT_S, [5 + index % 3 for index in range(40)], rate=40.0)
    chance = random.Random(3)
    assert not steady.saturates(AT_S, [chance.randrange(30) for _ in AT_S], rate=40.0)


def slices(count: int, requests: int, latency_ms: float, in_flight: float) -> Answer:
    """A window of quarters of a second that are all alike."""
    from hotlap._engine import Histogram

    histogram = Histogram()
    for _ in range(requests):
        histogram.record(round(latency_ms * 1000))
    one = Slice(
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
    return Answer(slices=[one] * count)


def test_the_figures_of_a_window_are_those_of_its_slices() -> None:
    load = Load(users=55, wait_s=(0.5, 0.5))
    window = measured(slices(40, 25, 50.0, 5.0), load)
    assert (window.requests, window.duration_s, window.warm_up_s) == (1000, 10.0, 0.0)
    assert window.generator_cpu_s == 0.4 or abs(window.generator_cpu_s - 0.4) < 1e-9
    assert [round(point.rps) for point in window.series] == [100] * 10
    law = littles(window, load)
    assert law is not None
    assert law["difference"] < 0.01
    assert law["latency_difference"] < 0.01


def test_littles_law_sees_users_who_are_held_up() -> None:
    load = Load(users=100, wait_s=(0.5, 0.5))
    law = littles(measured(slices(40, 25, 50.0, 5.0), load), load)
    assert law is not None
    assert 0.4 < law["difference"] < 0.5


def test_users_who_are_never_answered_are_starved() -> None:
    load = Load(users=100, wait_s=(0.5, 0.5))
    # 100 requests a second of 50 ms are 5 in flight, and 50 users wait; 45 more are in flight throughout.
    law = littles(measured(slices(40, 25, 50.0, 50.0), load), load)
    assert starved(law) == pytest.approx(45, abs=0.5)
    fair = littles(measured(slices(40, 25, 50.0, 5.0), load), load)
    assert starved(fair) is None
