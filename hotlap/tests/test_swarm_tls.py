"""https: a real Granian with a certificate of an authority that the test makes."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from swarming import until

from hotlap._engine import Swarm
from hotlap.serve import free_port, stop
from hotlap.swarm.request import Request

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
        behaviour = swarm.behaviour([request.declared()], wait_s=(0.01, 0.01))
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


def test_a_file_without_a_certificate_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"secret\.py holds no certificate"):
        Swarm("https://127.0.0.1:1", ca_file=str(folder / "secret.py"))
