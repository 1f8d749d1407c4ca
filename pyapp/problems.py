"""Errors as problem documents (``application/problem+json``, RFC 9457)."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import falcon
import msgspec
from falcon.asgi import Request, Response

_log = logging.getLogger("pyapp")

MEDIA_PROBLEM = "application/problem+json"

_AT = re.compile(r" - at `(?:key in )?\$\.?(?P<path>.*)`$", re.DOTALL)
_NAMED = re.compile(r"^Object (?:contains unknown|missing required) field `(?P<name>.*)`", re.DOTALL)


class InvalidError(falcon.HTTPUnprocessableEntity):
    """A value of the wrong shape: answered with 422, naming the field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(description=message)
        self.field = field

    @classmethod
    def of(cls, error: Exception, value: str = "") -> InvalidError:
        """From msgspec's error, which names the field in its text; ``value`` is what was validated."""
        message, parts = str(error), [value]
        if at := _AT.search(message):
            parts.append(at["path"])
            message = message[: at.start()]
        if named := _NAMED.search(message):
            parts.append(named["name"])
        return cls(".".join(part for part in parts if part) or "body", message)


def document(path: str, error: falcon.HTTPError) -> bytes:
    """The problem document of an error."""
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status_code).phrase,
        "status": error.status_code,
        "detail": error.description or HTTPStatus(error.status_code).description,
        "instance": path,
    }
    if isinstance(error, InvalidError):
        problem["field"] = error.field
    return msgspec.json.encode(problem)


def serialize(req: Request, resp: Response, error: falcon.HTTPError) -> None:
    """Falcon's error serializer."""
    resp.content_type = MEDIA_PROBLEM
    resp.data = document(req.path, error)


async def send(to: Callable[[Any], Awaitable[None]], path: str, error: falcon.HTTPError) -> None:
    """Answers a request that did not come as far as Falcon."""
    body = document(path, error)
    headers = [(b"content-type", MEDIA_PROBLEM.encode()), (b"content-length", str(len(body)).encode())]
    await to({"type": "http.response.start", "status": error.status_code, "headers": headers})
    await to({"type": "http.response.body", "body": body})


async def unexpected(req: Request, resp: Response, error: Exception, params: dict[str, Any]) -> None:
    """Falcon's handler for what nobody foresaw: logged, and answered without its details."""
    _log.error("%s %s failed", req.method, req.path, exc_info=error)
    problem = falcon.HTTPInternalServerError(description="the request failed; the service's log says why")
    resp.status = problem.status
    serialize(req, resp, problem)
