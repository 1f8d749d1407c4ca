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
from functools import cached_property

import msgspec

from hotlap._engine import first_difference
from hotlap.evidence.service import BodyDifference, Held, Varies, Verified, VerifiedStep
from hotlap.experiment import Lane, placeholders
from hotlap.serving.request import differs
from hotlap.serving.server import Served, free_port
from hotlap.serving.verify import VerifyError, ask, check
from hotlap.serving.ways import ServeError

FIRST_TRIES = 3
"""How often the first server is asked."""
AGAIN_TRIES = 1
"""How often the second one is."""
ROWS = 5
"""How many of a lane's different requests are asked for, each so often."""
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
        self.parts: list[Answers] = [Answers(part.lane) for part in lane.mix]
        """Those of the scenarios of a mix."""
        self.safe: bool = lane.method in _SAFE and not lane.steps and all(part.safe for part in self.parts)
        self.asked_s = 0.0
        """When it was asked last, by the monotonic clock."""
        self.ports: list[int] = []
        """Of the servers that were asked."""
        self._bodies: dict[int, _Body] = {}
        """What was answered to each position of the lane's data; to the first alone where it has none."""
        self._status = 0
        self._size = 0
        self._answers = 0
        self._took_s: list[float] = []
        self._once = False
        self._steps: list[VerifiedStep] | None = None

    @cached_property
    def differs(self) -> bool:
        """Whether its requests differ from each other. It is first asked when the lane is served: set-up may make data."""
        return differs(self.lane)

    def ask(self, served: Served) -> None:
        """Ask a server: the first a few times, another once more; one that changes something once.

        Raises:
            VerifyError: no answer, or another than expected.
        """
        again = bool(self.ports)
        self.ports.append(served.port)
        for part in self.parts:
            if part.open or not again:
                part.ask(served)
                self.asked_s = part.asked_s
        if self.parts:
            return
        for position in self._positions(again):
            answer = ask(served, self.lane, position)
            self._took_s.append(answer.took_s)
            self.asked_s = time.monotonic()
            if again and not self.safe and answer.status not in self.lane.expect.statuses:
                self._once = True
                return
            check(self.lane, answer)
            self._answers += 1
            self._status, self._size = answer.status, len(answer.body)
            self._steps = answer.steps
            hidden = list(self.lane.secrets.values())
            self._bodies.setdefault(position, _Body(hidden)).compare(answer.body, served.port)

    def _positions(self, again: bool) -> list[int]:
        if self.lane.steps:
            return [0]
        rows = range(ROWS) if self.differs else range(1)
        if not self.safe:
            # A row that was sent to one server may be refused by the next.
            return [int(again)] if self.differs else [0]
        return [position for position in rows for _ in range(AGAIN_TRIES if again else FIRST_TRIES)]

    @property
    def open(self) -> bool:
        """Whether another server's answer would tell more."""
        if self.parts:
            return any(part.open for part in self.parts)
        expect = self.lane.expect
        return not self.lane.steps and expect.body is None and not expect.any_body and self._varying is None

    @property
    def _varying(self) -> _Body | None:
        return next((body for body in self._bodies.values() if body.varies is not None), None)

    @property
    def verified(self) -> Verified:
        """What was found."""
        if self.parts:
            return self._mixed()
        varying, bodies = self._varying, [body for _, body in sorted(self._bodies.items())]
        return Verified(
            status=self._status,
            size=self._size,
            sha256=bodies[0].sha256 if bodies else "",
            constant=self._constant,
            alone_ms=1000 * min(self._took_s),
            answers=self._answers,
            servers=len(self.ports),
            holds_port=any(body.holds_port for body in bodies),
            once=self._once,
            varies=varying.varies if varying else None,
            difference=varying.difference if varying else None,
            held=self._held,
            rows=[body.sha256 for body in bodies] if self.differs and not self.lane.steps else None,
            steps=self._steps,
            stream=self.lane.stream is not None,
        )

    def body_at(self, served: Served) -> bytes | None:
        """What each body of that server must be; ``None``: nothing is known of it, or the experiment gives it."""
        return self._bodies[0].at(served.port) if self._held == "body" else None

    def _mixed(self) -> Verified:
        found = {part.lane.scenario: part.verified for part in self.parts}
        last = list(found.values())[-1]
        return msgspec.structs.replace(
            last,
            constant=False,
            alone_ms=min(one.alone_ms for one in found.values()),
            answers=sum(one.answers or 0 for one in found.values()),
            servers=len(self.ports),
            varies=None,
            difference=None,
            rows=None,
            steps=None,
            parts=found,
        )

    def lane_at(self, served: Served) -> Lane:
        """The lane as it is loaded on that server: what was learnt of the scenarios of a mix is expected of them."""
        if not self.parts:
            return self.lane
        mix = [
            msgspec.structs.replace(part, lane=_expecting(part.lane, answers.body_at(served)))
            for part, answers in zip(self.lane.mix, self.parts, strict=True)
        ]
        return msgspec.structs.replace(self.lane, mix=tuple(mix))

    def sample(self) -> bytes:
        """A body that was answered; empty where none was."""
        if self.parts:
            return self.parts[0].sample()
        return next((body.last for body in self._bodies.values()), b"")

    @property
    def _constant(self) -> bool:
        """Whether the same request had the same answer."""
        if self.differs and not self.safe:
            # Each of its requests was another one.
            return False
        return self._varying is None and self._answers > len(self._bodies)

    @property
    def _held(self) -> Held:
        expect = self.lane.expect
        if expect.body is not None:
            return "given"
        if self._constant and not expect.any_body and not self.differs:
            return "body"
        expected = [expect, *(step.expect for step in self.lane.steps)]
        return "expected" if any(one.of_body or one.body is not None for one in expected) else "status"


