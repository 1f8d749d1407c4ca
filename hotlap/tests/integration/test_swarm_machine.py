"""Whose cores they are."""

from __future__ import annotations

import os
import subprocess

from hotlap.swarm.machine import usable_cores


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
