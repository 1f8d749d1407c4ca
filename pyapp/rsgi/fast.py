"""The fast path: Falcon's own steps for a request without a body and an answer with a complete one.

What Falcon's ASGI app does for such a request is done here in the same order, with the same objects and
the app's own methods, and the answer goes to RSGI in one call. Whatever else an answer may be (a stream,
events, one without a body) is left to Falcon.
"""

from __future__ import annotations

import copy
from typing import Any

import falcon.asgi
from falcon import HTTPBadRequest

from pyapp.disconnect import RECEIVE
from pyapp.rsgi import scope as scopes
from pyapp.rsgi.headers import checked
from pyapp.rsgi.http import Events, unanswered

BODILESS = frozenset([100, 101, 204, 304])
TYPELESS = frozenset([204, 304])
FIRST = {"type": "http.request", "body": b"", "more_body": False}


async def answer(app: Any, state: dict[str, Any], rsgi: Any, proto: Any) -> None:
    """Answers a request that has no body."""
    try:
        events = Events(rsgi, proto, body=False, received=True)
        scope = scopes.http(rsgi, state)
        scope[RECEIVE] = events.receive
        req = app._request_type(scope, events.receive, first_event=FIRST, options=app.req_options)
        resp = app._response_type(options=app.resp_options)
        await _respond(app, req, resp)

        if resp._sse is not None or req.method == "HEAD":
            await _finish(app, req, resp, scope, events)
            return
        body = await _body(app, req, resp)
        status = resp.status_code
        media_type = app.resp_options.default_media_type
        if status in BODILESS:
            body = b""
            if status in TYPELESS:
                media_type = None
        elif body is None and resp.stream:
            # It was rendered already, to nothing.
            resp.text = resp.data = resp.media = None
            await _finish(app, req, resp, scope, events)
            return
        else:
            body = body or b""
            resp._headers["content-length"] = str(len(body))
        try:
            proto.response_bytes(status, checked(resp._wsgi_headers(media_type)), body)
        except Exception as error:
            if app._report_error is not None:
                app._report_error(req, error, {}, False)
            raise
        events.end()
        if resp._registered_callbacks:
            app._schedule_callbacks(resp)
    except BaseException:
        unanswered(proto)
        raise


async def _respond(app: Any, req: Any, resp: Any) -> None:
    """Middleware, routing and responder, as ``falcon.asgi.App.__call__`` has them."""
    resource = None
    params: dict[str, Any] = {}
    dependent: list[Any] = []
    request_steps, resource_steps, response_steps = app._middleware
    succeeded = False
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
                    dependent.insert(0, process_response)
        if not resp.complete:
            responder, params, resource, req.uri_template = app._get_responder(req)
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


async def _body(app: Any, req: Any, resp: Any) -> bytes | None:
    try:
        text = resp.text
        if text is None or not app._standard_response_type:
            return await resp.render_body()  # type: ignore[no-any-return]
        try:
            return text.encode()  # type: ignore[no-any-return]
        except AttributeError:
            # Bytes, which Falcon takes as they are.
            return text  # type: ignore[no-any-return]
    except Exception as error:
        if not await app._handle_exception(req, resp, error, {}):
            raise
        # Falcon does not render anew what the handler has set.
        return b""


async def _finish(app: Any, req: Any, resp: Any, scope: dict[str, Any], events: Events) -> None:
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

    await falcon.asgi.App.__call__(finisher, scope, receive, events.send)
