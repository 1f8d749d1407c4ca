"""The servers that an app can be served by, and how each is started: pure, a table and its words."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

import msgspec

from hotlap.evidence.service import ServerName
from hotlap.experiment import Interface, Server

THREADS = 4
"""Of a server that answers WSGI with a fixed number of them: what waitress has unless it is told another."""
_MOST_CONNECTIONS = 10_000
_KEEP_ALIVE_S = 120


class AppServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server of ``module:object``, which is run with ``python -m``."""

    package: ServerName
    interfaces: tuple[Interface, ...]
    words: Callable[[Server, str, int, str], list[str]]
    """Its arguments for a server, a host, a port and its own version."""
    threads: int | None = None
    """How many answer, where that is fixed."""


def _granian(server: Server, host: str, port: int, version: str) -> list[str]:
    return [
        *("--interface", server.interface, "--host", host, "--port", str(port)),
        *("--workers", "1", "--log-level", "warning"),
        *["--factory"] * server.factory,
        *server.granian_args,
        str(server.app),
    ]


def _uvicorn(server: Server, host: str, port: int, version: str) -> list[str]:
    return [
        *("--host", host, "--port", str(port), "--workers", "1", "--log-level", "warning", "--no-access-log"),
        *["--factory"] * server.factory,
        str(server.app),
    ]


def _hypercorn(server: Server, host: str, port: int, version: str) -> list[str]:
    # Without workers it serves by itself, from 0.15 on: one process less, and none that only looks on.
    workers = "1" if re.match(r"0\.(\d|1[0-4])(\.|$)", version) else "0"
    bind = ("--bind", _address(host, port), "--workers", workers, "--log-level", "warning")
    return [*bind, _called(server)]


def _gunicorn(server: Server, host: str, port: int, version: str) -> list[str]:
    return [
        *("--bind", _address(host, port), "--workers", "1", "--worker-class", "gthread"),
        # A worker without threads closes each connection after its answer.
        *("--threads", str(THREADS), "--keep-alive", str(_KEEP_ALIVE_S)),
        *("--worker-connections", str(_MOST_CONNECTIONS)),
        # A worker that a profiler holds up is not to be ended for it.
        *("--timeout", "0", "--graceful-timeout", "2", "--log-level", "warning"),
        _called(server),
    ]


def _waitress(server: Server, host: str, port: int, version: str) -> list[str]:
    return [
        *("--host", host, "--port", str(port), "--threads", str(THREADS)),
        # It would take a hundred connections, and leave the others to wait.
        *("--connection-limit", str(_MOST_CONNECTIONS), "--asyncore-use-poll"),
        *["--call"] * server.factory,
        str(server.app),
    ]


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _called(server: Server) -> str:
    return f"{server.app}()" if server.factory else str(server.app)


SERVERS = (
    AppServer(package="granian", interfaces=("asgi", "wsgi", "rsgi"), words=_granian),
    AppServer(package="uvicorn", interfaces=("asgi",), words=_uvicorn),
    AppServer(package="hypercorn", interfaces=("asgi",), words=_hypercorn),
    AppServer(package="gunicorn", interfaces=("wsgi",), words=_gunicorn, threads=THREADS),
    AppServer(package="waitress", interfaces=("wsgi",), words=_waitress, threads=THREADS),
)
"""Those that the lab knows: the first that is there and speaks the app's interface is used."""


def able(interface: Interface) -> list[AppServer]:
    """The servers that speak an interface, the one that is preferred first."""
    return [server for server in SERVERS if interface in server.interfaces]


def choose(interface: Interface, present: Collection[str]) -> AppServer | None:
    """The server to use of the packages that are there; ``None`` where none of them will do."""
    return next((server for server in able(interface) if server.package in present), None)
