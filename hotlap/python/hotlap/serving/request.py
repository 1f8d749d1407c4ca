"""What users send, free of Locust: importing Locust patches the interpreter that does it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from hotlap._engine import Behaviour, Data, Request, Swarm
from hotlap.experiment import DataFile, Engine, Expect, Lane, Stream
from hotlap.serving.client import socket_of

__all__ = [
    "Data",
    "Flow",
    "Request",
    "RequestError",
    "Stream",
    "as_sent",
    "behaviour",
    "check",
    "data_of",
    "flow_of",
    "mix_of",
    "request_of",
    "requests_of",
]

WEIGHTS = 10_000
"""The weights of a lane's reads and writes add up to this."""


_STOCK = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "hotlap"}
"""What Locust's own client would choose by itself: an answer may depend on it."""


class Flow(msgspec.Struct, frozen=True):
    """Requests that one user sends one after the other, with cookies, and with values carried on from answers."""

    name: str
    """What it is counted under as a whole."""
    requests: Sequence[Request]
    again_on: Sequence[int] = ()
    """Statuses that send the user back to the requests that are ``once``."""


def as_sent(lane: Lane, engine: Engine) -> Lane:
    """A lane with the headers that are sent by who loads it, so that it is verified with these."""
    if engine == "native":
        return lane
    given = {name.lower() for name in lane.headers}
    added = {name: value for name, value in _STOCK.items() if name.lower() not in given}
    return msgspec.structs.replace(lane, headers={**added, **lane.headers})


class RequestError(ValueError):
    """A request that cannot be sent there: the message says why."""


def check(lane: Lane, url: str, engine: Engine, ca_file: str | None = None) -> None:
    """Refuse what the engine would refuse, before any process is started for it.

    Raises:
        RequestError: the address is not one, a request of the lane cannot be sent, or its data cannot be read.
    """
    if (lane.steps or lane.mix or lane.stream) and engine != "native":
        raise RequestError(
            f"{lane.name} is a flow, a mix or a stream: these need the native engine, not {engine}"
        )
    if socket_of(url) is not None and engine != "native":
        raise RequestError(f"{url} is loaded by the native engine alone, not by {engine}")
    try:
        Swarm(url.rstrip("/"), ca_file=ca_file).declare(behaviour_of(lane))
    except (ValueError, OSError) as error:
        raise RequestError(f"{lane.name} cannot be loaded: {lane.hide(str(error))}") from None


def data_of(lane: Lane) -> list[Data]:
    """The files of a lane's values; each is read again when it has changed.

    Raises:
        ValueError: one cannot be read.
    """
    return [_read(file, *_state(file.path)) for file in lane.data]


def differs(lane: Lane) -> bool:
    """Whether the requests of a lane differ from each other: steps do, and those with values."""
    try:
        if lane.mix:
            return any(differs(part.lane) for part in lane.mix)
        return bool(lane.steps) or request_of(lane).differs
    except ValueError:
        # One that cannot be sent: who tries to is told.
        return False


def _state(path: str) -> tuple[int, int]:
    try:
        found = Path(path).stat()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}; does setup make it?") from None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=8)
def _read(file: DataFile, changed_ns: int, size: int) -> Data:
    return Data(file.path, order=file.order, exponent=file.exponent, at_end=file.at_end)


def behaviour(what: Flow | Sequence[Request], **model: Any) -> Behaviour:
    """What users do who go through a flow, or choose from requests; ``model`` says how these arrive."""
    if isinstance(what, Flow):
        return Behaviour(what.requests, flow=what.name, again_on=what.again_on, **model)
    return Behaviour(what, **model)


def behaviour_of(lane: Lane) -> Behaviour:
    """What one user of a lane does, with nothing between."""
    if lane.mix:
        return Behaviour.mix([(weight, behaviour(what)) for weight, what in mix_of(lane)])
    return behaviour(flow_of(lane) or requests_of(lane))


Turn = tuple[int, "Flow | Sequence[Request]"]
"""What users do so often, relative to other things."""


def mix_of(lane: Lane) -> list[Turn]:
    """What the users of a mix do in turns."""
    return [(part.weight, flow_of(part.lane) or requests_of(part.lane)) for part in lane.mix]


def flow_of(lane: Lane) -> Flow | None:
    """A lane's flow; ``None`` where its requests are no steps."""
    if not lane.steps:
        return None
    return Flow(lane.name, _steps(lane), lane.again_on)


def _steps(lane: Lane) -> list[Request]:
    data, hidden = data_of(lane), list(lane.secrets.values())
    return [
        Request(
            step.method,
            step.path,
            name=step.name,
            headers=step.headers,
            body=step.body,
            status=step.expect.statuses,
            expected_body=step.expect.body,
            hidden=hidden,
            data=data,
            **_looks_for(step.expect),
            capture=step.capture,
            once=step.once,
            wait_s=step.wait_s,
            follow=step.follow,
            stream=step.stream,
        )
        for step in lane.steps
    ]


def requests_of(lane: Lane, body: bytes | None = None) -> list[Request]:
    """What a lane's users send: its steps; or its request, and with writers the one that writes, each by its share."""
    if lane.steps:
        return _steps(lane)
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
        status=writes.expect.statuses,
        expected_body=writes.expect.body,
        hidden=list(lane.secrets.values()),
        data=data_of(lane),
    )
    return [request_of(lane, body, weight=WEIGHTS - write.weight), write]


def request_of(lane: Lane, body: bytes | None = None, *, weight: int = 1) -> Request:
    """A lane's request; ``body`` is what each answer's must be, where that is known."""
    expect = lane.expect
    # What was learnt has no placeholders; what the experiment gives may have some.
    learnt = body.replace(b"{", b"{{") if body is not None else None
    return Request(
        lane.method,
        lane.path,
        name=lane.name,
        weight=weight,
        headers=lane.headers,
        body=lane.body,
        status=expect.statuses,
        expected_body=learnt if expect.body is None else expect.body,
        hidden=list(lane.secrets.values()),
        data=data_of(lane),
        **_looks_for(expect),
        stream=lane.stream,
    )


def _looks_for(expect: Expect) -> dict[str, Any]:
    """What is looked for in an answer beside its status and its whole body, as a request has it."""
    return {
        "expected_headers": expect.headers,
        "expected_json": expect.json,
        "contains": expect.contains,
        "matches": expect.matches,
        "size": expect.size_bytes,
    }
