"""The engine's latencies against a server's own log of how long each answer took."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from pathlib import Path

import pytest
from swarming import delay_server, quantile_us, until

from hotlap._engine import Behaviour, Swarm
from hotlap.serving.request import Request

pytestmark = pytest.mark.measures

POINTS = 0.005
SLACK_US = 15_000
"""What may lie between the server's clock and ours: its event loop, the loopback, a busy machine."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.85, 0.95, 0.98)


@pytest.mark.parametrize(("mode", "least"), [("constant", 3000), ("bimodal", 2500), ("pause", 2500)])
def test_the_rank_of_each_percentile_in_the_servers_log(tmp_path: Path, mode: str, least: int) -> None:
    with delay_server(mode, tmp_path) as server:
        swarm = Swarm(server.url)
        behaviour = swarm.declare(Behaviour([Request("GET", "/", expected_body="6")], wait_s=(0.01, 0.02)))
        for _ in range(64):
            swarm.add(behaviour)
        until("enough have come", lambda: server.received() > least)
        swarm.stop(grace_s=30.0)
        (figures,) = swarm.take()
        until("all are logged", lambda: len(server.took_us()) == figures.answered)
        logged = server.took_us()
    assert figures.started == figures.answered == figures.service.count
    for quantile in QUANTILES:
        value_us = quantile_us(figures.service, quantile)
        # The server's clock runs for less time than ours: the rank is that of a value up to the slack below.
        low = bisect_left(logged, value_us - SLACK_US) / len(logged)
        high = bisect_right(logged, value_us * 1.001) / len(logged)
        assert low - POINTS <= quantile <= high + POINTS, (quantile, value_us, low, high)


def test_where_delays_are_spread_each_percentile_has_its_rank_to_the_point(tmp_path: Path) -> None:
    """What lies between the two clocks moves no rank here, so that no slack is given."""
    with delay_server("spread", tmp_path) as server:
        swarm = Swarm(server.url)
        behaviour = swarm.declare(Behaviour([Request("GET", "/")], model="open", max_in_flight=5000))
        swarm.add(behaviour, rate=400.0)
        until("enough have come", lambda: server.received() > 3000)
        swarm.stop(grace_s=30.0)
        (figures,) = swarm.take()
        until("all are logged", lambda: len(server.took_us()) == figures.answered)
        logged = server.took_us()
    assert figures.started == figures.answered + figures.failed
    for quantile in QUANTILES:
        value_us = quantile_us(figures.service, quantile)
        rank = bisect_right(logged, value_us) / len(logged)
        assert abs(rank - quantile) <= POINTS, (quantile, value_us, rank)


def test_a_pause_is_seen_in_full_by_those_who_keep_their_pace(tmp_path: Path) -> None:
    with delay_server("pause", tmp_path) as server:
        swarm = Swarm(server.url)
        behaviour = swarm.declare(Behaviour([Request("GET", "/")], model="open", max_in_flight=5000))
        swarm.add(behaviour, rate=200.0)
        began_s = time.monotonic()
        until("the pause is over", lambda: server.received() > 1200)
        passed_s = time.monotonic() - began_s
        swarm.stop(grace_s=30.0)
        (figures,) = swarm.take()
    # 400 requests came in the 2 s for which none was answered; the mean of what each waited is 1 s.
    waited = sum(count for value_us, count in figures.response.recorded() if value_us > 200_000)
    assert 300 <= waited <= 500, (waited, passed_s)
    assert (figures.response.max_ms or 0) >= 1900
