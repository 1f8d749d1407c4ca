"""Locust by hand: ``python -m hotlap.swarm.main``, as ``python -m locust``.

By itself Locust answers a Ctrl-C while it starts with a traceback, or not at all where it is raised in a greenlet
that nobody waits for. Until there is something to finish, this one just ends.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any

STOPPED_EARLY = 130


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(STOPPED_EARLY)


def _leave_to_locust(environment: Any, **_: Any) -> None:
    """From here on a web UI and a worker end themselves; headless, there is nothing to finish before a test starts."""
    if environment.web_ui is not None or environment.parsed_options.worker:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def main() -> None:
    """Be ``locust``."""
    signal.signal(signal.SIGINT, _end)
    from locust import events
    from locust.main import main as locust

    events.init.add_listener(_leave_to_locust)
    sys.argv[0] = "locust"
    locust()


if __name__ == "__main__":
    main()
