"""What a request asks of a database: counted by the probe while a lane is verified, before any load."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from hotlap.experiment import Lane
from hotlap.profiling.attribution import own_of
from hotlap.profiling.probe import Probe, ProbeError
from hotlap.serving.server import Served
from hotlap.serving.verify import VerifyError, request

REQUESTS = 2
_SHOWN = 3
_SQL_CHARS = 200


def statements(probe: Probe, served: Served, lane: Lane, root: Path) -> dict[str, Any] | None:
    """Ask for a lane a few times more and count what it sends to databases.

    Returns:
        ``per_request`` (all statements) and ``repeated``: the statements that one request sends most
        often, constants left out, each with ``sql``, ``per_request``, and ``name`` and ``place`` of the app's own
        function (below ``root``) that sent it most often. ``None`` where no process has a probe or nothing was sent.
    """
    try:
        workers = probe.workers(served.pids())
        # What starting up and verifying sent: not what a request sends, but whether there is a database.
        before = [probe.ask(pid, "statements")["statements"] for pid in workers]
        if not any(before):
            return None
        for _ in range(REQUESTS):
            request(served.url, lane, lane.load.timeout_s, ca_file=served.ca_file)
        sent = [one for pid in workers for one in probe.ask(pid, "statements")["statements"]]
    except (ProbeError, VerifyError):
        return None  # It is evidence for advice; the lane itself was verified.
    if not sent:
        return None
    counts: Counter[str] = Counter()
    heaviest: dict[str, tuple[int, list[str]]] = {}
    for one in sent:
        counts[one["sql"]] += one["count"]
        if one["count"] > heaviest.get(one["sql"], (0, []))[0]:
            heaviest[one["sql"]] = one["count"], one["stack"]
    return {
        "per_request": sum(counts.values()) / REQUESTS,
        "repeated": [
            {
                "sql": sql[:_SQL_CHARS],
                "per_request": count / REQUESTS,
                **dict(zip(("name", "place"), own_of(heaviest[sql][1], root) or (None, None), strict=True)),
            }
            for sql, count in counts.most_common(_SHOWN)
        ],
    }
