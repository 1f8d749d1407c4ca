"""Who has gone, or computes, does not keep those waiting who are still there."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from typing import Any

import pytest
from serving import Service, serve

from pyapp._core import MAX_ITERATIONS
from pyapp.app import STORES
from pyapp.disconnect import ClientGoneError, until_gone

CLIENTS = 60
WAIT_S = 0.5


@pytest.mark.measures
@pytest.mark.parametrize("variant", STORES)
def test_the_queue_of_the_dead_is_left(variant: str) -> None:
    """60 clients queue for half a second each and go: the next would wait for half a minute behind them."""
    with serve("--wait-ms", str(1000 * WAIT_S)) as service:
        connections = [_asking(service, f"/{variant}/read") for _ in range(CLIENTS)]
        began = time.monotonic()
        for connection in connections:
            connection.close()
        assert service.get(f"/{variant}/read") == "6"
        assert time.monotonic() - began < CLIENTS * WAIT_S / 2
        # Some may have gone before their request was read.
        assert 1 <= _abandoned(service, variant) <= CLIENTS
        put = service.client.put(f"/{variant}/clients/x", json={"user_id": 4, "subscribed_topics": []})
        assert put.status_code == 201
        assert service.get(f"/{variant}/read") == "10"


@pytest.mark.measures
def test_what_the_dead_wanted_computed_is_not_computed() -> None:
    """Computing for one takes a second or so: for 60 the next would wait half a minute at least."""
    with serve("--iterations", "1000000") as service:
        connections = [_asking(service, "/python/cpualloc") for _ in range(CLIENTS)]
        for connection in connections:
            connection.close()
        assert service.get("/native/cpu") == str(1_000_000 * 999_999 // 2 + 6_000_000)
        gone = _abandoned(service, "python", "cpualloc")
        done = service.metric("pyapp_request_seconds_count", scenario="cpualloc", variant="python")
        assert 1 <= gone <= CLIENTS
        assert done < CLIENTS / 2


def _asking(service: Service, path: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=30)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def _abandoned(service: Service, variant: str, scenario: str = "read") -> float:
    return service.metric("pyapp_requests_abandoned_total", scenario=scenario, variant=variant)


def events(*kinds: str, forever: bool = True) -> Any:
    """A request's events: these, and then either none ever or an error."""
    left = list(kinds)

    async def receive() -> Mapping[str, Any]:
        if left:
            return {"type": left.pop(0)}
        if forever:
            await asyncio.get_running_loop().create_future()
        raise OSError("the server is gone")

    return receive


class Work:
    """Work that says how it ended."""

    def __init__(self) -> None:
        self.ended = ""

    async def __call__(self, result: int | None) -> int | None:
        try:
            if result is None:
                await asyncio.get_running_loop().create_future()
            else:
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "done"
        return result


def test_work_that_is_done_gives_its_result() -> None:
    work = Work()
    assert asyncio.run(until_gone(work(7), events())) == 7
    assert work.ended == "done"


def test_work_that_fails_raises_its_error() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(until_gone(fail(), events()))


def test_work_is_cancelled_when_the_client_goes() -> None:
    work = Work()
    with pytest.raises(ClientGoneError):
        asyncio.run(until_gone(work(None), events("http.request", "http.disconnect")))
    assert work.ended == "cancelled"


def test_an_error_of_the_server_ends_the_work_too() -> None:
    work = Work()
    with pytest.raises(OSError, match="the server is gone"):
        asyncio.run(until_gone(work(None), events(forever=False)))
    assert work.ended == "cancelled"


def test_a_cancellation_reaches_the_work() -> None:
    work = Work()

    async def use() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(until_gone(work(None), events()), 0.01)
        await asyncio.sleep(0)
        assert work.ended == "cancelled"
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(use())


@pytest.mark.measures
@pytest.mark.parametrize("variant", STORES)
def test_the_event_loop_answers_while_the_pool_computes(variant: str) -> None:
    iterations = MAX_ITERATIONS if variant == "native" else 100_000
    with serve("--iterations", str(iterations)) as service:
        computing = [_asking(service, f"/{variant}/cpualloc") for _ in range(CLIENTS)]
        # Dozens are being computed or in the queue for it, and answered meanwhile is whoever computes nothing.
        for _ in range(3):
            assert service.get("/healthz") == "ok"
        done = service.metric("pyapp_request_seconds_count", scenario="cpualloc", variant=variant)
        assert done < CLIENTS
        for connection in computing:
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
            connection.close()
