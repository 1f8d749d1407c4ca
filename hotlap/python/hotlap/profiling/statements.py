"""What a request asks of a database: counted by the probe while a lane is verified, before any load."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from hotlap.evidence.figures import Place
from hotlap.evidence.service import RepeatedStatement, StatementCounts
from hotlap.profiling.attribution import own_of
from hotlap.profiling.probe import Probe, ProbeError
from hotlap.serving.answers import Answers
from hotlap.serving.server import Served
from hotlap.serving.verify import VerifyError, ask

REQUESTS = 2
_SHOWN = 3
_SQL_CHARS = 200


def statements(probe: Probe, served: Served, answers: Answers, root: Path) -> StatementCounts | None:
    """Ask a server for a lane's answer, and count what a request sends to databases.

    Returns:
        ``None`` where no process has a probe or nothing was sent.

    Raises:
        VerifyError: the lane does not answer as it must.
    """
    if answers.lane.steps or answers.lane.mix:
        # What a flow sends is not what a request sends.
        answers.ask(served)
        return None
    before = _all_sent(probe, served) if not answers.safe else []
    answers.ask(served)
    # With what starting up and verifying sent: not what a request sends, but whether there is a database.
    sent, requests = _all_sent(probe, served), 1
    if before is None or not sent:
        return None
    if answers.safe:
        lane, requests = answers.lane, REQUESTS
        try:
            for position in range(requests):
                ask(served, lane, position)
        except VerifyError:
            return None  # It is evidence for advice; the lane itself was verified.
        sent = _all_sent(probe, served)
    if not sent:
        return None
    added = sum(one.count for one in sent if one.debug_mode)
    sent = [one for one in sent if not one.debug_mode]
    counts: Counter[str] = Counter()
    heaviest: dict[str, _Sent] = {}
    for one in sent:
        counts[one.sql] += one.count
        if one.sql not in heaviest or one.count > heaviest[one.sql].count:
            heaviest[one.sql] = one
    return StatementCounts(
        per_request=counts.total() / requests,
        added_per_request=added / requests,
        repeated=[
            RepeatedStatement(
                sql=sql[:_SQL_CHARS], per_request=count / requests, by=_place(heaviest[sql].stack, root)
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


class _Statements(msgspec.Struct):
    statements: list[_Sent]


def _all_sent(probe: Probe, served: Served) -> list[_Sent] | None:
    """What was sent since it was last asked; ``None``: no process tells."""
    try:
        return [one for pid in probe.present(served.pids()) for one in _sent(probe, pid)]
    except ProbeError:
        return None


def _sent(probe: Probe, pid: int) -> list[_Sent]:
    return probe.ask(pid, "statements", _Statements).statements


def _place(stack: list[str], root: Path) -> Place | None:
    found = own_of(stack, root)
    return Place(name=found[0], place=found[1]) if found else None
