"""What the lab tells the Locust that it starts, and what it is told back; files between two processes."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from hotlap.experiment import Engine, Lane, Load
from hotlap.result import Point

PLAN_VARIABLE = "HOTLAP_SWARM_PLAN"


class SwarmPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch: written by the lab, read by the locustfile.

    With ``time_s`` the stretch is measured after ``warm_up_s`` and then ends; without it the load
    goes on until the process is told to end, and ``live`` says how far it got.
    """

    lane: Lane
    load: Load
    engine: Engine
    warm_up_s: float = 0.0
    time_s: float | None = None
    server_pids: tuple[int, ...] = ()
    body_sha256: str | None = None
    """What each body must be; ``None`` where answers are not constant."""
    answer: str
    """The file for the ``Answer``."""
    live: str
    """The file that holds how many requests were answered so far, as text."""

    @staticmethod
    def given() -> SwarmPlan:
        """The plan that the environment names."""
        return msgspec.json.decode(Path(os.environ[PLAN_VARIABLE]).read_bytes(), type=SwarmPlan)


class Answer(msgspec.Struct, kw_only=True):
    """What a stretch gave. Counts and times are those of the window; times on the monotonic clock."""

    duration_s: float
    requests: int
    failures: int
    aborted: int | None = None
    """Requests that had no answer when the window ended; ``None`` where the engine does not count them."""
    not_offered: int | None = None
    generator_cpu_s: float
    server_cpu_s: float | None
    errors: dict[str, int]
    response: bytes
    """Response times, an encoded histogram; likewise the others."""
    service: bytes | None = None
    connect: bytes | None = None
    series: list[Point] = []
    said: dict[str, float | None] = {}
    """What Locust's own statistics say of the window: ``rps``, ``mean``, ``p50``, ``p99`` in ms."""
