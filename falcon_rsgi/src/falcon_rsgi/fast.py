"""The fast path: Falcon's own steps for a request without a body and an answer with a complete one.

What Falcon's ASGI app does for such a request is done here in the same order, with its objects and
the app's own methods, and the answer goes to RSGI in one call. Whatever else an answer may be (a stream,
events, one without a body) is left to Falcon.
"""

from __future__ import annotations

import copy
from typing import Any

import falcon.asgi
from falcon import HTTPBadRequest

from falcon_rsgi import headers
from falcon_rsgi import scope as scopes
from falcon_rsgi.http import Events, unanswered
from falcon_rsgi.lazy import FIRST, OK, request, response
from falcon_rsgi.routes import Routes

BODILESS = frozenset([100, 101, 204, 304])
TYPELESS = frozenset([204, 304])


async def answer(app: Any, state: dict[str, Any], routes: Routes, rsgi: Any, proto: Any, method: str) -> None:
    """Answers a request, of whose body nothing was read.

    Middleware, routing and responder come as ``falcon.asgi.App.__call__`` has them; in one coroutine, as
    each that is waited for costs when it is made, while it is kept, and each time it is resumed.
    """
    resource = None
    params: dict[str, Any] = {}
    dependent: tuple[Any, ...] = ()
    succeeded = False
    events = None
    try:
        if app._request_type is falcon.asgi.Request:
            req: Any = request(rsgi, proto, state, app.req_options, method)
        else:
            req, events = _own_request(app, state, rsgi, proto)
        if app._response_type is falcon.asgi.Response:
            resp: Any = response(app.resp_options)
        else:
            resp = app._response_type(options=app.resp_options)
        request_steps, resource_steps, response_steps = app._middleware
        try:
            if req.method in app._META_METHODS:
                raise HTTPBadRequest()
            if app._independent_middleware:
                for process_request in request_steps:
                    await process_request(req, resp)
                    if resp.complete:
                        break
            else:
                for process_request, process_response in request_steps:
                    if process_request and not resp.complete:
                        await process_request(req, resp)
                    if process_response:
                        dependent = (process_response, *dependent)
            if not resp.complete:
                known = routes.known.get((req.method, req.path))
                if known is not None:
                    responder, resource, req.uri_template = known
                else:
                    responder, params, resource, req.uri_template = routes.responder(app, req)
        except Exception as error:
            if not await app._handle_exception(req, resp, error, params):
                raise
        else:
            try:
                if resource:
                    for process_resource in resource_steps:
                        await process_resource(req, resp, resource, params)
                        if resp.complete:
                            break
                if not resp.complete:
                    await responder(req, resp, **params)
                succeeded = True
            except Exception as error:
                if not await app._handle_exception(req, resp, error, params):
                    raise
        for process_response in response_steps or dependent:
            try:
                await process_response(req, resp, resource, succeeded)
            except Exception as error:
                if not await app._handle_exception(req, resp, error, params):
                    raise
                succeeded = False

        text = resp.text
        if resp._sse is not None or req.method == "HEAD":
            await _finish(app, req, resp, events or req._events)
            return
        if type(text) is str and text.isascii() and app._standard_response_type:
            body: Any = text
            send = proto.response_str
        else:
            body = await _body(app, req, resp)
            if body is None and resp.stream and resp.status_code not in BODILESS:
                # It was rendered already, to nothing.
                resp.text = resp.data = resp.media = None
                await _finish(app, req, resp, events or req._events)
                return
            body = body or b""
            send = proto.response_bytes

        status = 200 if resp.status is OK else resp.status_code
        media_type = app.resp_options.default_media_type
        if status in BODILESS:
            body = body[:0]
            if status in TYPELESS:
                media_type = None
        else:
            resp._headers["content-length"] = str(len(body))
        try:
            send(status, headers.of(resp, media_type), body)
        except Exception as error:
            if app._report_error is not None:
                app._report_error(req, error, {}, False)
            raise
        if events is None:
            events = req._events_made
        if events is not None:
            events.end()
        if resp._registered_callbacks:
            app._schedule_callbacks(resp)
    except BaseException:
        unanswered(proto)
        raise


def _own_request(app: Any, state: dict[str, Any], rsgi: Any, proto: Any) -> tuple[Any, Events]:
    """A request of the app's own type, and its events."""
    events = Events(rsgi, proto, body=False, received=True)
    scope = {**scopes.http(rsgi, state), scopes.RECEIVE: events.receive}
    return app._request_type(scope, events.receive, first_event=FIRST, options=app.req_options), events


async def _body(app: Any, req: Any, resp: Any) -> bytes | None:
    try:
        return await resp.render_body()  # type: ignore[no-any-return]
    except Exception as error:
        if not await app._handle_exception(req, resp, error, {}):
            raise
        # Falcon does not render anew what the handler has set.
        return b""


async def _finish(app: Any, req: Any, resp: Any, events: Events) -> None:
    """Leaves the answer to Falcon: to an app with nothing left to do but to send it."""
    finisher = copy.copy(app)
    finisher._middleware = ((), (), ())
    finisher._independent_middleware = True
    finisher._request_type = lambda *args, **options: req
    finisher._response_type = lambda **options: resp
    # A custom response type may render its own way; what is rendered already is not to be so again.
    finisher._standard_response_type = app._standard_response_type or bool(resp.stream)
    resp.complete = True
    first: Any = FIRST

    async def receive() -> Any:
        nonlocal first
        if first is None:
            return await events.receive()
        event, first = first, None
        return event

    await falcon.asgi.App.__call__(finisher, req.scope, receive, events.send)
