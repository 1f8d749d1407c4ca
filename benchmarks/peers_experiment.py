"""The service and its peers as an experiment: an endpoint each is a scenario, a server each a variant.

``BENCH_VENV`` is the environment that ``benchmarks/requirements.txt`` was installed in, and ``BENCH_SERVER_CORES`` has
the cores that servers are kept to, as ``taskset`` takes them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

from hotlap.experiment import Expect, Experiment, Lane, Load, Server

HERE = Path(__file__).resolve().parent
PEER_PYTHON = str(Path(os.environ.get("BENCH_VENV", HERE / ".venv")) / "bin" / "python")
RUST = HERE / "rust" / "target" / "release"
OPEN = ("--backlog", "4096", "--backpressure", "4096")
ITERATIONS = 1_000_000


class Endpoint(NamedTuple):
    """What is asked of every server."""

    path: str
    body: str
    load: Load
    title: str
    ideal_rps: float | None = None
    """What the load would give if every answer took its wait alone."""


_FOLDED = str(ITERATIONS * (ITERATIONS - 1) // 2 + 6 * ITERATIONS)
ENDPOINTS: dict[str, Endpoint] = {
    "empty": Endpoint("/empty", "ok", Load(users=32), "nothing to be done, 32 connections"),
    "fast": Endpoint("/fast", "6", Load(users=3000, spawn_rate=3000.0), "a wait of 50 ms, 3000 connections"),
    "article": Endpoint(
        *("/fast", "6", Load(users=3000, spawn_rate=1500.0, wait_s=(0.5, 0.5))),
        "the same under the article's load: 3000 users who wait for 0.5 s",
        3000 / 0.55,
    ),
    "read": Endpoint("/read", "6", Load(users=50), "an exclusive lock held over 50 ms, 50 connections"),
    "cpu": Endpoint("/cpu", _FOLDED, Load(users=4), "a million folds, nothing copied, 4 connections"),
    "cpualloc": Endpoint("/cpualloc", _FOLDED, Load(users=4), "a million folds with copies, 4 connections"),
}

SERVER_CORES = "BENCH_SERVER_CORES"


def kept_to(cores: str | None) -> tuple[str, ...]:
    """The words that keep a command to these cores."""
    return ("taskset", "--cpu-list", cores) if cores else ()


def _python(*words: str) -> tuple[str, ...]:
    return (PEER_PYTHON, *words)


def _uvicorn(app: str) -> tuple[str, ...]:
    quiet = ("--log-level", "warning", "--no-access-log")
    return _python("-m", "uvicorn", app, "--host", "127.0.0.1", "--port", "{port}", *quiet)


COMMANDS: dict[str, tuple[str, ...]] = {
    "pyapp": (sys.executable, "-m", "pyapp", "--port", "{port}"),
    "warp": (str(RUST / "warp"), "{port}"),
    "axum": (str(RUST / "axum"), "{port}"),
    "falcon-uvicorn": _uvicorn("on_falcon:app"),
    "fastapi-uvicorn": _uvicorn("on_fastapi:app"),
    "litestar-granian": _python(
        *("-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--host", "127.0.0.1"),
        *("--port", "{port}", "--log-level", "warning", *OPEN, "on_litestar:app"),
    ),
    "robyn": _python("on_robyn.py", "--log-level=WARN", "{port}"),
}
"""How each server is started; every one is a single worker process with its own defaults."""


def _server(name: str) -> Server:
    ready = "/healthz" if name == "pyapp" else "/empty"
    command = (*kept_to(os.environ.get(SERVER_CORES)), *COMMANDS[name])
    return Server(
        command=command,
        cwd=None if name == "pyapp" else "peers",
        ready_path=ready,
        # Robyn does not end while it has connections.
        stop_timeout_s=1.0,
    )


def _lane(scenario: str, name: str) -> Lane:
    endpoint = ENDPOINTS[scenario]
    return Lane(
        scenario=scenario,
        variant=name,
        path="/healthz" if (scenario, name) == ("empty", "pyapp") else endpoint.path,
        suite="peers",
        expect=Expect(body=endpoint.body),
        load=endpoint.load,
        profiles=(),
        server=_server(name),
    )


experiment = Experiment(
    name="peers",
    server=_server("pyapp"),
    lanes=tuple(_lane(scenario, name) for scenario in ENDPOINTS for name in COMMANDS),
    root=str(HERE),
    baseline="falcon-uvicorn",
    candidate="pyapp",
)
