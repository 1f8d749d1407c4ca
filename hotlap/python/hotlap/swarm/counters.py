"""The accounts of native users: at any time started = answered + failed + aborted + in flight, exactly.

Accounts are sums of what an engine counted between two looks. They travel from workers to the master as
plain data, with whole histograms, and are merged there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypedDict

from hotlap._engine import FLOW, Counters, Histogram
from hotlap.load.aggregate import percentiles


class Accounts:
    """The counters of a process, or of all workers, by method and name."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], Counters] = {}
        self.late = Histogram()
        """How late engines woke from pauses: their own delay."""

    def __iter__(self) -> Iterator[Counters]:
        return iter(self._by_key.values())

    def account(self, method: str, name: str) -> Counters:
        """The counters of that method and name."""
        key = (method, name)
        if key not in self._by_key:
            self._by_key[key] = Counters(method, name)
        return self._by_key[key]

    def add(self, counted: Iterable[Counters], late: Histogram | None = None) -> None:
        """Add what was counted since the last look."""
        for each in counted:
            self.account(each.method, each.name).merge(each)
        if late is not None:
            self.late.merge(late)

    def reset(self) -> None:
        """Count anew."""
        self.late = Histogram()
        for account in self:
            account.reset()

    def total(self) -> Counters:
        """The accounts of all requests as one; flows are made of these."""
        total = Counters()
        for account in self:
            if account.method != FLOW:
                total.merge(account)
        return total

    @property
    def not_offered(self) -> int:
        """Arrivals that were turned away, be it of requests or of flows."""
        return sum(account.not_offered for account in self)

    @property
    def out_of_data(self) -> int:
        """Users, or streams of arrivals, that ended because no row was left, likewise."""
        return sum(account.out_of_data for account in self)

    @property
    def in_flight(self) -> int:
        """Requests that have not ended."""
        return sum(account.in_flight for account in self if account.method != FLOW)


def figures(counters: Counters) -> dict[str, object]:
    """Counters with their percentiles, as plain data."""
    return {
        **counters.counts(),
        "latency_ms": percentiles(counters.response),
        "failed_latency_ms": percentiles(counters.failure),
        "service_ms": percentiles(counters.service),
        "connect_ms": percentiles(counters.connect),
        "lag_ms": percentiles(counters.lag),
        "errors": counters.errors,
        **(_streamed(counters) if counters.first_byte.count else {}),
    }


def _streamed(counters: Counters) -> dict[str, object]:
    return {
        "first_byte_ms": percentiles(counters.first_byte),
        "first_event_ms": percentiles(counters.first_event),
        "gap_ms": percentiles(counters.gap),
    }


class Report(TypedDict):
    """What a worker counted since its last report, as plain data that msgpack takes."""

    counters: list[dict[str, object]]
    late: bytes


def pack(counted: Iterable[Counters], late: Histogram) -> Report:
    """What was counted since the last look."""
    return {
        "counters": [each.to_dict() for each in counted if any(each.counts().values())],
        "late": late.encode(),
    }


def unpack(report: Report) -> tuple[list[Counters], Histogram]:
    """What ``pack`` made."""
    return [Counters.from_dict(each) for each in report["counters"]], Histogram.decode(report["late"])
