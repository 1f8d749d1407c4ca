"""What users send, free of Locust: importing Locust patches the interpreter that does it."""

from __future__ import annotations

from hotlap._engine import Request
from hotlap.experiment import Lane

__all__ = ["Request", "request_of", "requests_of"]

WEIGHTS = 10_000
"""The weights of a lane's reads and writes add up to this."""


def requests_of(lane: Lane, body_sha256: str | None = None) -> list[Request]:
    """What a lane's users send: its request, and with writers the one that writes, each by its share."""
    if lane.writes is None or not lane.writes.share:
        return [request_of(lane, body_sha256)]
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
    return [request_of(lane, body_sha256, weight=WEIGHTS - write.weight), write]


def request_of(lane: Lane, body_sha256: str | None = None, *, weight: int = 1) -> Request:
    """A lane's request; ``body_sha256`` is the digest of its body where that was found to be constant."""
    return Request(
        lane.method,
        lane.path,
        name=lane.name,
        weight=weight,
        headers=lane.headers,
        body=lane.body,
        status=lane.expect.status,
        expected_body=lane.expect.body,
        expected_sha256=body_sha256 if lane.expect.body is None else None,
    )
