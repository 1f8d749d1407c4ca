"""What a server did in a while while the lab's engine loaded it."""

from __future__ import annotations

import time
from typing import NamedTuple

from hotlap._engine import Counters, Swarm
from hotlap.serving.server import Served


class Window(NamedTuple):
    """A while."""

    figures: Counters
    """Of the one behaviour that the swarm has."""
    rps: float
    cpu_us: float
    """Of the server, for each answer."""


def window(swarm: Swarm, server: Served, time_s: float) -> Window:
    """Watch a loaded server for so many seconds."""
    swarm.take()
    began_s, cpu_s = time.monotonic(), server.cpu_s() or 0.0
    time.sleep(time_s)
    passed_s, cpu_s = time.monotonic() - began_s, (server.cpu_s() or 0.0) - cpu_s
    (figures,) = swarm.take()
    return Window(figures, figures.answered / passed_s, 1e6 * cpu_s / max(1, figures.answered))
