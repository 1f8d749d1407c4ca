"""What users send, free of Locust: importing Locust patches the interpreter that does it."""

from __future__ import annotations

import msgspec

from hotlap._engine import Behaviour, Request, Swarm
from hotlap.experiment import Engine, Lane

__all__ = ["Request", "RequestError", "as_sent", "check", "request_of", "requests_of"]

WEIGHTS = 10_000
"""The weights of a lane's reads and writes add up to this."""


_STOCK = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "hotlap"}
"""What Locust's own client would choose by itself: an answer may depend on it."""


def as_sent(lane: Lane, engine: Engine) -> Lane:
    """A lane with the headers that are sent by who loads it, so that it is verified with these."""
    if engine == "native":
        return lane
    given = {name.lower() for name in lane.headers}
    added = {name: value for name, value in _STOCK.items() if name.lower() not in given}
    return msgspec.structs.replace(lane, headers={**added, **lane.headers})


class RequestError(ValueError):
    """A request that cannot be sent there: the message says why."""


def check(lane: Lane, url: str, ca_file: str | None = None) -> None:
    """Refuse what the engine would refuse, before any process is started for it.

    Raises:
        RequestError: the address is not one, or a request of the lane cannot be sent.
    """
    try:
        Swarm(url.rstrip("/"), ca_file=ca_file).declare(Behaviour(requests_of(lane)))
    except ValueError as error:
        raise RequestError(f"{lane.name} cannot be loaded: {lane.hide(str(error))}") from None


def requests_of(lane: Lane, body: bytes | None = None) -> list[Request]:
    """What a lane's users send: its request, and with writers the one that writes, each by its share."""
    if lane.writes is None or not lane.writes.share:
        return [request_of(lane, body)]
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
        hidden=list(lane.secrets.values()),
    )
    return [request_of(lane, body, weight=WEIGHTS - write.weight), write]


def request_of(lane: Lane, body: bytes | None = None, *, weight: int = 1) -> Request:
    """A lane's request; ``body`` is what each answer's must be, where that is known."""
    return Request(
        lane.method,
        lane.path,
        name=lane.name,
        weight=weight,
        headers=lane.headers,
        body=lane.body,
        status=lane.expect.status,
        expected_body=body if lane.expect.body is None else lane.expect.body,
        hidden=list(lane.secrets.values()),
    )
