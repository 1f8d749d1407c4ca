"""How the service is set up and served: settings, refusals before it starts, and its end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import psutil
import pytest
from hypothesis import given, strategies
from serving import READY_TIMEOUT_S, ROOT, TIMER_S, Service, await_answer, free_port, serve

from pyapp.settings import PREFIX, Settings, SettingsError, load


def test_defaults() -> None:
    settings = load({})
    assert settings == Settings()
    assert (settings.iterations, settings.wait_ms, settings.wait_s) == (1_000_000, 50, 0.05)
    assert (settings.host, settings.port, settings.workers, settings.read_only) == (
        "127.0.0.1",
        8080,
        1,
        False,
    )


def test_flags_come_before_the_environment() -> None:
    environment = {"PYAPP_ITERATIONS": "7", "PYAPP_WAIT_MS": "1.5", "PYAPP_READ_ONLY": "true", "OTHER": "x"}
    settings = load(environment, iterations="9", port=None)
    assert (settings.iterations, settings.wait_ms, settings.read_only) == (9, 1.5, True)


@given(
    strategies.builds(
        Settings,
        iterations=strategies.integers(0, 2**21),
        wait_ms=strategies.floats(0, 60_000),
        read_only=strategies.just(True),
        workers=strategies.integers(1, 1024),
        port=strategies.integers(1, 65_535),
        connections=strategies.integers(1, 1_000_000),
    )
)
def test_settings_reach_another_process_whole(settings: Settings) -> None:
    assert load(settings.environment()) == settings
    assert all(name.startswith(PREFIX) for name in settings.environment())


@pytest.mark.parametrize(
    ("environment", "flags", "message"),
    [
        ({"PYAPP_ITERATIONS": "x"}, {}, r"^PYAPP_ITERATIONS=x: Expected `int`, got `str`$"),
        ({"PYAPP_ITERATIONS": "-1"}, {}, r"^PYAPP_ITERATIONS=-1: Expected `int` >= 0$"),
        ({"PYAPP_ITERATIONS": "2097153"}, {}, r"^PYAPP_ITERATIONS=2097153: Expected `int` <= 2097152$"),
        ({"PYAPP_WAIT_MS": "nan"}, {}, r"^PYAPP_WAIT_MS=nan: "),
        ({"PYAPP_WAIT_MS": "inf"}, {}, r"^PYAPP_WAIT_MS=inf: "),
        ({"PYAPP_READ_ONLY": "perhaps"}, {}, r"^PYAPP_READ_ONLY=perhaps: Expected `bool`"),
        ({"PYAPP_INTERFACE": "cgi"}, {}, r"^PYAPP_INTERFACE=cgi: "),
        ({}, {"port": "0"}, r"^--port=0: Expected `int` >= 1$"),
        ({}, {"wait_ms": "60001"}, r"^--wait-ms=60001: Expected `float` <= 60000"),
        ({}, {"host": ""}, r"^--host=: Expected `str` of length >= 1$"),
        ({}, {"workers": "2"}, r"--workers 2 needs --read-only"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    environment: dict[str, str], flags: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        load(environment, **flags)


def refused(*flags: str, limit: int | None = None, env: dict[str, str] | None = None) -> str:
    """What the service says that does not start."""
    words = [sys.executable, "-m", "pyapp", *flags]
    if limit is not None:
        words = ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *words]
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_port_in_use_is_an_error_before_the_start() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert f"port {port} of 127.0.0.1 is in use; choose another with --port" in refused(
            "--port", str(port)
        )


def test_a_host_that_is_not_ours_is_an_error_before_the_start() -> None:
    port = str(free_port())
    assert f"cannot listen on port {port} of 192.0.2.1: " in refused("--host", "192.0.2.1", "--port", port)
    assert "there is no address of the name 'nowhere.invalid'" in refused("--host", "nowhere.invalid")


def test_a_host_may_be_a_name() -> None:
    with serve("--host", "localhost") as service:
        assert service.get("/healthz")


def test_several_workers_need_read_only() -> None:
    assert "--workers 2 needs --read-only" in refused("--workers", "2")
    assert "--workers 3 needs --read-only" in refused(env={"PYAPP_WORKERS": "3"})


def test_a_file_limit_too_low_for_the_load_is_an_error_with_its_remedy() -> None:
    message = refused("--port", str(free_port()), limit=200)
    assert "4096 connections need 4160 open files and the system allows 200" in message
    assert "--connections 136" in message


def test_more_than_a_thousand_connections_are_served_at_once() -> None:
    with serve("--connections", "1500") as service:
        soft = psutil.Process(service.process.pid).rlimit(psutil.RLIMIT_NOFILE)[0]
        assert soft >= 1564
        connections = []
        try:
            for _ in range(1400):
                connection = socket.create_connection(("127.0.0.1", service.port), timeout=30)
                connections.append(connection)
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        finally:
            for connection in connections:
                connection.close()


def test_it_listens_on_loopback_alone() -> None:
    with serve() as service:
        listening = {
            connection.laddr.ip
            for process in (psutil.Process(service.process.pid), *_workers(service))
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}


def test_settings_do_what_they_say() -> None:
    with serve("--iterations", "10", env={"PYAPP_WAIT_MS": "300"}) as service:
        assert service.get("/cpu") == service.get("/python/cpualloc") == "105"
        response = service.client.get("/fast")
        assert response.elapsed.total_seconds() >= 0.3 - TIMER_S


def test_several_read_only_workers_serve() -> None:
    with serve("--workers", "2", "--read-only", "--wait-ms", "1") as service:
        assert len(_workers(service)) == 2
        assert [service.get("/native/fast") for _ in range(20)] == ["6"] * 20


def _workers(service: Service) -> list[psutil.Process]:
    workers = []
    for child in psutil.Process(service.process.pid).children(recursive=True):
        # One that was killed a moment ago is a zombie, or gone.
        with contextlib.suppress(psutil.NoSuchProcess):
            if "tracker" not in " ".join(child.cmdline()):
                workers.append(child)
    return workers


def test_a_worker_that_dies_is_started_anew_with_maps_as_at_the_start() -> None:
    with serve() as service:
        seeds = {prefix: service.get(f"{prefix}/clients") for prefix in ("/native", "/python")}
        for prefix in seeds:
            service.client.put(f"{prefix}/clients/x", json={"user_id": 1, "subscribed_topics": []})
            assert service.get(f"{prefix}/clients") != seeds[prefix]
        started_s = service.metric("pyapp_start_time_seconds")
        (worker,) = _workers(service)
        worker.kill()
        await_answer(service)
        assert {prefix: service.get(f"{prefix}/clients") for prefix in seeds} == seeds
        assert service.metric("pyapp_start_time_seconds") > started_s
        (another,) = _workers(service)
        assert another.pid != worker.pid
        service.process.terminate()
        assert service.process.wait(30) == 0


def test_the_other_worker_answers_while_one_is_started_anew() -> None:
    with serve("--workers", "2", "--read-only", "--wait-ms", "1") as service:
        killed_s = time.time()
        _workers(service)[0].kill()
        by_the_other = 0
        deadline = time.monotonic() + READY_TIMEOUT_S
        # Each request has a connection of its own, which goes to either worker once both are there.
        while (started_s := _started_s(service)) is None or started_s < killed_s:
            assert time.monotonic() < deadline, service.log()
            assert service.process.poll() is None, service.log()
            by_the_other += started_s is not None
        assert by_the_other
        assert len(_workers(service)) == 2
        assert [service.get("/native/fast") for _ in range(20)] == ["6"] * 20


def _started_s(service: Service) -> float | None:
    """When the worker that answers has started; ``None`` if the dead one was asked."""
    try:
        answer = service.raw(b"GET /metrics HTTP/1.0\r\n\r\n")
    except ConnectionError:
        return None
    found = re.search(rb"^pyapp_start_time_seconds (\S+)$", answer, re.MULTILINE)
    return float(found[1]) if found else None


def test_a_worker_that_dies_again_at_once_ends_the_service() -> None:
    with serve() as service:
        (worker,) = _workers(service)
        worker.kill()
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not (workers := _workers(service)) or workers == [worker]:
            assert time.monotonic() < deadline, service.log()
        workers[0].kill()
        assert service.process.wait(READY_TIMEOUT_S) == 1
        assert "Worker crash loop detected" in service.log()


def ask_in_background(service: Service, path: str) -> tuple[threading.Thread, list[str]]:
    """A request that the service has begun, and where its outcome will be."""
    outcome: list[str] = []
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=60)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    # An answer on another connection shows that the loop has turned since the request arrived.
    assert service.get("/healthz") == "ok"

    def read() -> None:
        with connection:
            outcome.append(b"".join(iter(lambda: connection.recv(4096), b"")).decode())

    thread = threading.Thread(target=read)
    thread.start()
    return thread, outcome


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_what_was_begun_be_answered(kind: signal.Signals) -> None:
    with serve("--wait-ms", "1500") as service:
        workers = _workers(service)
        thread, outcome = ask_in_background(service, "/native/fast")
        service.process.send_signal(kind)
        thread.join(30)
        assert outcome[0].startswith("HTTP/1.1 200 ")
        assert outcome[0].endswith("\r\n\r\n6")
        assert service.process.wait(30) == 0
        assert not any(worker.is_running() for worker in workers)


def test_what_takes_too_long_does_not_hold_up_the_end() -> None:
    with serve("--wait-ms", "60000") as service:
        workers = _workers(service)
        thread, outcome = ask_in_background(service, "/native/fast")
        began = time.monotonic()
        service.process.terminate()
        assert service.process.wait(30) == 0
        assert 4 < time.monotonic() - began < 25
        thread.join(30)
        assert outcome == [""]
        assert not any(worker.is_running() for worker in workers)
