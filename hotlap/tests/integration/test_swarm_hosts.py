"""One master and two workers on hosts of their own, against a server on a third: network namespaces and veth."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from swarming import HERE, assert_agrees, ended, locust, until

from hotlap.serving.server import stop

HOSTS = {"server": 1, "master": 2, "one": 3, "two": 4}
PORT = 8080


def ip(*words: str) -> subprocess.CompletedProcess[str]:
    """Run ``ip``."""
    return subprocess.run(["ip", *words], capture_output=True, text=True, timeout=20, check=False)


class Net:
    """A bridge and a namespace for each host on it. The subnet is this process's own."""

    def __init__(self) -> None:
        self._id = f"{os.getpid() % 0xFFFF:x}"
        self._subnet = f"10.{200 + os.getpid() % 50}.{os.getpid() % 250}"

    def name(self, host: str) -> str:
        """The namespace of a host."""
        return f"hl{self._id}{host}"

    def address(self, host: str) -> str:
        """Its address."""
        return f"{self._subnet}.{HOSTS[host]}"

    def within(self, host: str) -> list[str]:
        """What runs a command there."""
        return ["ip", "netns", "exec", self.name(host)]

    def up(self) -> str | None:
        """Make it; why that is not possible here, where it is not."""
        switch = self.name("sw")
        steps = [("netns", "add", switch), ("-n", switch, "link", "add", "br0", "type", "bridge")]
        steps += [("-n", switch, "link", "set", "br0", "up")]
        for host, number in HOSTS.items():
            there = self.name(host)
            steps += [
                ("netns", "add", there),
                (
                    "-n",
                    there,
                    "link",
                    "add",
                    "eth0",
                    "type",
                    "veth",
                    "peer",
                    "name",
                    f"p{number}",
                    "netns",
                    switch,
                ),
                ("-n", switch, "link", "set", f"p{number}", "master", "br0", "up"),
                ("-n", there, "addr", "add", f"{self.address(host)}/24", "dev", "eth0"),
                ("-n", there, "link", "set", "eth0", "up"),
                ("-n", there, "link", "set", "lo", "up"),
            ]
        for step in steps:
            made = ip(*step)
            if made.returncode:
                return made.stderr.strip()
        return None

    def down(self) -> None:
        """Remove it."""
        for host in (*HOSTS, "sw"):
            ip("netns", "del", self.name(host))


@pytest.fixture(scope="module")
def net(need: Callable[[bool, str], None]) -> Iterator[Net]:
    """Four hosts."""
    made = Net()
    try:
        try:
            refused = made.up()
        except FileNotFoundError:
            refused = "there is no ip command (apt install iproute2)"
        need(refused is None, f"no network namespaces here: {refused}")
        yield made
    finally:
        with contextlib.suppress(FileNotFoundError):
            made.down()


@contextlib.contextmanager
def server_on(net: Net, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The server with known delays, on its own host."""
    words = [sys.executable, str(HERE / "delay_server.py"), str(PORT), "constant", str(folder / "server.log")]
    process = subprocess.Popen([*net.within("server"), *words, net.address("server")], start_new_session=True)
    try:
        until("the server answers", lambda: received(net) is not None)
        yield process
    finally:
        stop(process)


def received(net: Net) -> int | None:
    """How many requests have come, asked from the master's host."""
    code = (
        "import sys; from http.client import HTTPConnection as C; c = C(sys.argv[1], 8080, timeout=5);"
        " c.request('GET', '/received'); print(c.getresponse().read().decode())"
    )
    told = subprocess.run(
        [*net.within("master"), sys.executable, "-c", code, net.address("server")],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    return int(told.stdout) if told.returncode == 0 else None


@pytest.mark.parametrize("lose", [False, True])
def test_workers_on_other_hosts(net: Net, tmp_path: Path, lose: bool) -> None:
    master_words = ["--headless", "--only-summary", "-u", "8", "-r", "8", "--master", "--expect-workers", "2"]
    worker_words = ["--worker", "--master-host", net.address("master")]
    url = f"http://{net.address('server')}:{PORT}"
    with (
        server_on(net, tmp_path),
        locust(tmp_path / "master", [*master_words, "--host", url], prefix=net.within("master")) as master,
        locust(tmp_path / "one", worker_words, prefix=net.within("one")),
        locust(tmp_path / "two", worker_words, prefix=net.within("two")) as two,
    ):
        until("both load the server", lambda: (received(net) or 0) > 300)
        if lose:
            os.killpg(two.pid, signal.SIGKILL)
            log = tmp_path / "master" / "locust.log"
            until("the loss is seen", lambda: "is gone: its share" in log.read_text())
        master.send_signal(signal.SIGTERM)
        told: dict[str, Any] = ended(master, tmp_path / "master")
        if not lose:
            assert_agrees(told, received(net) or 0)
    assert len(told["workers"]) == 2
    assert len(told["lost"]) == lose
    assert told["answered"] > 8
