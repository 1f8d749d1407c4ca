"""Says which function of the app handles a request, as the framework's own router finds it: nothing is sent.

Frameworks that were not imported are not asked, and apps are found among the objects that the garbage collector knows, by
their type. It uses the standard library alone.
"""

from __future__ import annotations

import dis
import functools
import gc
import json
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any

_METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
_DEEPEST = 20


def handlers(requests: str) -> dict[str, Any]:
    """The functions that handle requests.

    Args:
        requests: A list in JSON; each request is its method and the paths to try, the likeliest first.

    Returns:
        For each request its functions: the name, the file, and the lines on which it begins and ends. There are several
        where a class handles it, and none where nobody knows.
    """
    return {"handlers": [_of_request(method, paths) for method, paths in json.loads(requests)]}


def _of_request(method: str, paths: list[str]) -> list[dict[str, Any]]:
    for path in paths:
        for find in (_starlette, _flask, _django, _falcon):
            try:
                found = [handler for handler in find(method, path) if handler is not None]
            except Exception:  # A router that does not know the path says so in its own way.
                continue
            codes = dict.fromkeys(code for handler in found for code in _codes(handler, method))
            if codes:
                return [_told(code) for code in codes]
    return []


def _apps(module: str, kind: str) -> list[Any]:
    """The objects of a class, where its module was imported."""
    wanted = getattr(sys.modules.get(module), kind, None)
    if not isinstance(wanted, type):
        return []
    return [held for held in gc.get_objects() if issubclass(type(held), wanted)]


def _starlette(method: str, path: str) -> Iterator[Any]:
    for app in _apps("starlette.applications", "Starlette"):
        scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": [], "app": app}
        yield _matched(app.router.routes, scope, 0)


def _matched(routes: Iterable[Any], scope: dict[str, Any], depth: int) -> Any:
    """The endpoint of the first route that matches wholly, of routes or of what is mounted or included in them."""
    for route in routes:
        match, child = route.matches(scope)
        if getattr(match, "name", "") != "FULL":
            continue
        # FastAPI keeps routers that it includes as they are.
        included = getattr(route, "effective_route_contexts", None)
        within = list(included()) if included is not None else getattr(route, "routes", None)
        if not within:
            return child.get("endpoint") or getattr(route, "endpoint", None)
        found = _matched(within, {**scope, **child}, depth + 1) if depth < _DEEPEST else None
        if found is not None:
            return found
    return None


def _flask(method: str, path: str) -> Iterator[Any]:
    for app in _apps("flask.app", "Flask"):
        endpoint, _ = app.url_map.bind("localhost").match(path, method=method)
        yield app.view_functions[endpoint]


def _django(method: str, path: str) -> Iterator[Any]:
    urls = sys.modules.get("django.urls")
    if urls is not None:
        yield urls.resolve(path).func


def _falcon(method: str, path: str) -> Iterator[Any]:
    for app in _apps("falcon.app", "App"):
        found = app._router.find(path, req=None)
        if found is not None:
            resource, methods = found[0], found[1]
            # What the framework calls may be wrapped; the resource has what was written.
            yield getattr(resource, f"on_{method.lower()}", None) or methods.get(method)


def _codes(handler: Any, method: str) -> Iterator[CodeType]:
    """The code of a function, of what is wrapped in it, or of the methods of a class that answer."""
    for _ in range(_DEEPEST):
        kind = getattr(handler, "view_class", None) or handler
        if isinstance(kind, type):
            own = getattr(kind, method.lower(), None)
            several = [own] if own is not None else [getattr(kind, name, None) for name in _METHODS]
            yield from (one.__code__ for one in several if isinstance(one, FunctionType))
            return
        if isinstance(handler, functools.partial):
            handler = handler.func
        elif hasattr(handler, "__wrapped__"):
            handler = handler.__wrapped__
        elif hasattr(handler, "__func__"):
            handler = handler.__func__
        elif isinstance(handler, FunctionType):
            yield handler.__code__
            return
        else:
            handler = type(handler).__dict__.get("__call__")
            if not isinstance(handler, FunctionType):
                return


def endpoint_of(frames: Iterable[Any]) -> str | None:
    """The function that handles the request of a task, as a frame, where ASGI's scope is at hand in the task's frames."""
    for frame in frames:
        scope = frame.f_locals.get("scope")
        endpoint = scope.get("endpoint") if isinstance(scope, dict) else None
        if endpoint is not None:
            code = next(_codes(endpoint, str(scope.get("method", "get"))), None)
            if code is not None:
                name = getattr(code, "co_qualname", getattr(endpoint, "__qualname__", code.co_name))
                return f"{name} ({code.co_filename}:{code.co_firstlineno})"
    return None


def _told(code: CodeType) -> dict[str, Any]:
    return {
        "function": getattr(code, "co_qualname", code.co_name),
        "file": code.co_filename,
        "first": code.co_firstlineno,
        "last": _last(code),
    }


def _last(code: CodeType) -> int:
    """The last line of a function, and of those that are written in it."""
    own = max((line for _, line in dis.findlinestarts(code) if line is not None), default=code.co_firstlineno)
    return max([own, *(_last(part) for part in code.co_consts if isinstance(part, CodeType))])
