"""What users send, free of Locust: importing Locust patches the interpreter that does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hotlap.experiment import Lane


class Request(msgspec.Struct, frozen=True):
    """A request that users send.

    Args:
        method: Such as ``GET``.
        path: Starts with ``/``; percent-encoded.
        name: What it is counted under; the path where there is none.
        weight: Its share among the requests of a user.
        headers: On top of ``Host``, ``User-Agent`` and ``Accept``.
        body: What is sent with it.
        status: What it must be answered with; ``None``: anything below 400.
        expected_body: What the body of the answer must be.
        expected_sha256: The same, as the digest in hexadecimal digits.
    """

    method: str
    path: str
    name: str | None = None
    weight: int = 1
    headers: Mapping[str, str] = {}
    body: str | bytes | None = None
    status: int | None = 200
    expected_body: str | bytes | None = None
    expected_sha256: str | None = None

    def declared(self) -> tuple[Any, ...]:
        """The form in which the engine takes it.

        Raises:
            ValueError: the digest is not made of 64 hexadecimal digits.
        """
        digest = bytes.fromhex(self.expected_sha256) if self.expected_sha256 is not None else None
        if digest is not None and len(digest) != 32:
            raise ValueError(f"{self.expected_sha256!r} is no SHA-256: it has 64 hexadecimal digits")
        return (
            self.method,
            self.path,
            list(self.headers.items()),
            _bytes(self.body) or b"",
            self.name or self.path,
            self.weight,
            self.status,
            _bytes(self.expected_body),
            digest,
        )


def _bytes(text: str | bytes | None) -> bytes | None:
    return text.encode() if isinstance(text, str) else text


WEIGHTS = 10_000
"""The weights of a lane's reads and writes add up to this."""


def requests_of(lane: Lane, body_sha256: str | None = None) -> list[Request]:
    """What a lane's users send: its request, and with writers the one that writes, each by its share."""
    read = request_of(lane, body_sha256)
    if lane.writes is None or not lane.writes.share:
        return [read]
    writes = lane.writes
    write = Request(
        writes.method,
        writes.path or lane.path,
        name=f"{lane.name} (write)",
        weight=round(WEIGHTS * writes.share),
        headers=writes.headers,
        body=writes.body,
        status=writes.expect.status,
        expected_body=writes.expect.body,
    )
    return [msgspec.structs.replace(read, weight=WEIGHTS - write.weight), write]


def request_of(lane: Lane, body_sha256: str | None = None) -> Request:
    """A lane's request; ``body_sha256`` is the digest of its body where that was found to be constant."""
    return Request(
        lane.method,
        lane.path,
        name=lane.name,
        headers=lane.headers,
        body=lane.body,
        status=lane.expect.status,
        expected_body=lane.expect.body,
        expected_sha256=body_sha256 if lane.expect.body is None else None,
    )
