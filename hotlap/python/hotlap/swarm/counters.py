"""The accounts of native users: at any time started = answered + failed + aborted + in flight, exactly.

Accounts are sums of what an engine counted between two looks. They travel from workers to the master as
plain data, with whole histograms, and are merged there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from hotlap._engine import Figures, Histogram

COUNTS = ("started", "answered", "failed", "aborted", "not_offered", "body_bytes")
HISTOGRAMS = ("response", "service", "connect", "lag")


class Account:
    """What became of the requests of one method and name since the account was opened."""

    def __init__(self, method: str, name: str) -> None:
        self.method = method
        self.name = name
        self.in_flight = self.written_off = 0
        self.reset()

    def reset(self) -> None:
        """Count anew. What is in flight is counted as started: it will end within this account."""
        self.started = self.in_flight
        self.answered = self.failed = self.aborted = self.not_offered = self.body_bytes = 0
        self.in_flight_s = 0.0
        self.response, self.service, self.connect, self.lag = (Histogram() for _ in HISTOGRAMS)
        self.errors: Counter[str] = Counter()
        self.seconds: dict[int, tuple[int, int]] = {}

    def add(self, figures: Figures | Account) -> None:
        """Add what was counted since the last look."""
        for count in COUNTS:
            setattr(self, count, getattr(self, count) + getattr(figures, count))
        self.in_flight += figures.started - figures.answered - figures.failed - figures.aborted
        self.in_flight_s += figures.in_flight_s
        for each in HISTOGRAMS:
            getattr(self, each).merge(getattr(figures, each))
        self.errors.update(figures.errors)
        for second, (requests, failures) in figures.seconds.items():
            before = self.seconds.get(second, (0, 0))
            self.seconds[second] = (before[0] + requests, before[1] + failures)

    @property
    def requests(self) -> int:
        """Requests that have ended, well or not."""
        return self.answered + self.failed

    def write_off(self, count: int) -> None:
        """Count so many in flight as aborted: their process is gone. Below 0: it was not, after all."""
        self.aborted += count
        self.in_flight -= count
        self.written_off += count

    def counts(self) -> dict[str, int]:
        """The counts by name, with what is in flight."""
        return {
            **{count: getattr(self, count) for count in COUNTS},
            "requests": self.requests,
            "in_flight": self.in_flight,
        }


class Accounts:
    """The accounts of a process, or of all workers, by method and name."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], Account] = {}
        self.late = Histogram()
        """How late engines woke from pauses: their own delay."""

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_key.values())

    def account(self, method: str, name: str) -> Account:
        """The account of that method and name."""
        key = (method, name)
        if key not in self._by_key:
            self._by_key[key] = Account(method, name)
        return self._by_key[key]

    def add(self, figures: Iterable[Figures | Account], late: Histogram | None = None) -> None:
        """Add what was counted since the last look."""
        for each in figures:
            self.account(each.method, each.name).add(each)
        if late is not None:
            self.late.merge(late)

    def reset(self) -> None:
        """Count anew."""
        self.late = Histogram()
        for account in self._by_key.values():
            account.reset()

    def total(self) -> Account:
        """All accounts as one."""
        total = Account("", "")
        for account in self._by_key.values():
            total.add(account)
        # An account carries what was in flight when it was opened among what it started.
        total.in_flight = sum(account.in_flight for account in self._by_key.values())
        return total

    @property
    def in_flight(self) -> int:
        """Requests that have not ended."""
        return sum(account.in_flight for account in self._by_key.values())


class Sent(msgspec.Struct):
    """What one engine counted under one name, as it travels."""

    method: str
    name: str
    started: int
    answered: int
    failed: int
    aborted: int
    not_offered: int
    body_bytes: int
    in_flight_s: float
    errors: dict[str, int]
    seconds: dict[int, tuple[int, int]]
    response: bytes
    service: bytes
    connect: bytes
    lag: bytes


def pack(figures: Iterable[Figures | Account], late: Histogram) -> dict[str, Any]:
    """What was counted since the last look, as plain data that msgpack takes."""
    sent = [
        Sent(
            **{field: getattr(each, field) for field in Sent.__struct_fields__ if field not in HISTOGRAMS},
            **{field: getattr(each, field).encode() for field in HISTOGRAMS},
        )
        for each in figures
        if each.started or each.answered or each.failed or each.aborted or each.not_offered
    ]
    return {"figures": msgspec.msgpack.encode(sent), "late": late.encode()}


class Received:
    """Figures that came from a worker."""

    def __init__(self, sent: Sent) -> None:
        for field in Sent.__struct_fields__:
            value = getattr(sent, field)
            setattr(self, field, Histogram.decode(value) if field in HISTOGRAMS else value)


def unpack(data: dict[str, Any]) -> tuple[list[Figures], Histogram]:
    """What ``pack`` made."""
    sent = msgspec.msgpack.decode(data["figures"], type=list[Sent])
    return [Received(each) for each in sent], Histogram.decode(data["late"])  # type: ignore[misc]
