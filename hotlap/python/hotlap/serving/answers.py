"""What a lane's answers must be is learnt before any is held against it: from two servers, more than a second apart.

A body may hold the server's own address, whose port differs from server to server, or the time. What is the
same in all answers but for the port is what each answer under load must be; of others the status alone is held
against them. Their length is not: that it was the same a few times may be chance, as with a counter before it
gets to 10.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager

from hotlap._engine import first_difference
from hotlap.evidence.service import BodyDifference, Held, Varies, Verified
from hotlap.experiment import Lane
from hotlap.serving.server import Served, free_port
from hotlap.serving.verify import VerifyError, check, request
from hotlap.serving.ways import ServeError

FIRST_TRIES = 3
"""How often the first server is asked."""
AGAIN_TRIES = 1
"""How often the second one is."""
_APART_S = 1.05
_SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing. A request of another may do so: each server is sent it once."""
_PORT_MARK = b"{port}"

Serve = Callable[[Lane, int | None], AbstractContextManager[Served]]
"""Serves a lane, on that port if one is given."""


class Answers:
    """What a lane has answered, and what follows for each further answer."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.safe = lane.method in _SAFE
        self.asked_s = 0.0
        """When it was asked last, by the monotonic clock."""
        self.ports: list[int] = []
        """Of the servers that were asked."""
        self._parts: list[bytes] = []
        """The first body, cut where it holds the server's port; whole where that was not found to differ."""
        self._first = self._last = b""
        self._answers = 0
        self._took_s: list[float] = []
        self._once = False
        self._varies: Varies | None = None
        self._difference: BodyDifference | None = None

    def ask(self, served: Served) -> None:
        """Ask a server: the first a few times, another once more; one that changes something once.

        Raises:
            VerifyError: no answer, or a status or body other than expected.
        """
        lane, again = self.lane, bool(self.ports)
        tries = (AGAIN_TRIES if again else FIRST_TRIES) if self.safe else 1
        self.ports.append(served.port)
        for _ in range(tries):
            began_s = time.perf_counter()
            status, body = request(served.url, lane, lane.load.timeout_s, ca_file=served.ca_file)
            self._took_s.append(time.perf_counter() - began_s)
            self.asked_s = time.monotonic()
            if again and not self.safe and status != lane.expect.status:
                self._once = True
                return
            check(lane, status, body)
            self._compare(body, served.port)

    @property
    def open(self) -> bool:
        """Whether another server's answer would tell more."""
        expect = self.lane.expect
        return expect.body is None and not expect.any_body and self._varies is None

    @property
    def verified(self) -> Verified:
        """What was found."""
        marked = _PORT_MARK.join(self._parts) if self._holds_port else self._last
        return Verified(
            status=self.lane.expect.status,
            size=len(self._last),
            sha256=hashlib.sha256(marked).hexdigest(),
            constant=self._constant,
            alone_ms=1000 * min(self._took_s),
            answers=self._answers,
            servers=len(self.ports),
            holds_port=self._holds_port,
            once=self._once,
            varies=self._varies,
            difference=self._difference,
            held=self._held,
        )

    def body_at(self, served: Served) -> bytes | None:
        """What each body of that server must be; ``None``: nothing is known of it, or the experiment gives it."""
        return str(served.port).encode().join(self._parts) if self._held == "body" else None

    @property
    def _constant(self) -> bool:
        return self._varies is None and self._answers > 1

    @property
    def _holds_port(self) -> bool:
        return len(self._parts) > 1

    @property
    def _held(self) -> Held:
        if self.lane.expect.body is not None:
            return "given"
        return "body" if self._constant and not self.lane.expect.any_body else "status"

    def _compare(self, body: bytes, port: int) -> None:
        first_port, self._last = self.ports[0], body
        self._answers += 1
        if self._answers == 1:
            self._first, self._parts = body, [body]
        elif self._varies is None and body != str(port).encode().join(self._parts):
            parts = _cut(self._first, first_port)
            if self._holds_port or port == first_port or len(parts) == 1 or parts != _cut(body, port):
                self._parts = [self._first]
                self._varies = "servers" if len(self.ports) > 1 else "requests"
                self._difference = self._differing(body)
            else:
                self._parts = parts

    def _differing(self, body: bytes) -> BodyDifference:
        found = first_difference(self._first, body, list(self.lane.secrets.values()))
        assert found is not None
        equal_bytes, one, other = found
        return BodyDifference(equal_bytes=equal_bytes, one=one, other=other)


def _cut(body: bytes, port: int) -> list[bytes]:
    """A body cut where a number is the port: in an address, and in whatever form it is quoted there."""
    return re.split(rb"(?<!\d)%d(?!\d)" % port, body)


def learn(lane: Lane, serve: Serve) -> Answers:
    """Ask two servers for a lane's answer.

    Raises:
        ServeError, VerifyError: it is not served, or does not answer as it must.
    """
    answers = Answers(lane)
    with serve(lane, None) as running:
        answers.ask(running)
    if problem := ask_again([answers], serve).get(lane.name):
        raise VerifyError(problem)
    return answers


def ask_again(learnt: Sequence[Answers], serve: Serve) -> dict[str, str]:
    """Ask another server for what is still open, more than a second after the first one was.

    Lanes that change nothing and are served alike share a server, and all share the wait.

    Returns:
        By the name of a lane, why it could not be asked or what was wrong with its answer.
    """
    problems: dict[str, str] = {}
    for group in _groups([one for one in learnt if one.open]):
        lanes = [one.lane for one in group]
        try:
            with serve(lanes[0], _other_port({port for one in group for port in one.ports})) as running:
                for one in group:
                    time.sleep(max(0.0, one.asked_s + _APART_S - time.monotonic()))
                    try:
                        one.ask(running)
                    except VerifyError as error:
                        problems[one.lane.name] = f"{error}; another server had answered as expected"
        except ServeError as error:
            problems.update({lane.name: lane.hide(str(error)) for lane in lanes if lane.name not in problems})
    return problems


def _groups(learnt: Sequence[Answers]) -> list[list[Answers]]:
    """Those that one server can be asked for: what one request changes may not show in another's answer."""
    groups: list[list[Answers]] = []
    for one in learnt:
        alike = (group for group in groups if group[0].safe and group[0].lane.server == one.lane.server)
        group = next(alike, None) if one.safe else None
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    return groups


def _other_port(than: Collection[int]) -> int:
    while True:
        if (port := free_port()) not in than:
            return port
