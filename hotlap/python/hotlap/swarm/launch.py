"""Locust, loaded and waiting: ``python -m hotlap.swarm.launch``.

What it shall do comes as a line of JSON on standard input: ``args``, and ``env`` on top of the present
variables. Without a line, since whoever started it is gone, it ends.
"""

from __future__ import annotations

import json
import os
import sys

# First, as Locust patches the standard library when it is imported; then what its locustfile needs.
from locust.main import main

import hotlap.swarm.lanes
import hotlap.swarm.window  # noqa: F401


def run() -> None:
    """Wait for what to do, then be ``locust``."""
    line = sys.stdin.readline()
    if not line:
        return
    told = json.loads(line)
    os.environ.update(told["env"])
    sys.argv = ["locust", *told["args"]]
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    main()


if __name__ == "__main__":
    run()
