"""Falcon's request and response, whose parts are made when they are first asked for.

Most responders look at little of a request: making all of it takes longer than answering. These are what the
fast path gives to an app that has no types of its own.

Attributes are found the way the interpreter finds them fastest: those that are always there in slots, the late
ones by ``cached_property``, and no ``__getattr__``, which would slow down each of them.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import falcon.asgi
from falcon._typing import _UNSET
from falcon.request import RequestOptions
from falcon.response import ResponseOptions

from falcon_rsgi import scope as scopes
from falcon_rsgi.http import Events, has_body

OK = "200 OK"
FIRST = {"type": "http.request", "body": b"", "more_body": False}


def _scope(req: Any) -> dict[str, Any]:
    return {**scopes.http(req._rsgi, req._state), scopes.RECEIVE: req._events.bodiless_receive}


def _first_event(req: Any) -> dict[str, Any] | None:
    # The first piece of a body is for whoever reads it.
    return None if has_body(req._rsgi) else FIRST


def _whole(req: Any) -> falcon.asgi.Request:
    return falcon.asgi.Request(req.scope, req._receive, req._first_event, req.options)


class Request(falcon.asgi.Request):
    """A request over RSGI; ``request`` makes one."""

    __slots__ = ("_events_made", "_proto", "_rsgi", "_state")

    _rsgi: Any
    _proto: Any
    _state: dict[str, Any]
    _events_made: Events | None

    # Falcon's makes everything, and a class calls one that is written in Python slowly.
    __init__: Any = object.__init__

    is_websocket = False

    @property
    def _events(self) -> Events:
        """The request's events; ``_events_made`` has them once they were asked for."""
        if self._events_made is None:
            body = self._first_event is None
            self._events_made = Events(self._rsgi, self._proto, body=body, received=not body)
        return self._events_made

    _first_event: Any = cached_property(_first_event)
    scope: Any = cached_property(_scope)
    _receive: Any = cached_property(lambda req: req._events.receive)
    query_string: Any = cached_property(lambda req: req._rsgi.query_string)
    context: Any = cached_property(lambda req: req.context_type())
    _whole: Any = cached_property(_whole)
    """The request as Falcon makes it, for what Falcon finds while it does."""
    _asgi_headers: Any = cached_property(lambda req: req._whole._asgi_headers)
    _params: Any = cached_property(lambda req: req._whole._params)
    content_type: Any = cached_property(lambda req: req._whole.content_type)


def request(rsgi: Any, proto: Any, state: dict[str, Any], options: RequestOptions, method: str) -> Request:
    """A request of Granian's as one of Falcon's."""
    req: Request = Request()
    req._rsgi = rsgi
    req._proto = proto
    req._state = state
    req._events_made = None
    req.options = options
    req.method = method
    req.uri_template = None
    path = rsgi.path or "/"
    if options.strip_url_path_trailing_slash and len(path) != 1 and path.endswith("/"):
        path = path[:-1]
    req.path = path
    return req


class Response(falcon.asgi.Response):
    """A response; ``response`` makes one."""

    # Looked at for every answer.
    __slots__ = ("_registered_callbacks", "_sse", "complete")

    __init__: Any = object.__init__

    stream = None
    _media = None
    _media_rendered = _UNSET

    context: Any = cached_property(lambda resp: resp.context_type())


def response(options: ResponseOptions) -> Response:
    """An answer of which nothing was said yet."""
    resp: Response = Response()
    resp.options = options
    resp.status = OK
    resp.text = None
    resp.complete = False
    resp._data = None
    resp._sse = None
    resp._registered_callbacks = None
    resp._extra_headers = None
    resp._cookies = None
    resp._headers = {}
    return resp
