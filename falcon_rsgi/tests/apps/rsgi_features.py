"""Small apps that use Falcon's features, for both interfaces: ``granian --factory rsgi_features:NAME``."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import falcon
import falcon.asgi
from falcon.asgi import SSEvent

from falcon_rsgi import App

UNNOTED = ("/log", "/healthz")


class Healthy:
    async def on_get(self, req: Any, resp: Any) -> None:
        resp.text = "ok"


class Log:
    """What has happened since it was last asked for."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def on_get(self, req: Any, resp: Any) -> None:
        resp.text = json.dumps(self.lines)
        resp.content_type = falcon.MEDIA_JSON

    async def on_delete(self, req: Any, resp: Any) -> None:
        self.lines.clear()
        resp.status = 204


class Step:
    """A middleware that notes its hooks, and fails or completes where the query says so."""

    def __init__(self, name: str, log: Log) -> None:
        self.name, self.log = name, log

    def _note(self, hook: str, req: Any, resp: Any = None) -> None:
        if req.path in UNNOTED:
            return
        self.log.lines.append(f"{self.name}.{hook}")
        wish = req.get_param(f"{self.name}.{hook}")
        if wish == "complete":
            resp.complete = True
            resp.text = f"completed by {self.name}.{hook}"
        elif wish == "http":
            raise falcon.HTTPConflict(title="no", description=f"{self.name}.{hook}")
        elif wish == "status":
            raise falcon.HTTPStatus(falcon.HTTP_206, text=f"{self.name}.{hook}")
        elif wish == "other":
            raise KeyError(f"{self.name}.{hook}")

    async def process_request(self, req: Any, resp: Any) -> None:
        self._note("request", req, resp)

    async def process_resource(self, req: Any, resp: Any, resource: Any, params: Any) -> None:
        self._note("resource", req, resp)

    async def process_response(self, req: Any, resp: Any, resource: Any, succeeded: bool) -> None:
        if req.path not in UNNOTED:
            self.log.lines.append(f"succeeded={succeeded} resource={type(resource).__name__}")
        self._note("response", req, resp)

    async def process_request_ws(self, req: Any, ws: Any) -> None:
        self.log.lines.append(f"{self.name}.request_ws")

    async def process_resource_ws(self, req: Any, ws: Any, resource: Any, params: Any) -> None:
        self.log.lines.append(f"{self.name}.resource_ws")

    async def process_startup(self, scope: Any, event: Any) -> None:
        scope["state"]["started"] = self.name
        self.log.lines.append(f"{self.name}.startup")

    async def process_shutdown(self, scope: Any, event: Any) -> None:
        print(f"{self.name}.shutdown", flush=True)


class Echo:
    """What Falcon knows of the request."""

    async def on_get(self, req: Any, resp: Any) -> None:
        resp.media = {
            "method": req.method,
            "path": req.path,
            "query": req.query_string,
            "params": req.params,
            "uri": req.relative_uri,
            "scheme": req.scheme,
            "host": req.host,
            "root_path": req.root_path,
            "remote": req.remote_addr,
            "access": req.access_route,
            "headers": {k: v for k, v in sorted(req.headers.items()) if k not in ("host", "x-port")},
            "cookies": req.cookies,
            "accept": req.accept,
            "type": req.content_type,
            "length": req.content_length,
            "forwarded": req.forwarded_uri.replace(req.netloc, "HOST"),
            "state": req.scope["state"],
            "version": req.scope["http_version"],
        }

    async def on_post(self, req: Any, resp: Any) -> None:
        body = await req.stream.read()
        resp.media = {"length": len(body), "sum": sum(body), "type": req.content_type}

    on_put = on_patch = on_delete = on_post


class Pieces:
    async def on_post(self, req: Any, resp: Any) -> None:
        size, count = 0, 0
        async for piece in req.stream:
            size += len(piece)
            count += 1
        resp.media = {"size": size, "some": count > 0}

    on_get = on_post


class Small:
    """Reads less of the body than there is."""

    async def on_post(self, req: Any, resp: Any) -> None:
        resp.text = (await req.stream.read(10)).decode()

    on_get = on_post


class Unread:
    async def on_post(self, req: Any, resp: Any) -> None:
        resp.text = "not read"

    on_get = on_post


class Media:
    async def on_post(self, req: Any, resp: Any) -> None:
        resp.media = {"got": await req.get_media()}

    on_get = on_post


class Form:
    async def on_post(self, req: Any, resp: Any) -> None:
        resp.media = [
            [part.name, part.filename, part.content_type, len(await part.stream.read())]
            async for part in await req.get_media()
        ]


