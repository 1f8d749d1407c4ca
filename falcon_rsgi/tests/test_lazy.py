"""What the fast path makes late or keeps: a request's parts, and the responders of routes without fields."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import falcon.asgi
import pytest
from falcon.asgi import Request, Response

from falcon_rsgi import App, lazy, scope
from falcon_rsgi.routes import LIMIT, Routes


class Headers(dict[str, str]):
    """A request's headers, as Granian gives them."""


def rsgi(path: str = "/a/b", **parts: Any) -> SimpleNamespace:
    """A request as Granian gives it."""
    headers = Headers({"host": "example", "content-type": "text/x", "accept": "text/y", "cookie": "a=b"})
    known = {"http_version": "1.1", "server": "127.0.0.1:80", "client": "127.0.0.1:5000", "scheme": "http"}
    return SimpleNamespace(
        **{**known, "method": "GET", "path": path, "query_string": "a=1&b=2", "authority": None, **parts},
        headers=headers,
    )


@pytest.mark.filterwarnings("ignore::falcon.util.deprecation.DeprecatedWarning")
@pytest.mark.parametrize("strip", [False, True])
@pytest.mark.parametrize("path", ["/a/b", "/a/", "/", ""])
def test_a_request_has_every_part_that_falcons_has(path: str, strip: bool) -> None:
    options = App().req_options
    options.strip_url_path_trailing_slash = strip
    late = lazy.request(rsgi(path), None, {}, options, "GET")
    whole = Request(scope.http(rsgi(path), {}), late._receive, lazy.FIRST, options)
    assert isinstance(late, Request)
    names = [name for name in dir(whole) if not name.startswith("__")]
    assert {"path", "params", "headers", "content_type", "cookies", "remote_addr", "_params"} <= set(names)
    for name in names:
        if name == "scope":
            assert late.scope.items() >= whole.scope.items()
            continue
        expected = _of(whole, name)
        if not callable(expected):
            assert _of(late, name) == expected, name
    assert late.context is late.context
    assert late.get_param_as_int("b") == 2


def _of(made: Request | Response, name: str) -> Any:
    try:
        found = getattr(made, name)
    except (AttributeError, falcon.HTTPError, NotImplementedError) as error:
        return type(error), str(error)
    if inspect.iscoroutine(found):
        found.close()
    # Objects of their own, without a value that could be compared.
    own = inspect.iscoroutine(found) or name.endswith(("context", "stream", "_receive"))
    return type(found) if own else found


def test_what_a_request_does_not_have_is_said() -> None:
    req = lazy.request(rsgi(), None, {}, App().req_options, "GET")
    with pytest.raises(AttributeError, match="nothing"):
        req.nothing  # noqa: B018


def test_a_response_has_every_part_that_falcons_has() -> None:
    options = App().resp_options
    late, whole = lazy.response(options), Response(options=options)
    for name in dir(whole):
        expected = _of(whole, name)
        if not name.startswith("__") and not callable(expected):
            assert _of(late, name) == expected, name
    assert late.context is late.context
    other = lazy.response(options)
    late.set_header("x", "y")
    late.text = "mine"
    assert (other.headers, other.text) == ({}, None)


class Answers:
    """A resource."""

    async def on_get(self, req: Request, resp: Response, **params: str) -> None: ...


def asked(path: str, method: str = "GET") -> Any:
    """As much of a request as a search looks at."""
    return SimpleNamespace(path=path, method=method, is_websocket=False)


def test_routes_without_fields_are_found_as_falcon_finds_them() -> None:
    app = App()
    app.add_route("/a", Answers())
    app.add_route("/b/{name}", Answers())
    routes = Routes()
    for req in [asked("/a"), asked("/a", "PUT"), asked("/b/x"), asked("/b/y"), asked("/none")]:
        expected = app._get_responder(req)
        for _ in range(3):
            assert routes.responder(app, req) == expected
        known = routes.known.get((req.method, req.path))
        assert known in (None, (expected[0], *expected[2:]))
    assert set(routes.known) == {("GET", "/a"), ("PUT", "/a")}


def test_a_route_that_is_set_anew_is_found_anew() -> None:
    app = App()
    before, after = Answers(), Answers()
    app.add_route("/a", before)
    assert app._routes.responder(app, asked("/a"))[2] is before
    app.add_route("/a", after)
    assert not app._routes.known
    assert app._routes.responder(app, asked("/a"))[2] is after


def test_paths_without_end_are_not_kept_without_end() -> None:
    app = App()
    app.add_route("/a", Answers())
    for slashes in range(1, LIMIT + 100):
        app._routes.responder(app, asked("/" * slashes + "a"))
    assert len(app._routes.known) <= LIMIT


def test_a_router_of_ones_own_is_asked_each_time() -> None:
    class Router(falcon.routing.CompiledRouter):
        asked = 0

        def find(self, uri: str, req: Any = None) -> Any:
            self.asked += 1
            return super().find(uri, req)

    router = Router()
    app = App(router=router)
    app.add_route("/a", Answers())
    for _ in range(3):
        app._routes.responder(app, asked("/a"))
    assert router.asked == 3
    assert not app._routes.known
