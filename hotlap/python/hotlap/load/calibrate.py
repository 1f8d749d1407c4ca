"""What the engine could offer at most, here and now: against a server in this process that only answers."""

from __future__ import annotations

import time
from functools import lru_cache

from hotlap._engine import Behaviour, NullServer, Swarm
from hotlap.serving.request import Request

_WARM_UP_S = 0.1
_TIME_S = 0.4
_SIZE_STEP = 256


def calibrate(request: Request, *, body_bytes: int, users: int) -> float:
    """Requests a second that one thread of the engine offers with so many users who never wait.

    Args:
        request: What is sent.
        body_bytes: The size of the answers' bodies.
        users: Connections.

    Measured once in a process for sizes that are about the same.
    """
    sent = len(request.body or "") + sum(len(name) + len(value) for name, value in request.headers.items())
    return _measured(request.method, _rounded(sent), _rounded(body_bytes), users)


def _rounded(size: int) -> int:
    return -(-size // _SIZE_STEP) * _SIZE_STEP


@lru_cache
def _measured(method: str, sent_bytes: int, body_bytes: int, users: int) -> float:
    body = "x" * sent_bytes if method not in ("GET", "HEAD") else None
    headers = {} if body is not None or not sent_bytes else {"X-Filled": "x" * sent_bytes}
    if method == "HEAD":
        method = "GET"  # The null server always sends a body.
    return offers(Request(method, "/", headers=headers, body=body), b"x" * body_bytes, users)


def offers(request: Request, answer: bytes, users: int) -> float:
    """Requests a second that one thread of the engine offers to a server that gives this answer to each.

    Args:
        request: What is sent, and what is expected.
        answer: The body. Whether it is the expected one does not matter, but that it is looked at.
        users: Connections.
    """
    server = NullServer(body=answer)
    try:
        swarm = Swarm(server.url)
        behaviour = swarm.declare(Behaviour([request]))
        for _ in range(users):
            swarm.add(behaviour)
        time.sleep(_WARM_UP_S)
        swarm.take()
        began_s = time.monotonic()
        time.sleep(_TIME_S)
        ended = sum(each.requests for each in swarm.take())
        passed_s = time.monotonic() - began_s
        swarm.stop()
        return ended / passed_s
    finally:
        server.close()
