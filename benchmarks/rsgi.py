"""Falcon over RSGI beside Falcon over ASGI and a bare RSGI callable, paired in one run.

``make bench-rsgi`` runs it. In each round every server is started afresh and loaded by the lab's engine; printed are
the server's CPU per request, requests a second, and their ratios, round by round and in the middle.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median

import msgspec
from window import Window, window

from hotlap._engine import Behaviour, Swarm
from hotlap.experiment import Experiment
from hotlap.serving.request import Request
from hotlap.serving.server import raise_file_limit, served
from pyapp.experiment import create_experiment

HERE = Path(__file__).resolve().parent
ENDPOINTS = {"empty": ("/healthz", 32), "fast": ("/fast", 3000)}


def servers() -> dict[str, Experiment]:
    """The three, alike but for what is compared."""
    falcon = create_experiment()
    made = {
        "Falcon over ASGI": msgspec.structs.replace(falcon.server, interface="asgi"),
        "Falcon over RSGI": falcon.server,
        "bare RSGI": msgspec.structs.replace(
            falcon.server, app="bare:app", factory=False, env={**falcon.server.env, "PYTHONPATH": str(HERE)}
        ),
    }
    return {name: msgspec.structs.replace(falcon, server=server) for name, server in made.items()}


def measure(experiment: Experiment, path: str, connections: int, time_s: float) -> Window:
    """Load a fresh server."""
    with served(experiment) as server:
        swarm = Swarm(server.url)
        behaviour = swarm.declare(Behaviour([Request("GET", path)]))
        for _ in range(connections):
            swarm.add(behaviour)
        time.sleep(1.0)
        seen = window(swarm, server, time_s)
        swarm.stop(grace_s=0.0)
    if seen.figures.failed:
        raise SystemExit(f"{path}: {seen.figures.errors}")
    return seen


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--time", type=float, default=3.0, help="seconds for each server and round")
    asked = parser.parse_args()
    raise_file_limit()
    for endpoint, (path, connections) in ENDPOINTS.items():
        found: dict[str, list[Window]] = {name: [] for name in servers()}
        for _ in range(asked.rounds):
            for name, experiment in servers().items():
                found[name].append(measure(experiment, path, connections, asked.time))
        print(f"{endpoint}, {connections} connections")
        for name, rounds in found.items():
            cpu, rps = median(one.cpu_us for one in rounds), median(one.rps for one in rounds)
            each = " ".join(f"{one.cpu_us:.1f}" for one in rounds)
            print(f"  {name:18}{cpu:8.1f} µs a request ({each}){rps:10,.0f} requests/s")
        asgi, rsgi, bare = found.values()
        _said(
            "requests/s, RSGI over ASGI", [one.rps / other.rps for one, other in zip(rsgi, asgi, strict=True)]
        )
        _said(
            "requests/s, RSGI over bare", [one.rps / other.rps for one, other in zip(rsgi, bare, strict=True)]
        )
        _said(
            "CPU, ASGI over RSGI", [other.cpu_us / one.cpu_us for one, other in zip(rsgi, asgi, strict=True)]
        )
        _said("µs above bare", [one.cpu_us - other.cpu_us for one, other in zip(rsgi, bare, strict=True)])


def _said(title: str, rounds: list[float]) -> None:
    print(f"  {title:28}{median(rounds):6.2f}  ({min(rounds):.2f} to {max(rounds):.2f})")


if __name__ == "__main__":
    main()
