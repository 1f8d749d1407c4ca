"""Falcon's request and response, whose parts are made when they are first asked for.

Most responders look at little of a request: making all of it takes longer than answering. These are what the
fast path gives to an app that has no types of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import falcon.asgi
from falcon._typing import _UNSET
from falcon.request import RequestOptions
from falcon.response import ResponseOptions

from pyapp.disconnect import RECEIVE
from pyapp.rsgi import scope as scopes
from pyapp.rsgi.http import Events

OK = "200 OK"
FIRST = {"type": "http.request", "body": b"", "more_body": False}


class Request(falcon.asgi.Request):
    """A request without a body, over RSGI."""

    __slots__ = ("_events_made", "_rsgi")

    is_websocket = False
    uri_template = None
    _first_event = FIRST

    def __init__(self, rsgi: Any, proto: Any, state: dict[str, Any], options: RequestOptions) -> None:
        self._rsgi = rsgi, proto, state
        self._events_made: Events | None = None
        self.options = options
        self.method = rsgi.method
        self.query_string = rsgi.query_string
        path = rsgi.path or "/"
        if options.strip_url_path_trailing_slash and len(path) != 1 and path.endswith("/"):
            path = path[:-1]
        self.path = path

    @property
    def _events(self) -> Events:
        """The request's events, made when they are first asked for."""
        if self._events_made is None:
            rsgi, proto, _ = self._rsgi
            self._events_made = Events(rsgi, proto, body=False, received=True)
        return self._events_made

    def __getattr__(self, name: str) -> Any:
        make = _PARTS.get(name)
        if make is None:
            # Says what is missing: this is asked again where a property of Falcon's raises an AttributeError.
            return object.__getattribute__(self, name)
        part = make(self)
        setattr(self, name, part)
        return part


def _scope(req: Request) -> dict[str, Any]:
    rsgi, _, state = req._rsgi
    return {**scopes.http(rsgi, state), RECEIVE: req._events.receive}


def _whole(name: str) -> Callable[[Request], Any]:
    """A part as Falcon makes it."""

    def part(req: Request) -> Any:
        return getattr(falcon.asgi.Request(req.scope, req._receive, FIRST, req.options), name)

    return part


_PARTS: dict[str, Callable[[Request], Any]] = {
    "scope": _scope,
    "_receive": lambda req: req._events.receive,
    "context": lambda req: req.context_type(),
    **{name: _whole(name) for name in ("_asgi_headers", "_params", "content_type")},
}


class Response(falcon.asgi.Response):
    """A response."""

    status = OK
    text = None
    stream = None
    _extra_headers = None
    _cookies = None
    _data = None
    _media = None
    _media_rendered = _UNSET

    def __init__(self, options: ResponseOptions) -> None:
        self.options = options
        self._headers = {}

    def __getattr__(self, name: str) -> Any:
        if name != "context":
            return object.__getattribute__(self, name)
        self.context = self.context_type()
        return self.context
