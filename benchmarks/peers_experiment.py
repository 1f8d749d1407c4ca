"""The service and its peers as an experiment: an endpoint each is a scenario, a server each a variant.

``BENCH_VENV`` is the environment that ``benchmarks/requirements.txt`` was installed in.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hotlap.experiment import Expect, Experiment, Lane, Load, Server

HERE = Path(__file__).resolve().parent
PEER_PYTHON = str(Path(os.environ.get("BENCH_VENV", HERE / ".venv")) / "bin" / "python")
RUST = HERE / "rust" / "target" / "release"
OPEN = ("--backlog", "4096", "--backpressure", "4096")
ITERATIONS = 1_000_000

ENDPOINTS: dict[str, tuple[str, Load]] = {
    "empty": ("ok", Load(users=32)),
    "fast": ("6", Load(users=500)),
    "read": ("6", Load(users=50)),
    "cpu": (str(ITERATIONS * (ITERATIONS - 1) // 2 + 6 * ITERATIONS), Load(users=4)),
    "cpualloc": (str(ITERATIONS * (ITERATIONS - 1) // 2 + 6 * ITERATIONS), Load(users=4)),
}
"""What each endpoint answers, and its load."""


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
    return Server(command=COMMANDS[name], cwd=None if name == "pyapp" else "peers", ready_path=ready)


def _lane(scenario: str, name: str) -> Lane:
    body, load = ENDPOINTS[scenario]
    path = f"/{scenario}"
    if (scenario, name) == ("empty", "pyapp"):
        path = "/healthz"
    return Lane(
        scenario=scenario,
        variant=name,
        path=path,
        suite="peers",
        expect=Expect(body=body),
        load=load,
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
