"""https: a real Granian with a certificate of an authority that the test makes."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from swarming import until
from verifying import verify

from hotlap._engine import Behaviour, Swarm
from hotlap.evidence.load import Trial
from hotlap.experiment import Engine, Experiment, Load
from hotlap.experiment.config import load_experiment
from hotlap.load.locust_pool import LocustPool
from hotlap.load.trial import Offered, Timing, measure
from hotlap.serving.request import Request
from hotlap.serving.server import Served, free_port, served, stop
from hotlap.serving.ways import ServeError

APP = "def app(environ, start):\n    start('200 OK', [('content-type', 'text/plain')])\n    return [b'secret']\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An app, and a certificate with its key and its authority."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    (tmp_path / "secret.py").write_text(APP)
    return tmp_path


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """Where Granian serves it."""
    port = free_port()
    words = (
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    )
    secure = ("--ssl-certificate", "server.pem", "--ssl-keyfile", "server.pem")
    process = subprocess.Popen([*words, *secure, "secret:app"], cwd=folder, start_new_session=True)

    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    try:
        until("the server listens", listens)
        yield f"https://127.0.0.1:{port}"
    finally:
        stop(process)


class Became:
    """What became of the requests of three users, from the first until enough became of them."""

    def __init__(self, swarm: Swarm, enough: Callable[[Became], bool]) -> None:
        self.answered = self.failed = self.connects = 0
        self.errors: set[str] = set()
        request = Request("GET", "/", expected_body="secret")
        behaviour = swarm.declare(Behaviour([request], wait_s=(0.01, 0.01)))
        for _ in range(3):
            swarm.add(behaviour)
        until("enough became of them", lambda: self._take(swarm) or enough(self))
        swarm.stop(grace_s=5.0)

    def _take(self, swarm: Swarm) -> None:
        for figures in swarm.take():
            self.answered += figures.answered
            self.failed += figures.failed
            self.connects += figures.connect.count
            self.errors.update(figures.errors)


def test_an_authority_of_ones_own_is_trusted(folder: Path, address: str) -> None:
    became = Became(Swarm(address, ca_file=str(folder / "ca.pem")), lambda so_far: so_far.answered > 10)
    assert became.failed == 0
    assert became.connects == 3


def test_anybody_is_trusted_where_that_is_asked_for(address: str) -> None:
    assert Became(Swarm(address, insecure=True), lambda so_far: so_far.answered > 10).failed == 0


def test_a_stranger_is_not_trusted_and_the_error_says_so(address: str) -> None:
    became = Became(Swarm(address), lambda so_far: so_far.failed > 0)
    assert became.answered == 0
    assert any("certificate" in error for error in became.errors)


def experiment(folder: Path, address: str, ca_file: str | None) -> Experiment:
    """An experiment on the server, as its file has it."""
    authority = f'ca_file = "{ca_file}"' if ca_file is not None else ""
    text = f'url = "{address}"\n{authority}\n[scenarios.secret]\npath = "/"\nexpect.body = "secret"\n'
    (folder / "hotlap.toml").write_text(text)
    return load_experiment(folder)[0]


def loaded(made: Experiment, server: Served, engine: Engine) -> Trial:
    """A short trial."""
    return measure(
        Offered(lane=made.lanes[0], load=Load(users=2, wait_s=(0.01, 0.01)), engine=engine),
        server,
        Timing(time_s=1.0, warm_up_s=0.1),
        pool=LocustPool(ahead=False),
    ).trial


@pytest.mark.parametrize("engine", ["native", "http"])
def test_an_experiment_names_the_authority_of_its_server(folder: Path, address: str, engine: Engine) -> None:
    made = experiment(folder, address, "ca.pem")
    with served(made, made.lanes[0]) as server:
        assert verify(server, made.lanes[0]).constant
        trial = loaded(made, server, engine)
    assert trial.requests is not None
    assert trial.requests > 10
    assert trial.failures == 0


@pytest.mark.parametrize("engine", ["native", "http"])
def test_both_engines_refuse_a_server_of_another_authority(
    folder: Path, address: str, engine: Engine
) -> None:
    made = experiment(folder, address, "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    trial = loaded(made, Served(address, None, None, None, str(folder / "other.pem")), engine)
    assert trial.failures is not None
    assert trial.requests == trial.failures > 0
    assert any("certificate" in error.lower() for error in trial.errors)


def test_a_server_that_is_not_trusted_is_said_at_once(folder: Path, address: str) -> None:
    made = experiment(folder, address, None)
    with pytest.raises(ServeError, match=r"is not trusted: .*ca_file"), served(made):
        pass


def test_a_swarm_by_hand_trusts_the_same_authority(folder: Path, address: str) -> None:
    experiment(folder, address, "ca.pem")
    words = ["swarm", "secret/app", "--headless", "--users", "2", "--time", "1", "--json", "out.json"]
    program = Path(sys.executable).with_name("hotlap")
    made = subprocess.run([program, *words], cwd=folder, capture_output=True, timeout=60, check=False)
    assert made.returncode == 0, made.stderr
    total = json.loads((folder / "out.json").read_text())["total"]
    assert total["answered"] > 10
    assert total["failed"] == 0
