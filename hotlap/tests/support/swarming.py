"""What the tests of the load side share: a server with known delays, and Locust in processes of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from hotlap._engine import Histogram
from hotlap.serving.server import free_port, stop

HERE = Path(__file__).parent
LIMIT_S = 60.0

LOCUSTFILE = """
from pathlib import Path
import msgspec
from locust import FastHttpUser, constant, events, task
from hotlap.swarm.bridge import FEED
from hotlap.users import ArrivalUser, NativeUser, PacedUser, Request

class Asking(NativeUser):
    wait = (0.02, 0.02)
    requests = [Request("GET", "/", expected_body="6")]

@events.quit.add_listener
def tell(exit_code, **_):
    total = FEED.accounts.total().counts()
    told = {**total, "exit_code": exit_code, "lost": FEED.lost, "workers": sorted(FEED.workers)}
    stats = FEED.environment.stats
    told["locust"] = {
        "requests": stats.total.num_requests,
        "failures": stats.total.num_failures,
        "aborted": sum(e.num_requests for (n, _), e in stats.entries.items() if n.endswith("(aborted)")),
        "rows": sum(e.num_requests for (n, _), e in stats.entries.items()),
        "per_second": sum(stats.total.num_reqs_per_sec.values()),
        "errors": sum(e.occurrences for e in stats.errors.values()),
    }
    told["histogram"] = FEED.accounts.total().response.count
    if type(FEED.environment.runner).__name__ != "WorkerRunner":
        Path("told.json").write_bytes(msgspec.json.encode(told))
"""


def until(what: str, holds: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Poll until something holds."""
    deadline = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.02)


def quantile_us(histogram: Histogram, quantile: float) -> int:
    """The value below which that share of what was recorded lies."""
    wanted, seen = quantile * histogram.count, 0
    for value_us, count in histogram.recorded():
        seen += count
        if seen >= wanted:
            return value_us
    raise AssertionError("no value")


class DelayServer:
    """A running ``delay_server.py``."""

    def __init__(self, mode: str, log: Path, host: str = "127.0.0.1", port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://{host}:{self.port}"
        self.log = log
        self._host = host
        words = [sys.executable, str(HERE / "delay_server.py"), str(self.port), mode, str(log), host]
        self.process = subprocess.Popen(words, start_new_session=True)
        until("the server answers", self._ready)

    def _ready(self) -> bool:
        with contextlib.suppress(OSError, HTTPException):
            return self.received() >= 0
        return False

    def received(self) -> int:
        """How many requests have come."""
        connection = HTTPConnection(self._host, self.port, timeout=10)
        connection.request("GET", "/received")
        told = int(connection.getresponse().read())
        connection.close()
        return told

    def took_us(self) -> list[int]:
        """How long each answer took, by the server's own log."""
        return sorted(int(line) for line in self.log.read_text().split())

    def close(self) -> None:
        """End it."""
        stop(self.process)


@contextlib.contextmanager
def delay_server(mode: str, folder: Path) -> Iterator[DelayServer]:
    """A server with known delays."""
    server = DelayServer(mode, folder / "server.log")
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def locust(
    folder: Path, words: Sequence[str], more: str = "", *, prefix: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Locust with ``LOCUSTFILE`` and what comes after it, in a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "locustfile.py").write_text(LOCUSTFILE + more)
    with (folder / "locust.log").open("ab") as log:
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "locust", "-f", "locustfile.py", *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop(process)


def ended(process: subprocess.Popen[bytes], folder: Path, *, rows: bool = True) -> dict[str, Any]:
    """Wait for Locust's end: what it told, whose sums are right; without ``rows`` where it has written JSON."""
    process.wait(LIMIT_S)
    path = folder / "told.json"
    assert path.exists(), (folder / "locust.log").read_text()[-3000:]
    told: dict[str, Any] = json.loads(path.read_text())
    assert_whole(told, rows=rows)
    return told


def assert_whole(told: dict[str, Any], *, rows: bool = True) -> None:
    """Started = answered + failed + aborted, and Locust's own totals say the same.

    Locust clears its rows when it writes them as JSON.
    """
    assert told["in_flight"] == 0, told
    assert told["started"] == told["answered"] + told["failed"] + told["aborted"], told
    said = told["locust"]
    assert said["requests"] == told["answered"] + told["failed"], told
    assert said["per_second"] == said["requests"], told
    assert said["failures"] == said["errors"] == told["failed"], told
    if rows:
        assert said["aborted"] == told["aborted"], told
        assert said["rows"] == told["started"], told


def assert_agrees(told: dict[str, Any], received: int) -> None:
    """What a server that lives through the test has received lies between answered and started."""
    assert told["answered"] <= received <= told["started"], (received, told)
