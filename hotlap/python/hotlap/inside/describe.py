"""Imports an app and says what it is: how it is spoken to, and what it answers to."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any


def describe(app: str) -> dict[str, Any]:
    """What ``discover.ask`` returns."""
    module, _, name = app.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    factory = inspect.isfunction(found) and _makes(found)
    if factory:
        found = found()
    if not callable(found):
        raise TypeError(f"it is no app, but of type {type(found).__name__}")
    document = _document(found)
    try:
        told = list(dict.fromkeys((method.upper(), path) for method, path in _routes(found)))
    except Exception:
        if document is None:
            raise
        told = []
    return {
        "interface": _interface(found),
        "factory": factory,
        "framework": type(_inmost(found)).__module__.partition(".")[0],
        "openapi": document,
        "routes": [one for one in told if document is None and one[0] != _WEBSOCKET],
        "websockets": [path for method, path in told if method == _WEBSOCKET],
    }


_WEBSOCKET = "WEBSOCKET"
"""Told as the method of a route that is no request."""


def _makes(function: Callable[..., Any]) -> bool:
    """Whether a function makes an app: it needs no argument, and an app needs two or more."""
    parameters = inspect.signature(function).parameters.values()
    return all(
        one.default is not one.empty or one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        for one in parameters
    ) and not any(one.kind is one.VAR_POSITIONAL for one in parameters)


def _interface(app: Any) -> str:
    if hasattr(app, "__rsgi__"):
        return "rsgi"
    call = app if inspect.isfunction(app) else type(app).__call__
    return "asgi" if inspect.iscoroutinefunction(call) else "wsgi"


def _inmost(app: Any) -> Any:
    """The app that middleware is wrapped around."""
    for _ in range(_MOST_WRAPPED):
        inner = next(
            (getattr(app, name, None) for name in _WRAPPED if callable(getattr(app, name, None))), None
        )
        if _reader(app) is not None or inner is None:
            break
        app = inner
    return app


_WRAPPED = ("app", "wsgi_app", "asgi_app", "application", "other_asgi_app")
_MOST_WRAPPED = 10


def _reader(app: Any) -> Callable[[Any], Iterable[tuple[str, str]]] | None:
    return next((_READERS[name] for name in _bases(app) if name in _READERS), None)


def _bases(found: Any) -> list[str]:
    """Its class and those that it is made of, each with the package that it is from."""
    return [f"{base.__module__.partition('.')[0]}.{base.__name__}" for base in type(found).__mro__]


def _routes(app: Any) -> Iterable[tuple[str, str]]:
    inmost = _inmost(app)
    reader = _reader(inmost)
    return reader(inmost) if reader is not None else []


def _document(app: Any) -> dict[str, Any] | None:
    """The OpenAPI document of FastAPI and Litestar; ``None`` where there is none, or it cannot be made."""
    inmost = _inmost(app)
    try:
        made = inmost.openapi() if hasattr(inmost, "openapi") else inmost.openapi_schema.to_schema()
        document: dict[str, Any] = json.loads(json.dumps(made))
    except Exception:
        # Whatever goes wrong in code that is not ours: its router may still tell its routes.
        return None
    return document if document.get("paths") else None


def _starlette(app: Any) -> Iterator[tuple[str, str]]:
    def within(routes: Iterable[Any], prefix: str) -> Iterator[tuple[str, str]]:
        for given in routes:
            # A router that FastAPI includes keeps its routes to itself, each as it is there and as it is here.
            route = getattr(given, "starlette_route", None) or given
            if hasattr(route, "effective_candidates"):
                yield from within(route.effective_candidates(), prefix)
            elif getattr(route, "routes", None):
                yield from within(route.routes, prefix + getattr(route, "path", ""))
            elif getattr(route, "methods", None):
                for method in sorted(route.methods):
                    yield method, prefix + route.path
            elif "starlette.Route" in _bases(route):
                # A class, with a function for each method.
                for method in ("get", "post", "put", "patch", "delete"):
                    if hasattr(getattr(route, "endpoint", None), method):
                        yield method, prefix + route.path
            elif "starlette.WebSocketRoute" in _bases(route):
                yield _WEBSOCKET, prefix + route.path

    return within(app.routes, "")


def _litestar(app: Any) -> Iterator[tuple[str, str]]:
    for route in app.routes:
        if "litestar.WebSocketRoute" in _bases(route):
            yield _WEBSOCKET, route.path
        for method in sorted(getattr(route, "methods", ())):
            yield method, route.path


def _sanic(app: Any) -> Iterator[tuple[str, str]]:
    app.router.finalize() if not app.router.finalized else None
    for route in app.router.routes:
        # Its types come after the name: elsewhere they come before.
        path = re.sub(r"<(\w+):([^<>]+)>", r"<\2:\1>", f"/{route.path}")
        for method in [_WEBSOCKET] if getattr(route.extra, "websocket", False) else sorted(route.methods):
            yield method, path


def _bottle(app: Any) -> Iterator[tuple[str, str]]:
    for route in app.routes:
        yield route.method, route.rule


def _flask(app: Any) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            for method in [_WEBSOCKET] if rule.websocket else sorted(rule.methods or ()):
                yield method, rule.rule


def _django(app: Any) -> Iterator[tuple[str, str]]:
    get_resolver = importlib.import_module("django.urls").get_resolver

    def within(patterns: Iterable[Any], prefix: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            path = prefix + _of_regex(str(pattern.pattern))
            if hasattr(pattern, "url_patterns"):
                if getattr(pattern, "namespace", None) != "admin":
                    yield from within(pattern.url_patterns, path)
            elif "format>" not in path:  # The suffixes that a REST framework adds to each of its paths.
                yield "GET", path

    return within(get_resolver().url_patterns, "/")


def _of_regex(pattern: str) -> str:
    """A path with ``<name>`` in the place of each group; what is no regular expression stays as it is."""
    groups = 1
    while groups:
        # The innermost group first, so that those around it have no parentheses left inside.
        pattern, groups = re.subn(
            r"\((?:\?P<(\w+)>|\?:)?[^()]*\)[?*+]?", lambda one: f"<{one[1] or 'value'}>", pattern
        )
    return re.sub(r"\^|\\Z|\$", "", pattern).replace("/?", "/").replace("\\", "")


def _falcon(app: Any) -> Iterator[tuple[str, str]]:
    from falcon.inspect import inspect_routes

    for route in inspect_routes(app):
        for method in route.methods:
            if not method.internal:
                yield method.method, route.path


_READERS = {
    "starlette.Starlette": _starlette,
    "litestar.Litestar": _litestar,
    "sanic.Sanic": _sanic,
    "bottle.Bottle": _bottle,
    "flask.Flask": _flask,
    "quart.Quart": _flask,
    "django.WSGIHandler": _django,
    "django.ASGIHandler": _django,
    "falcon.App": _falcon,
}


if __name__ == "__main__":
    if os.path.abspath(sys.path[0]) == os.path.dirname(os.path.abspath(__file__)):
        sys.path[0] = os.getcwd()
    print(json.dumps(describe(sys.argv[1])))