class Answer:
    """An answer of the kind that the path names."""

    async def on_get(self, req: Any, resp: Any, kind: str) -> None:
        await getattr(self, kind)(req, resp)

    on_head = on_get
    on_post = on_get

    async def text(self, req: Any, resp: Any) -> None:
        resp.text = "äöü"

    async def bytes(self, req: Any, resp: Any) -> None:
        resp.text = b"bytes as text"

    async def data(self, req: Any, resp: Any) -> None:
        resp.data = bytes(range(256))
        resp.content_type = "application/octet-stream"

    async def media(self, req: Any, resp: Any) -> None:
        resp.media = {"a": [1, 2, {"b": None}]}

    async def unserializable(self, req: Any, resp: Any) -> None:
        resp.media = object()

    async def nothing(self, req: Any, resp: Any) -> None:
        pass

    async def empty(self, req: Any, resp: Any) -> None:
        resp.text = ""

    async def length(self, req: Any, resp: Any) -> None:
        resp.text = "abc"
        resp.content_length = 99

    async def no_content(self, req: Any, resp: Any) -> None:
        resp.status = 204

    async def no_content_with(self, req: Any, resp: Any) -> None:
        resp.status, resp.text = 204, "not to be sent"

    async def not_modified(self, req: Any, resp: Any) -> None:
        resp.status, resp.etag, resp.vary = 304, "abc", "accept"

    async def teapot(self, req: Any, resp: Any) -> None:
        resp.status, resp.text = "418 I'm a teapot", "short and stout"

    async def stream(self, req: Any, resp: Any) -> None:
        async def pieces() -> Any:
            for index in range(50):
                yield f"piece {index};".encode()
                await asyncio.sleep(0)

        resp.stream = pieces()

    async def sized(self, req: Any, resp: Any) -> None:
        async def pieces() -> Any:
            yield b"12345"
            yield b"67890"

        resp.set_stream(pieces(), 10)

    async def file(self, req: Any, resp: Any) -> None:
        class File:
            def __init__(self) -> None:
                self.file = Path(__file__).open("rb")  # noqa: SIM115

            async def read(self, size: int) -> bytes:
                return self.file.read(size)

            async def close(self) -> None:
                self.file.close()

        resp.stream = File()

    async def broken_stream(self, req: Any, resp: Any) -> None:
        async def pieces() -> Any:
            yield b"first"
            raise ValueError("the second fails")

        resp.stream = pieces()

    async def sse(self, req: Any, resp: Any) -> None:
        async def events() -> Any:
            yield SSEvent(json={"a": 1}, event="one", event_id="1", retry=10)
            yield SSEvent(text="two")
            yield None

        resp.sse = events()

    async def cookies(self, req: Any, resp: Any) -> None:
        resp.set_cookie("one", "1", max_age=10)
        resp.set_cookie("two", "2", same_site="Lax", path="/x")
        resp.unset_cookie("three")
        resp.append_header("Set-Cookie", "four=4")
        resp.append_header("X-Many", "a")
        resp.append_header("X-Many", "b")
        resp.text = "cookies"

    async def latin(self, req: Any, resp: Any) -> None:
        resp.set_header("X-Name", "plain\tand tab")
        resp.append_link("/next?q=ä", "next")
        resp.downloadable_as = "naïve.txt"
        resp.text = "headers"

    async def moved(self, req: Any, resp: Any) -> None:
        raise falcon.HTTPMovedPermanently("/elsewhere")

    async def see(self, req: Any, resp: Any) -> None:
        raise falcon.HTTPSeeOther("/answer/text?x=1")

    async def status(self, req: Any, resp: Any) -> None:
        raise falcon.HTTPStatus(falcon.HTTP_202, headers={"X-A": "b"}, text="accepted")

    async def unavailable(self, req: Any, resp: Any) -> None:
        raise falcon.HTTPServiceUnavailable(retry_after=30, headers={"X-Why": "tired"})

    async def own(self, req: Any, resp: Any) -> None:
        raise OwnError("mine")

    async def own_raises(self, req: Any, resp: Any) -> None:
        raise LookupError("raised on")

    async def crash(self, req: Any, resp: Any) -> None:
        raise RuntimeError("unforeseen")

    async def half(self, req: Any, resp: Any) -> None:
        resp.text = "must not be seen"
        resp.set_header("X-Kept", "yes")
        raise falcon.HTTPBadRequest(description="after the text")

    async def scheduled(self, req: Any, resp: Any) -> None:
        async def later() -> None:
            app_log.lines.append("scheduled")

        resp.schedule(later)
        resp.schedule_sync(lambda: app_log.lines.append("scheduled_sync"))
        resp.text = "scheduled"

    async def context(self, req: Any, resp: Any) -> None:
        resp.context.a = req.context.b = 1
        resp.media = {"a": resp.context.a, "b": req.context.b}

    async def vary(self, req: Any, resp: Any) -> None:
        resp.vary = ["Accept", "Cookie"]
        resp.cache_control = ["no-store", "max-age=0"]
        resp.last_modified = datetime(2020, 1, 2)
        resp.text = "headers"


class OwnError(Exception):
    pass


async def own(req: Any, resp: Any, error: Any, params: Any) -> None:
    resp.status, resp.text = 422, f"own: {error} {sorted(params.items())}"
    resp.set_header("X-Handled", "own")


async def own_raises(req: Any, resp: Any, error: Any, params: Any) -> None:
    raise falcon.HTTPGone(description=str(error))


