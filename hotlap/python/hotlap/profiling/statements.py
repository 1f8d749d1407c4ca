"""What a request asks of a database: counted by the probe while a lane is verified, before any load."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from hotlap.evidence.figures import Place
from hotlap.evidence.service import RepeatedStatement, StatementCounts
from hotlap.experiment import Lane
from hotlap.profiling.attribution import own_of
from hotlap.profiling.probe import Probe, ProbeError
from hotlap.serving.server import Served
from hotlap.serving.verify import VerifyError, request

REQUESTS = 2
_SHOWN = 3
_SQL_CHARS = 200


def statements(probe: Probe, served: Served, lane: Lane, root: Path) -> StatementCounts | None:
    """Ask for a lane a few times more and count what it sends to databases.

    Returns:
        ``None`` where no process has a probe or nothing was sent.
    """
    try:
        workers = probe.workers(served.pids())
        # What starting up and verifying sent: not what a request sends, but whether there is a database.
        before = [_sent(probe, pid) for pid in workers]
        if not any(before):
            return None
        for _ in range(REQUESTS):
            request(served.url, lane, lane.load.timeout_s, ca_file=served.ca_file)
        sent = [one for pid in workers for one in _sent(probe, pid)]
    except (ProbeError, VerifyError):
        return None  # It is evidence for advice; the lane itself was verified.
    added = sum(one.count for one in sent if one.debug_mode)
    sent = [one for one in sent if not one.debug_mode]
    if not sent:
        return None
    counts: Counter[str] = Counter()
    heaviest: dict[str, _Sent] = {}
    for one in sent:
        counts[one.sql] += one.count
        if one.sql not in heaviest or one.count > heaviest[one.sql].count:
            heaviest[one.sql] = one
    return StatementCounts(
        per_request=counts.total() / REQUESTS,
        added_per_request=added / REQUESTS,
        repeated=[
            RepeatedStatement(
                sql=sql[:_SQL_CHARS], per_request=count / REQUESTS, by=_place(heaviest[sql].stack, root)
            )
            for sql, count in counts.most_common(_SHOWN)
        ],
    )


class _Sent(msgspec.Struct):
    """A statement as the probe counts it, and the stack that sent it."""

    sql: str
    count: int
    stack: list[str]
    debug_mode: str | None = None
    """The framework whose debug mode added it."""


def _sent(probe: Probe, pid: int) -> list[_Sent]:
    return msgspec.convert(probe.ask(pid, "statements")["statements"], list[_Sent])


def _place(stack: list[str], root: Path) -> Place | None:
    found = own_of(stack, root)
    return Place(name=found[0], place=found[1]) if found else None
