"""``hotlap swarm``: one lane by hand, alone and with workers, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from swarming import DelayServer, delay_server, until

from hotlap.serving.answers import AGAIN_TRIES, FIRST_TRIES
from hotlap.serving.server import free_port, stop

ASKED = FIRST_TRIES + AGAIN_TRIES
"""How often it is asked what its answers must be, before any load."""
HOTLAP = Path(sys.executable).with_name("hotlap")


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[DelayServer]:
    """A server that takes 50 ms for an answer, or as long as the test says, and an experiment that names it."""
    with delay_server(getattr(request, "param", "constant"), tmp_path) as running:
        (tmp_path / "hotlap.toml").write_text(f'url = "{running.url}"\n[scenarios.one]\npath = "/"\n')
        yield running


@pytest.fixture
def swarm(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the command in that folder."""
    with contextlib.ExitStack() as stack:

        def start(*words: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [HOTLAP, "swarm", "one/app", *words], cwd=tmp_path, start_new_session=True
            )
            stack.callback(stop, process)
            return process

        yield start


def told(folder: Path) -> dict[str, Any]:
    """The result."""
    found: dict[str, Any] = json.loads((folder / "out.json").read_text())
    return found


def assert_exact(found: dict[str, Any], received: int) -> None:
    """The accounts are whole, and as the server has them."""
    total = found["total"]
    assert total["started"] == total["answered"] + total["aborted"], total
    assert total["answered"] <= received <= total["started"], total
    assert found["locust"]["requests"] == total["answered"] > 0


@pytest.mark.parametrize("processes", [[], ["--processes", "2"]])
@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
# Up to 3 s for an answer, so that some are in flight at the end.
@pytest.mark.parametrize("server", ["spread"], indirect=True)
def test_however_it_is_ended_it_writes_what_the_engine_counted(
    server: DelayServer,
    swarm: Callable[..., subprocess.Popen[bytes]],
    tmp_path: Path,
    processes: list[str],
    how: str,
) -> None:
    process = swarm("--headless", "--users", "8", "--json", "out.json", *processes)
    until("requests have come", lambda: server.received() > 40)
    if how == "Ctrl-C":
        os.killpg(process.pid, signal.SIGINT)
    else:
        # As a container or a service manager ends it: Locust, below it, is told by it alone.
        process.terminate()
    assert process.wait(60) == 0
    # Of each of the three times that the lane is served, one request asked whether the server is there.
    assert_exact(told(tmp_path), server.received() - ASKED - 3)
    assert told(tmp_path)["lost_workers"] == []


def test_what_was_counted_is_written_when_it_is_stopped_while_requests_fail(
    server: DelayServer, swarm: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    process = swarm("--headless", "--users", "4", "--wait", "0.1", "--json", "out.json", "--url", server.url)
    until("requests have come", lambda: server.received() > 20)
    received = server.received()
    server.process.kill()
    server.process.wait()
    process.terminate()
    assert process.wait(60) in (0, 128 + signal.SIGTERM)
    total = told(tmp_path)["total"]
    assert total["started"] == total["answered"] + total["failed"] + total["aborted"], total
    assert 0 < received - ASKED <= total["started"]


@pytest.mark.measures
@pytest.mark.parametrize(
    ("load", "most"),
    [
        # 3 s of 4 users who wait for a second, and of 30 arrivals a second.
        (("--users", "4", "--wait", "1"), 16),
        (("--rate", "30"), 130),
    ],
)
def test_workers_do_what_their_master_was_told(
    server: DelayServer,
    swarm: Callable[..., subprocess.Popen[bytes]],
    tmp_path: Path,
    load: tuple[str, ...],
    most: int,
) -> None:
    port = str(free_port())
    lead = ("--master", "--master-port", port, "--headless", "--expect-workers", "2", "--time", "3")
    master = swarm(*lead, *load, "--stop-timeout", "5", "--json", "out.json", "--url", server.url)
    for _ in range(2):
        swarm("--worker", "--master-port", port)
    assert master.wait(60) == 0
    found = told(tmp_path)
    assert_exact(found, server.received() - ASKED)
    # Users who did not wait would ask 80 times a second, and workers that took the whole rate each twice as often.
    assert 2 <= found["total"]["started"] <= most
    assert [worker["started"] > 0 for worker in found["workers"].values()] == [True, True]


@pytest.mark.measures
def test_workers_that_are_ended_together_report_everything(
    server: DelayServer, swarm: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """The first to go leaves its users to the others, which are about to go too."""
    port = str(free_port())
    lead = ("--master", "--master-port", port, "--headless", "--expect-workers", "3", "--users", "24")
    master = swarm(*lead, "--stop-timeout", "3", "--json", "out.json", "--url", server.url)
    workers = [swarm("--worker", "--master-port", port) for _ in range(3)]
    # Eight users of a worker ask 400 times a second: by then all three have started.
    until("requests of all workers have come", lambda: server.received() > 1200)
    for worker in workers:
        worker.terminate()
    for worker in workers:
        assert worker.wait(60) == 0
    master.terminate()
    assert master.wait(60) == 0
    assert_exact(told(tmp_path), server.received() - ASKED)


def test_a_lane_with_a_locustfile_is_loaded_by_its_users(
    server: DelayServer, swarm: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(
        "from locust import FastHttpUser, constant, task\n"
        "class Own(FastHttpUser):\n"
        "    wait_time = constant(0.01)\n"
        "    @task\n"
        "    def ask(self):\n"
        "        self.client.get('/mine', name='mine')\n"
    )
    experiment = tmp_path / "hotlap.toml"
    experiment.write_text(experiment.read_text() + 'locustfile = "own.py"\n')
    process = swarm("--headless", "--users", "2", "--json", "out.json")
    until("requests have come", lambda: server.received() > 20)
    process.terminate()
    assert process.wait(60) == 0
    found = told(tmp_path)
    assert (found["engine"], found["total"]) == ("http", None)
    # What the lane names is never asked for but by whoever waits for the server.
    assert found["locust"]["requests"] <= server.received() - 1 <= found["locust"]["requests"] + 2
    refused = swarm("--headless", "--wait", "1")
    assert refused.wait(60) == 2
