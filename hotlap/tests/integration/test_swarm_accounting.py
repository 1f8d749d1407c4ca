"""The accounts of native users are exact: in the engine, in Locust, alone and with workers, however it ends."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
from http.client import HTTPConnection
from pathlib import Path

import pytest
from swarming import DelayServer, assert_agrees, delay_server, ended, locust, until

from hotlap.serving.server import free_port

HEADLESS = ("--headless", "--only-summary", "-u", "8", "-r", "8")


def test_alone_to_the_end(tmp_path: Path) -> None:
    with delay_server("constant", tmp_path) as server:
        words = [*HEADLESS, "-t", "2s", "--host", server.url, "--json-file", "said", "--csv", "said"]
        with locust(tmp_path, [*words, "--html", "said.html"]) as process:
            told = ended(process, tmp_path, rows=False)
        assert_agrees(told, server.received())
    assert told["answered"] > 8
    assert told["failed"] == 0
    assert told["exit_code"] == 0
    rows = json.loads((tmp_path / "said.json").read_text())
    assert sum(row["num_requests"] for row in rows) == told["started"]
    assert f'"num_requests": {told["answered"]}' in (tmp_path / "said.html").read_text()


@pytest.mark.parametrize("grace", ["0", "5"])
def test_what_is_in_flight_at_the_stop_is_finished_in_time_or_aborted(tmp_path: Path, grace: str) -> None:
    more = "Asking.wait = (0.0, 0.0)\n"
    with delay_server("bimodal", tmp_path) as server:
        words = [*HEADLESS, "-t", "2s", "--stop-timeout", grace, "--host", server.url]
        with locust(tmp_path, words, more) as process:
            told = ended(process, tmp_path)
        assert_agrees(told, server.received())
    assert (told["aborted"] > 0) == (grace == "0"), told


def test_stopped_early(tmp_path: Path) -> None:
    with delay_server("constant", tmp_path) as server:
        with locust(tmp_path, [*HEADLESS, "--host", server.url]) as process:
            until("requests have come", lambda: server.received() > 50)
            process.send_signal(signal.SIGTERM)
            told = ended(process, tmp_path)
        assert_agrees(told, server.received())


def test_failures_set_the_exit_code(tmp_path: Path) -> None:
    more = 'Asking.requests = [Request("GET", "/", expected_body="7")]\n'
    with delay_server("constant", tmp_path) as server:
        with locust(tmp_path, [*HEADLESS, "-t", "1s", "--host", server.url], more) as process:
            told = ended(process, tmp_path)
        # A wrong answer is an answer: the server has seen it.
        assert told["failed"] <= server.received() <= told["started"]
    assert told["answered"] == 0
    assert told["failed"] > 0
    assert told["exit_code"] == 1
    assert process.returncode == 1


def two_processes() -> list[str]:
    """A master and two workers, on a port that no other swarm has."""
    port = str(free_port())
    return ["--processes", "2", "--master-bind-port", port, "--master-port", port]


def test_with_two_processes(tmp_path: Path) -> None:
    with delay_server("constant", tmp_path) as server:
        words = [*HEADLESS, "-t", "3s", *two_processes(), "--host", server.url]
        with locust(tmp_path, words) as process:
            told = ended(process, tmp_path)
        assert_agrees(told, server.received())
    assert len(told["workers"]) == 2
    assert told["answered"] > 8


@pytest.mark.parametrize("lose", [False, True])
def test_with_a_master_and_two_workers(tmp_path: Path, lose: bool) -> None:
    port = str(free_port())
    master_words = [*HEADLESS, "--master", "--master-bind-port", port, "--expect-workers", "2"]
    worker_words = ["--worker", "--master-port", port]
    with (
        delay_server("constant", tmp_path) as server,
        locust(tmp_path / "master", [*master_words, "--host", server.url]) as master,
        locust(tmp_path / "one", worker_words),
        locust(tmp_path / "two", worker_words) as two,
    ):
        until("both have reported", lambda: server.received() > 300)
        if lose:
            os.killpg(two.pid, signal.SIGKILL)
            log = tmp_path / "master" / "locust.log"
            until("the loss is seen", lambda: "is gone: its share" in log.read_text())
        master.send_signal(signal.SIGTERM)
        told = ended(master, tmp_path / "master")
        if not lose:
            assert_agrees(told, server.received())
    assert len(told["workers"]) == 2
    assert len(told["lost"]) == lose
    assert told["answered"] > 8
    assert told["histogram"] == told["answered"]


def test_after_a_reset_and_in_the_web_ui(tmp_path: Path) -> None:
    port = free_port()
    words = ["--web-host", "127.0.0.1", "--web-port", str(port), "--autostart", "-u", "8", "-r", "8"]
    with (
        delay_server("constant", tmp_path) as server,
        locust(tmp_path, [*words, "--host", server.url]) as process,
    ):
        until("requests have come", lambda: server.received() > 50)
        before = server.received()
        assert _web(port, "POST", "/stats/reset") == "ok"
        until("more have come", lambda: server.received() > before + 200)
        _web(port, "POST", "/stop")
        shown = json.loads(_web(port, "GET", "/stats/requests"))
        total = next(row for row in shown["stats"] if row["name"] == "Aggregated")
        received = server.received()
        process.send_signal(signal.SIGTERM)
        told = ended(process, tmp_path)
    assert total["num_requests"] == told["answered"]
    # Eight at most were under way at the reset, and are counted from then on.
    assert received - before - 16 <= told["answered"] <= received - before + 8


def _web(port: int, method: str, path: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path)
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status == 200, text
    connection.close()
    return text


def test_both_kinds_of_users_run_in_one_swarm(tmp_path: Path) -> None:
    more = """
