"""Recorded traffic sent again at its times, by the engine in this process: no Locust, no user."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from hotlap._engine import Histogram, Request, Swarm
from hotlap.recorded.schedule import Kind, Schedule
from hotlap.swarm.counters import Accounts

_POLL_S = 0.02
_TELL_S = 10.0


class Replayed(msgspec.Struct, kw_only=True):
    """What a replay gave: exact accounts, and how late the engine was."""

    accounts: Accounts
    duration_s: float
    """From its beginning until all had ended."""
    whole: bool
    """Whether it was played to its end."""

    @property
    def late(self) -> Histogram:
        """How late the engine woke from pauses: its own delay."""
        return self.accounts.late


class Replay:
    """A schedule that is played against a server.

    Args:
        schedule: What is sent when.
        url: The server's.
        ca_file: The authorities that it is trusted by; ``None``: the usual ones.
        timeout_s: For an answer.
        max_in_flight: Beyond so many without an answer, requests are not offered.

    Raises:
        ValueError: it cannot be sent there.
    """

    def __init__(
        self, schedule: Schedule, url: str, ca_file: str | None, *, timeout_s: float, max_in_flight: int
    ) -> None:
        self._swarm = Swarm(url.rstrip("/"), timeout_s=timeout_s, ca_file=ca_file)
        self._accounts = Accounts()
        self._began_s = time.monotonic()
        kinds = [request_of(kind) for kind in schedule.kinds]
        self._user = self._swarm.replay(kinds, schedule.file, max_in_flight=max_in_flight)

    def play(self, time_s: float | None, tell: Callable[[Accounts, float], None]) -> bool:
        """Wait until it has ended, or for so long; ``tell`` is told from time to time. Whether it has ended."""
        told_s = self._began_s
        while not self._swarm.ended(self._user):
            now_s = time.monotonic()
            if time_s is not None and now_s - self._began_s >= time_s:
                return False
            if now_s - told_s >= _TELL_S:
                told_s = now_s
                self._drain()
                tell(self._accounts, now_s - self._began_s)
            time.sleep(_POLL_S)
        return True

    def end(self, grace_s: float, *, whole: bool) -> Replayed:
        """End it; what is under way has the grace to be answered. What it gave."""
        duration_s = time.monotonic() - self._began_s
        self._swarm.stop(grace_s=grace_s)
        self._drain()
        return Replayed(accounts=self._accounts, duration_s=duration_s, whole=whole)

    def _drain(self) -> None:
        self._accounts.add(self._swarm.take(), self._swarm.take_late())


def request_of(kind: Kind) -> Request:
    """What is sent of a kind, whatever its path: an answer is good below 400, or as it was recorded."""
    known = [kind.status] if kind.status is not None and kind.status >= 400 else []
    return Request(
        kind.method,
        "/",
        name=kind.route,
        headers=dict(kind.headers),
        body=kind.body,
        status=[*range(200, 400), *known] if known else None,
    )
