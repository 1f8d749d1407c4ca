"""What a lane answers at one server, for tests that need no second one."""

from __future__ import annotations

from hotlap.evidence.service import Verified
from hotlap.experiment import Lane
from hotlap.serving.answers import Answers
from hotlap.serving.server import Served


def verify(served: Served, lane: Lane) -> Verified:
    """Ask a server for a lane's answer.

    Raises:
        VerifyError: it is not as it must be.
    """
    answers = Answers(lane)
    answers.ask(served)
    return answers.verified
