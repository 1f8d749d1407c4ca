"""Whose cores they are, and who else uses them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from hotlap.serving.aftermath import OWNER
from hotlap.swarm.machine import Others, usable_cores

SPIN = [sys.executable, "-c", "while True: pass"]
ENOUGH_S = 60.0


@contextlib.contextmanager
def spinning(**env: str) -> Iterator[int]:
    """A process that uses a core, with these variables on top; its number."""
    known = {name: value for name, value in os.environ.items() if name != OWNER}
    with subprocess.Popen(SPIN, env={**known, **env}) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def seen(others: Others, pid: int, server_pids: list[int]) -> set[int]:
    """The processes that are told once one of them is among them."""
    until_s = time.monotonic() + ENOUGH_S
    told: set[int] = set()
    while pid not in told and time.monotonic() < until_s:
        told = {one.pid for one in others.look(server_pids)}
    return told


def test_others_are_told_but_not_the_server_nor_the_labs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OWNER, "of a test")
    others = Others()
    with spinning(**{OWNER: "of a test"}) as own, spinning() as server, spinning() as other:
        told = seen(others, other, [server])
        assert other in told
        assert not told & {own, server, os.getpid(), os.getppid()}


def test_the_cores_are_those_of_both_sides() -> None:
    mine = os.sched_getaffinity(0)
    first, last = min(mine), max(mine)
    server = subprocess.Popen(["sleep", "60"])
    try:
        os.sched_setaffinity(server.pid, {last})
        os.sched_setaffinity(0, {first})
        assert usable_cores([]) == {first}
        assert usable_cores([server.pid]) == {first, last}
    finally:
        os.sched_setaffinity(0, mine)
        server.kill()
        server.wait()
    assert usable_cores([server.pid]) == mine
