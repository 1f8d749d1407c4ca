"""An app under Granian, as the tests serve it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO

import httpx

READY_TIMEOUT_S = 60.0


class Service:
    """An app that is served, and a client for it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
        self.process = process
        self.port = port
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
        self._log = log

    def get(self, path: str) -> str:
        """The body of a successful answer."""
        return self.client.get(path).raise_for_status().text

    def raw(self, request: bytes) -> bytes:
        """All that the service sends for these bytes until it closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            # One that answers without the body may close before all of it is sent.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def log(self) -> str:
        """What the service has printed so far."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")


def command(interface: str, app: str, port: int) -> list[str]:
    """What serves one of the apps in ``apps/``."""
    return [
        *(sys.executable, "-m", "granian", "--interface", interface, "--loop", "uvloop"),
        *("--host", "127.0.0.1", "--port", str(port), "--factory", app),
    ]


def environment(more: dict[str, str]) -> dict[str, str]:
    """This process's variables and these; where Python looks for modules, what this process has comes after."""
    paths = [more.get("PYTHONPATH"), os.environ.get("PYTHONPATH")]
    return {**os.environ, **more, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


@contextmanager
def serve(interface: str, app: str, env: dict[str, str]) -> Iterator[Service]:
    """Serves an app on a free port, from when it answers ``/healthz`` until the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    with TemporaryFile() as log:
        process = subprocess.Popen(
            command(interface, app, port),
            env=environment(env),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        service = Service(process, port, log)
        try:
            _await_answer(service)
            yield service
        finally:
            service.client.close()
            _end(process)


def _await_answer(service: Service) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        assert service.process.poll() is None, f"the server ended:\n{service.log()}"
        try:
            if service.client.get("/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError(f"the server does not answer:\n{service.log()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the server, and what it leaves behind of its session."""
    process.terminate()
    try:
        process.wait(20)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
