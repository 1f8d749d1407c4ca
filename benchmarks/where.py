"""Where compute should run: how long ``/healthz`` takes while 16 connections keep a computing lane busy.

``make bench-where`` runs it. Each placement is served afresh, in rounds, one after the other; while the lab's
engine loads it, another engine asks for ``/healthz`` at an even 100 requests a second.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

from window import window

from hotlap._engine import Behaviour, Swarm
from hotlap.serving.request import Request
from hotlap.serving.server import served
from ladder.experiment import experiment

LANES = {
    "on the event loop's thread": "where-loop/native",
    "64 threads of Python's": "where-wide-pool/native",
    "as many as cores (chosen)": "where-pool/native",
    "as many as cores, of Rust's": "where-rust-pool/native",
}
CONNECTIONS = 16
HEALTH_RPS = 100.0


def measure(lane_name: str, time_s: float) -> tuple[float, float, float, float]:
    """p50 and p99 of ``/healthz`` in ms, requests a second of the lane, and its server CPU in µs each."""
    lane = experiment.lane(lane_name)
    with served(experiment, lane) as server:
        swarm, health = Swarm(server.url), Swarm(server.url)
        computing = swarm.declare(Behaviour([Request("GET", lane.path, expected_body=lane.expect.body)]))
        asking = health.declare(Behaviour([Request("GET", "/healthz")], model="open", max_in_flight=1000))
        for _ in range(CONNECTIONS):
            swarm.add(computing)
        time.sleep(1.0)
        health.add(asking, rate=HEALTH_RPS)
        seen = window(swarm, server, time_s)
        health.stop(grace_s=30.0)
        (healths,) = health.take()
        swarm.stop(grace_s=0.0)
    if seen.figures.failed or healths.failed:
        raise SystemExit(f"{lane_name}: {seen.figures.errors or healths.errors}")
    p50, p99 = (healths.response.quantile_ms(one) or float("nan") for one in (0.5, 0.99))
    return p50, p99, seen.rps, seen.cpu_us


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--time", type=float, default=12.0, help="seconds for each placement and round")
    asked = parser.parse_args()
    found: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in LANES}
    for _ in range(asked.rounds):
        for name, lane in LANES.items():
            found[name].append(measure(lane, asked.time))
    print(f"{'':30}{'/healthz p50':>14}{'p99 (each round)':>32}{'lane':>12}{'CPU/request':>14}")
    for name, rounds in found.items():
        p50, _, rps, cpu_us = (median(column) for column in zip(*rounds, strict=True))
        p99s = " ".join(f"{one[1]:,.1f}" for one in rounds)
        print(f"{name:30}{p50:11,.1f} ms{p99s + ' ms':>32}{rps:9,.1f}/s{cpu_us / 1000:11,.1f} ms")


if __name__ == "__main__":
    main()