class _Body:
    """What one request was answered: whether that is always the same, but for the server's port."""

    def __init__(self, hidden: list[str]) -> None:
        self.varies: Varies | None = None
        self.difference: BodyDifference | None = None
        self.last = b""
        self._hidden = hidden
        self._ports: list[int] = []
        self._first = b""
        self._parts: list[bytes] = []
        """The first, cut where it holds the server's port; whole where that was not found to differ."""

    def compare(self, body: bytes, port: int) -> None:
        self.last = body
        self._ports.append(port)
        if len(self._ports) == 1:
            self._first, self._parts = body, [body]
        elif self.varies is None and body != self.at(port):
            first_port = self._ports[0]
            parts = _cut(self._first, first_port)
            if self.holds_port or port == first_port or len(parts) == 1 or parts != _cut(body, port):
                self._parts = [self._first]
                self.varies = "servers" if len(set(self._ports)) > 1 else "requests"
                self.difference = self._differing(body)
            else:
                self._parts = parts

    @property
    def holds_port(self) -> bool:
        return len(self._parts) > 1

    @property
    def sha256(self) -> str:
        marked = _PORT_MARK.join(self._parts) if self.holds_port else self.last
        return hashlib.sha256(marked).hexdigest()

    def at(self, port: int) -> bytes:
        return str(port).encode().join(self._parts)

    def _differing(self, body: bytes) -> BodyDifference:
        found = first_difference(self._first, body, self._hidden)
        assert found is not None
        equal_bytes, one, other = found
        return BodyDifference(equal_bytes=equal_bytes, one=one, other=other)


def _expecting(lane: Lane, body: bytes | None) -> Lane:
    if body is None or lane.expect.body is not None:
        return lane
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return lane
    expect = msgspec.structs.replace(lane.expect, body=placeholders.part(text))
    return msgspec.structs.replace(lane, expect=expect)


def _cut(body: bytes, port: int) -> list[bytes]:
    """A body cut where a number is the port: in an address, and in whatever form it is quoted there."""
    if not port:
        return [body]
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
