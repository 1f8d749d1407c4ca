"""The service as its tests serve it, and what they need of the machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import httpx
import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent
READY_TIMEOUT_S = 60.0
# uvloop counts time in whole milliseconds: a wait may end that much early.
TIMER_S = 0.001


def need(condition: object, reason: str) -> None:
    """Skips the test where the machine lacks something; with ``HOTLAP_TESTS_NO_SKIP=1`` the test fails."""
    if condition:
        return
    if os.environ.get("HOTLAP_TESTS_NO_SKIP") == "1":
        pytest.fail(f"nothing may be skipped here: {reason}")
    pytest.skip(reason)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Service:
    """A service that answers, and a client for it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: object) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.url, timeout=60)
        self._log = log

    def get(self, path: str) -> str:
        """The body of a successful answer."""
        return self.client.get(path).raise_for_status().text

    def metric(self, name: str, **labels: str) -> float:
        """A value from ``/metrics``."""
        from prometheus_client.parser import text_string_to_metric_families

        for family in text_string_to_metric_families(self.get("/metrics")):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        raise KeyError((name, labels))

    def raw(self, request: bytes) -> bytes:
        """All that the service sends for these bytes until it closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def log(self) -> str:
        """What the service has printed so far."""
        self._log.seek(0)  # type: ignore[attr-defined]
        return self._log.read().decode(errors="replace")  # type: ignore[attr-defined, no-any-return]


@contextmanager
def serve(
    *flags: str, command: tuple[str, ...] = ("-m", "pyapp"), env: dict[str, str] | None = None
) -> Iterator[Service]:
    """Serves ``python -m pyapp`` with these flags on a free port, from when it answers until the block ends.

    Args:
        flags: what follows the command and ``--port``.
        command: what Python runs; ``{port}`` in it is replaced.
        env: variables on top of this process's own.
    """
    port = free_port()
    words = [word.format(port=port) for word in command]
    if not any("{port}" in word for word in command):
        words += ["--port", str(port)]
    with TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, *words, *flags],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        service = Service(process, port, log)
        try:
            await_answer(service)
            yield service
        finally:
            service.client.close()
            stop(process)


def await_answer(service: Service) -> None:
    """Polls until the service answers.

    Raises:
        AssertionError: it ended, or did not answer in time; with its log.
    """
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        assert service.process.poll() is None, f"the service ended:\n{service.log()}"
        try:
            if service.client.get("/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError(f"the service does not answer:\n{service.log()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a service and its workers."""
    workers = []
    if process.poll() is None:
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    finally:
        for one in [*workers, process]:
            try:
                one.kill()
            except (psutil.NoSuchProcess, ProcessLookupError):
                continue
        psutil.wait_procs(workers, 10)
        process.wait(10)