class Stock(FastHttpUser):
    wait_time = constant(0.02)
    @task
    def ask(self):
        self.client.get("/stock")
"""
    with delay_server("constant", tmp_path) as server:
        words = [*HEADLESS, "-t", "2s", "--stop-timeout", "3", "--host", server.url, "--json-file", "said"]
        with locust(tmp_path, words, more) as process:
            process.wait(60)
        rows = {row["name"]: row["num_requests"] for row in json.loads((tmp_path / "said.json").read_text())}
        assert rows["/"] > 0
        assert rows["/stock"] > 0
        assert sum(rows.values()) == server.received()


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_server_that_is_killed_or_held_and_comes_back(tmp_path: Path, how: str) -> None:
    more = "Asking.timeout_s = 0.5\n"
    server = DelayServer("constant", tmp_path / "server.log")
    again: DelayServer | None = None
    try:
        with locust(tmp_path, [*HEADLESS, "--host", server.url], more) as process:
            until("requests have come", lambda: server.received() > 50)
            if how == "kill":
                os.killpg(server.process.pid, signal.SIGKILL)
                server.process.wait()
                again = DelayServer("constant", tmp_path / "again.log", port=server.port)
            else:
                server.process.send_signal(signal.SIGSTOP)
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(1.5)
                server.process.send_signal(signal.SIGCONT)
            alive = again or server
            before = alive.received()
            until("they come again", lambda: alive.received() > before + 50)
            process.send_signal(signal.SIGTERM)
            told = ended(process, tmp_path)
        if how == "stop":
            assert_agrees(told, server.received())
    finally:
        server.close()
        if again is not None:
            again.close()
    assert told["failed"] > 0
    assert told["answered"] > 100


@pytest.mark.parametrize("how", ["alone", "processes", "master"])
def test_after_ctrl_c_the_files_say_what_the_engine_counted(tmp_path: Path, how: str) -> None:
    # All processes of a terminal are told. An answer takes up to 3 s: some are in flight at the stop.
    more = "Asking.wait = (0.0, 0.0)\n"
    port = str(free_port())
    files = ["--csv", "said", "--html", "said.html", "--json-file", "said", "--stop-timeout", "5"]
    words = [*HEADLESS, *files]
    words += {
        "alone": [],
        "processes": two_processes(),
        "master": ["--master", "--expect-workers", "2"],
    }[how]
    words += ["--master-bind-port", port] if how == "master" else []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(delay_server("spread", tmp_path))
        process = stack.enter_context(locust(tmp_path, [*words, "--host", server.url], more))
        if how == "master":
            for name in ("one", "two"):
                stack.enter_context(locust(tmp_path / name, ["--worker", "--master-port", port], more))
        until("requests have come", lambda: server.received() > 20)
        os.killpg(process.pid, signal.SIGINT)
        told = ended(process, tmp_path, rows=False)
        assert told["aborted"] == 0, told
        # Each has ended, so that the server has seen all of them and nothing else.
        assert server.received() == told["started"], told
    with (tmp_path / "said_stats.csv").open() as file:
        rows = {row["Name"]: row for row in csv.DictReader(file)}
    assert int(rows["Aggregated"]["Request Count"]) == told["answered"]
    assert int(rows["/"]["Request Count"]) == told["answered"]
    assert f'"num_requests": {told["answered"]}' in (tmp_path / "said.html").read_text()
    said = json.loads((tmp_path / "said.json").read_text())
    assert sum(row["num_requests"] for row in said) == told["answered"]
