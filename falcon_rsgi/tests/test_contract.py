"""What the fast path uses of Falcon that is not public: a Falcon without it fails here, not in service."""

from __future__ import annotations

import inspect

import falcon.asgi
import pytest
from granian import rsgi as granian_rsgi
from granian._granian import RSGIHTTPScope

from falcon_rsgi import App
from falcon_rsgi.headers import checked

FALCON = (4, 4)
"""The versions of Falcon whose ``__call__`` the fast path was last compared with."""

STEPS = (
    *("if req.method in self._META_METHODS:", "if self._independent_middleware:"),
    *("for process_request in mw_req_stack:", "for process_request, process_response in mw_req_stack:"),
    *("dependent_mw_resp_stack.insert(0, process_response)", "self._get_responder(req)"),
    *("for process_resource in mw_rsrc_stack:", "await responder(req, resp, **params)"),
    *(
        "for process_response in mw_resp_stack or dependent_mw_resp_stack:",
        "if self._standard_response_type:",
    ),
    *("resp_status: int = resp.status_code", "if data is not None and not resp._sse:"),
)


def test_falcon_is_the_one_that_was_read() -> None:
    assert falcon.__version__.split(".")[:2] == [str(part) for part in FALCON], (
        "compare falcon.asgi.App.__call__ with falcon_rsgi/src/falcon_rsgi/fast.py and say so here"
    )


def test_falcon_takes_the_same_steps_in_this_order() -> None:
    source = inspect.getsource(falcon.asgi.App.__call__)
    places = [source.find(step) for step in STEPS]
    assert -1 not in places, STEPS[places.index(-1)]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "name",
    [
        *("_META_METHODS", "_middleware", "_independent_middleware", "_request_type", "_response_type"),
        *("_get_responder", "_handle_exception", "_report_error", "_schedule_callbacks"),
        "_standard_response_type",
    ],
)
def test_the_app_has(name: str) -> None:
    assert hasattr(App(), name)


@pytest.mark.parametrize("name", ["_headers", "_sse", "_registered_callbacks", "_wsgi_headers"])
def test_the_response_has(name: str) -> None:
    assert hasattr(falcon.asgi.Response(), name)


def test_middleware_is_three_stacks() -> None:
    assert len(App()._middleware) == 3


def test_granian_has_what_is_called() -> None:
    for name in ("response_bytes", "response_str", "response_stream", "response_file", "client_disconnect"):
        assert hasattr(granian_rsgi.HTTPProtocol, name)


def test_granian_has_no_path_that_is_not_decoded() -> None:
    """A scope with more than this may have what ``raw_path`` needs: carry it then, in ``falcon_rsgi/scope.py``."""
    assert {name for name in dir(RSGIHTTPScope) if not name.startswith("_")} == {
        *("authority", "client", "headers", "http_version", "method", "path", "proto", "query_string"),
        *("rsgi_version", "scheme", "server"),
    }


def test_a_class_with_a_call_of_its_own_is_not_passed_by() -> None:
    class Own(App):
        async def __call__(self, scope: object, receive: object, send: object) -> None: ...

    class Knows(Own):
        fast_path = True

    class Again(Knows):
        async def __call__(self, scope: object, receive: object, send: object) -> None: ...

    assert [App.fast_path, Own.fast_path, Knows.fast_path, Again.fast_path] == [True, False, True, False]


@pytest.mark.parametrize(("name", "value"), [("x", "ä"), ("x", "a\r\nb: c"), ("x y", "a"), ("", "a")])
def test_headers_that_rsgi_would_drop_are_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="header"):
        checked([(name, value)])
    assert checked([("x", "a\tb"), ("y", "")]) == [("x", "a\tb"), ("y", "")]
