"""A recording as a schedule: what is sent when, in a file that the engine reads as it plays it.

The recording is read once, as it comes: a log of any length takes the memory of its routes, not of its lines. What is
read goes into a file in the order of its times, and from there into the schedule, with the moments at which it is due.
"""

from __future__ import annotations

import heapq
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from hotlap.recorded import access_log, har
from hotlap.recorded.request import Recorded, RecordedError, Unread, left_out
from hotlap.recorded.routes import Templates, segments_of

OUT_OF_ORDER = 10_000
"""Lines that are at most so many places from where their times belong are put there: a log is in the order of its answers."""
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
"""Methods that are sent as a log has them; others may change what is stored, and a log has not their bodies."""
_LOOKED_AT = 4096
_CACHED = 65_536
_SPOOLED = struct.Struct("<dII")
_DUE = struct.Struct("<QII")


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that differ in their paths alone."""

    method: str
    route: str
    """What they are counted under, with ``{}`` where values stand."""
    status: int | None
    """What they were answered with."""
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent when."""

    file: Path
    """As :meth:`hotlap._engine.Swarm.replay` takes it."""
    kinds: list[Kind]
    requests: int
    length_s: float
    """From the first to the last, at the speed that was asked for; likewise ``busiest``."""
    busiest: int
    """Requests in the busiest second."""
    whole_seconds: bool
    """Whether the recording has whole seconds: its requests are spread evenly within each."""
    unread: int
    """Lines that are no request."""
    left_out: dict[str, int]
    """How many others are not sent, by why."""
    said: list[str]
    """What is to be said of it."""

    @property
    def rate(self) -> float | None:
        """Requests a second, on average; ``None``: all are due at once."""
        # The last of whole seconds lasts as long as the others.
        return self.requests / self.length_s if self.length_s else None


class _Key(NamedTuple):
    """A kind of requests, with the number of a template that may still change."""

    method: str
    template: int
    status: int | None
    headers: tuple[tuple[str, str], ...]
    body: str | None


class _Reading:
    """What is learnt while a recording is read."""

    def __init__(self) -> None:
        self.templates = Templates()
        self.kinds: dict[_Key, int] = {}
        self.left_out: Counter[str] = Counter()
        self.requests = 0
        self.whole_seconds = True
        self._template = lru_cache(maxsize=_CACHED)(lambda path: self.templates.add(segments_of(path)))

    def kind(self, one: Recorded) -> int:
        """The number of a request's kind, whose route is known once all are read."""
        number = self._template(one.path.partition("?")[0])
        key = _Key(one.method, number, one.status, tuple(one.headers.items()), one.body)
        return self.kinds.setdefault(key, len(self.kinds))

    def found(self) -> list[Kind]:
        return [
            Kind(
                method=key.method,
                route="/" + "/".join(self.templates.template(key.template)),
                status=key.status,
                headers=key.headers,
                body=key.body,
            )
            for key in self.kinds
        ]


def write(recording: Path, folder: Path, speed: float = 1.0) -> Schedule:
    """Write the schedule of a recording, an access log or a HAR file, into a folder.

    Args:
        recording: The file.
        folder: Where the schedule goes; it takes about the room of the paths in the recording, twice while it is written.
        speed: How much faster than it was recorded it is to be.

    Raises:
        RecordedError: it is neither, or has no request that can be sent at its time.
    """
    reading, unread = _Reading(), Unread()
    try:
        with recording.open(errors="replace") as opened:
            begins = opened.read(_LOOKED_AT)
    except OSError as error:
        raise RecordedError(f"{recording}: {error.strerror}") from None
    spool, file = folder / "spool", folder / "schedule"
    with spool.open("wb") as into:
        if har.is_har(begins):
            found = har.read(recording)
            reading.left_out.update(found.left_out)
            # All of it is in memory anyway.
            ordered = sorted(_sendable(found.requests, reading), key=lambda one: one.at_s or 0.0)
            _spool(ordered, into, reading)
        else:
            with recording.open(errors="replace") as lines:
                requests = _sendable(_safe(access_log.read(lines, unread), reading), reading)
                _spool(_in_order(requests), into, reading)
    said = [str(unread)] * bool(unread.count)
    said += [left_out(count, why) for why, count in reading.left_out.items()]
    if not reading.requests:
        raise RecordedError(
            f"{recording} has no request that can be sent at its time: give a HAR file or an access log (common, combined "
            f"or JSON) with times; {'; '.join(said) or 'it is empty'}"
        )
    length_s, busiest = _schedule(spool, file, speed, reading.whole_seconds)
    spool.unlink()
    if reading.whole_seconds:
        said.append("it has whole seconds: its requests are spread evenly within each")
    return Schedule(
        file=file,
        kinds=reading.found(),
        requests=reading.requests,
        length_s=length_s,
        busiest=busiest,
        whole_seconds=reading.whole_seconds,
        unread=unread.count,
        left_out=dict(reading.left_out),
        said=said,
    )


