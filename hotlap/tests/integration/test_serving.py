"""Serving an app for a trial, with a real Granian and with commands of one's own."""

from __future__ import annotations

import contextlib
import socket
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner
from verifying import verify

from hotlap.cli import main
from hotlap.experiment import Expect, Experiment, Lane, Server
from hotlap.experiment.config import load_experiment
from hotlap.serving.server import served
from hotlap.serving.verify import VerifyError
from hotlap.serving.ways import ServeError

APP = """
import os

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = {"/pid": str(os.getpid()), "/env": os.environ.get("FLAG", "")}.get(scope["path"], "hello")
    status = 500 if scope["path"] == "/broken" else 200
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body.encode()})
"""


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    (tmp_path / "tiny.py").write_text(APP)
    return Experiment(name="tiny", server=Server(app="tiny:app"), root=str(tmp_path), lanes=())


def lane(path: str, **more: Any) -> Lane:
    return Lane(scenario="s", variant="v", path=path, **more)


def answer(port: int, path: str) -> str:
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("GET", path)
        return connection.getresponse().read().decode()


def test_each_trial_has_a_fresh_server_that_is_gone_afterwards(experiment: Experiment) -> None:
    seen = []
    for _ in range(2):
        with served(experiment) as server:
            assert server.alive()
            worker = int(answer(server.port, "/pid"))
            assert worker in server.pids()
            assert (server.cpu_s() or 0) > 0
            assert (server.rss_bytes() or 0) > 1_000_000
            seen.append((worker, server.pids()))
    (first, first_pids), (second, second_pids) = seen
    assert first != second
    assert not any(psutil.pid_exists(pid) for pid in first_pids + second_pids)


def test_a_server_that_fails_to_start_shows_its_own_words(experiment: Experiment) -> None:
    broken = Experiment(name="x", server=Server(app="not_there:app"), root=experiment.root, lanes=())
    with pytest.raises(ServeError, match="not_there"), served(broken):
        pytest.fail("it was served")


def test_a_server_that_never_answers_is_given_up_and_ended(experiment: Experiment) -> None:
    silent = Server(command=("python", "-c", "import time; time.sleep(600)"), ready_timeout_s=0.5)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with pytest.raises(ServeError, match="no answer"), served(Experiment(name="x", server=silent, lanes=())):
        pytest.fail("it was served")
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def test_a_server_that_does_not_end_is_ended(experiment: Experiment) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); import runpy, sys; "
    deaf += "sys.argv = ['http.server', '--bind', '127.0.0.1', sys.argv[1]]; "
    command = ("python", "-c", deaf + "runpy.run_module('http.server', run_name='__main__')", "{port}")
    server = Server(command=command, stop_timeout_s=0.3)
    with served(Experiment(name="x", server=server, lanes=())) as running:
        assert running.alive()
        pid = running.pid
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_a_server_that_dies_is_seen(experiment: Experiment) -> None:
    with served(experiment) as server:
        for pid in server.pids():
            psutil.Process(pid).kill()
        psutil.Process().children()
        assert server.pid is not None
        psutil.wait_procs([psutil.Process(server.pid)] if psutil.pid_exists(server.pid) else [], timeout=5)
        assert not server.alive()


def test_a_command_of_ones_own_and_a_lanes_own_variables(experiment: Experiment) -> None:
    command = ("python", "-m", "granian", "--interface", "asgi", "--port", "{port}", "tiny:app")
    own = lane("/env", server=Server(command=command, env={"FLAG": "on"}))
    with served(experiment, own) as server:
        assert answer(server.port, "/env") == "on"
    with served(experiment, own, env={"FLAG": "other"}) as server:
        assert answer(server.port, "/env") == "other"


def test_an_answer_is_held_against_what_it_must_be(experiment: Experiment) -> None:
    with served(experiment) as server:
        told = verify(server, lane("/x", expect=Expect(body="hello")))
        assert (told.status, told.size, told.constant) == (200, 5, True)
        with pytest.raises(
            VerifyError,
            match='another body than expected: after 0 equal bytes came "hello" instead of "other"',
        ):
            verify(server, lane("/x", expect=Expect(body="other")))
        with pytest.raises(VerifyError, match="answered 500, not 200"):
            verify(server, lane("/broken"))
    with pytest.raises(VerifyError, match="no answer"):
        verify(server, lane("/x"))


def test_a_port_that_is_taken_is_said(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hotlap.toml").write_text('app = "tiny:app"\n[scenarios.s]\npath = "/"\n')
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = CliRunner().invoke(main, ["serve", "--port", str(port)])
    assert told.exit_code == 1
    assert f"127.0.0.1:{port} cannot be listened on" in told.output
    assert "give another --port" in told.output


def test_set_up_and_tear_down_go_around_each_server(tmp_path: Path) -> None:
    (tmp_path / "note.py").write_text("import sys; open('notes', 'a').write(sys.argv[1])")
    (tmp_path / "tiny.py").write_text(
        "def app(environ, start):\n    start('200 OK', [])\n    return [b'x']\n"
    )
    text = f"""
app = "tiny:app"
interface = "wsgi"
setup = ["{sys.executable}", "note.py", "up "]
teardown = "{sys.executable} note.py down"
[scenarios.home]
path = "/"
"""
    file = tmp_path / "hotlap.toml"
    file.write_text(text)
    experiment, _ = load_experiment(tmp_path)
    with served(experiment):
        assert (tmp_path / "notes").read_text() == "up "
    assert (tmp_path / "notes").read_text() == "up down"
    file.write_text(text.replace("note.py", "none.py"))
    broken, _ = load_experiment(tmp_path)
    with pytest.raises(ServeError, match=r"set-up command .*none\.py"), served(broken):
        pytest.fail("it was served")