async def before(req: Any, resp: Any, resource: Any, params: Any, name: str) -> None:
    app_log.lines.append(f"before {name} {sorted(params)}")
    params["added"] = name


async def after(req: Any, resp: Any, resource: Any) -> None:
    app_log.lines.append("after")
    resp.set_header("X-After", "yes")


@falcon.after(after)
class Hooked:
    @falcon.before(before, "get")
    async def on_get(self, req: Any, resp: Any, number: int, when: Any, added: str) -> None:
        resp.media = [number, str(when), added]


class Versions:
    async def on_get(self, req: Any, resp: Any) -> None:
        resp.text = "plain"

    async def on_get_named(self, req: Any, resp: Any, name: str) -> None:
        resp.text = f"named {name}"


class Gone:
    """Waits until its client has gone."""

    async def on_get(self, req: Any, resp: Any) -> None:
        async def events() -> Any:
            try:
                while True:
                    yield SSEvent(text="still here")
                    await asyncio.sleep(0.01)
            finally:
                app_log.lines.append("gone")

        resp.sse = events()


class Socket:
    async def on_websocket(self, req: Any, ws: Any, kind: str) -> None:
        if kind == "refused":
            raise falcon.HTTPForbidden
        if kind == "closed":
            await ws.close()
            return
        await ws.accept()
        if kind == "media":
            await ws.send_media({"got": await ws.receive_media()})
            return
        if kind == "crash":
            raise RuntimeError("in a WebSocket")
        try:
            while True:
                message = await ws.receive_text() if kind == "text" else await ws.receive_data()
                await (ws.send_text(message.upper()) if kind == "text" else ws.send_data(message * 2))
        except falcon.WebSocketDisconnected:
            app_log.lines.append("disconnected")


async def sink(req: Any, resp: Any, **params: Any) -> None:
    resp.media = {"sink": req.path, "params": params}


app_log = Log()


def _routes(app: Any) -> Any:
    app.add_route("/healthz", Healthy())
    app.add_route("/log", app_log)
    app.add_route("/echo", Echo())
    app.add_route("/pieces", Pieces())
    app.add_route("/small", Small())
    app.add_route("/unread", Unread())
    app.add_route("/media", Media())
    app.add_route("/form", Form())
    app.add_route("/answer/{kind}", Answer())
    app.add_route("/hooked/{number:int(min=3)}/{when:dt}", Hooked())
    app.add_route("/versions", Versions())
    app.add_route("/versions/{name}", Versions(), suffix="named")
    app.add_route("/gone", Gone())
    app.add_route("/socket/{kind}", Socket())
    app.add_static_route("/static", Path(__file__).parent, fallback_filename="rsgi_features.py")
    app.add_sink(sink, r"/sink/(?P<rest>.*)")
    app.add_error_handler(OwnError, own)
    app.add_error_handler(LookupError, own_raises)
    return app


def stock() -> Any:
    """Falcon's own app."""
    return _routes(falcon.asgi.App())


def independent() -> Any:
    """Middleware whose responses are independent, and everything else."""
    return _routes(App(middleware=[Step("outer", app_log), Step("inner", app_log)]))


def dependent() -> Any:
    """Middleware whose responses depend on their requests."""
    steps = [Step("outer", app_log), Step("inner", app_log)]
    return _routes(App(middleware=steps, independent_middleware=False))


class CustomRequest(falcon.asgi.Request):
    """A request that knows something of its own."""

    @property
    def shout(self) -> str:
        return self.path.upper()


class CustomResponse(falcon.asgi.Response):
    """A response that renders its own way."""

    async def render_body(self) -> bytes | None:
        body = await super().render_body()
        return None if body is None else b"<" + body + b">"


class Shout:
    async def on_get(self, req: Any, resp: Any) -> None:
        resp.text = req.shout


def custom() -> Any:
    """Custom types, CORS, an error serializer, other options."""
    app = App(request_type=CustomRequest, response_type=CustomResponse, cors_enable=True)
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.keep_blank_qs_values = False
    app.resp_options.secure_cookies_by_default = False
    app.resp_options.default_media_type = "text/plain"

    def serialize(req: Any, resp: Any, error: Any) -> None:
        resp.content_type = "application/problem+json"
        resp.data = json.dumps({"problem": error.title}).encode()

    app.set_error_serializer(serialize)
    _routes(app).add_route("/shout", Shout())
    return app


class Wrapping(App):
    """A class with a ``__call__`` of its own, which the fast path must not pass by."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope["headers"] = [*scope["headers"], (b"x-wrapped", b"yes")]
        await super().__call__(scope, receive, send)


def wrapping() -> Any:
    """An app with a ``__call__`` of its own."""
    return _routes(Wrapping())


class FailingStartup:
    async def process_startup(self, scope: Any, event: Any) -> None:
        raise RuntimeError(f"no {os.environ.get('WHAT', 'database')}")


def failing() -> Any:
    """An app that cannot start up."""
    return App(middleware=[FailingStartup()])