def _safe(requests: Iterable[Recorded], reading: _Reading) -> Iterator[Recorded]:
    for one in requests:
        if one.method in SAFE:
            yield one
        else:
            reading.left_out[f"{one.method} may change what is stored, and a log has not its body"] += 1


def _sendable(requests: Iterable[Recorded], reading: _Reading) -> Iterator[Recorded]:
    for one in requests:
        if one.at_s is None:
            reading.left_out["without a time"] += 1
        elif not (one.path.isascii() and one.path.isprintable() and " " not in one.path):
            reading.left_out["their paths are not percent-encoded"] += 1
        else:
            yield one


def _in_order(requests: Iterable[Recorded]) -> Iterator[Recorded]:
    """Put requests in the order of their times, as far as they are near to it."""
    waiting: list[tuple[float, int, Recorded]] = []
    for number, one in enumerate(requests):
        item = (one.at_s or 0.0, number, one)
        if len(waiting) < OUT_OF_ORDER:
            heapq.heappush(waiting, item)
        else:
            yield heapq.heappushpop(waiting, item)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


def _spool(requests: Iterable[Recorded], into: BinaryIO, reading: _Reading) -> None:
    latest = float("-inf")
    for one in requests:
        at_s = one.at_s or 0.0
        reading.whole_seconds = reading.whole_seconds and at_s == int(at_s)
        # One that comes far too late is sent with those around it.
        latest = max(latest, at_s)
        path = one.path.encode()
        into.write(_SPOOLED.pack(latest, reading.kind(one), len(path)) + path)
        reading.requests += 1


def _spooled(file: BinaryIO) -> Iterator[tuple[float, int, bytes]]:
    while head := file.read(_SPOOLED.size):
        at_s, kind, length = _SPOOLED.unpack(head)
        yield at_s, kind, file.read(length)


def _schedule(spool: Path, file: Path, speed: float, whole_seconds: bool) -> tuple[float, int]:
    """Write what is due when; how long it lasts, and how many are due in its busiest second."""
    second, in_second, busiest = 0, 0, 0
    due_us = 0
    began_s: float | None = None
    with spool.open("rb") as first, spool.open("rb") as again, file.open("wb") as into:
        requests = _spooled(again)
        # Once to count how many have the same time, and once to give each of them its own.
        for at_s, same in groupby(_spooled(first), key=lambda one: one[0]):
            began_s = at_s if began_s is None else began_s
            count = sum(1 for _ in same)
            for number in range(count):
                _, kind, path = next(requests)
                within_s = number / count if whole_seconds else 0.0
                due_us = round(1e6 * (at_s - began_s + within_s) / speed)
                into.write(_DUE.pack(due_us, kind, len(path)) + path)
                if due_us // 1_000_000 != second:
                    second, in_second = due_us // 1_000_000, 0
                in_second += 1
                busiest = max(busiest, in_second)
    # The last of whole seconds lasts as long as the others, and the requests in it are spread over all of it.
    ends_us = 1e6 * (at_s - (began_s or 0.0) + 1) / speed if whole_seconds else due_us
    return ends_us / 1e6, busiest
