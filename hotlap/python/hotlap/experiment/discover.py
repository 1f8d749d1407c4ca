"""Find out about an app: where its object is, how it is spoken to, what it answers to.

``objects`` reads source files without running them. ``ask`` imports the app, in an interpreter of its
own: this module is what runs there, so it imports the standard library alone.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

MAKERS = {
    *("FastAPI", "Starlette", "Litestar", "Quart", "Sanic", "get_asgi_application"),
    *("Flask", "Bottle", "get_wsgi_application", "make_wsgi_app", "App"),
}
"""What makes an app; ``App`` is Falcon's."""
FACTORIES = ("create_app", "make_app", "build_app", "get_app")
_SKIPPED = {"node_modules", "site-packages", "__pycache__", "tests", "test", "docs", "build", "dist"}
_USUAL = ("main", "app", "wsgi", "asgi", "server", "application")
_ASK_TIMEOUT_S = 60
MAX_DEPTH = 4


class DiscoverError(RuntimeError):
    """An app that could not be found or imported: the message says what to give instead."""


def objects(folder: Path) -> list[str]:
    """The apps that modules below a folder make, as ``module:object``, the likeliest first."""
    found: list[tuple[tuple[int, int, int, str], str]] = []
    for file in sorted(_sources(folder)):
        try:
            tree = ast.parse(file.read_text(), str(file))
        except (SyntaxError, UnicodeDecodeError, OSError):
            continue
        module = module_of(file, folder)
        for name, rank in _made(tree):
            usual = _USUAL.index(file.stem) if file.stem in _USUAL else len(_USUAL)
            found.append(((rank, usual, len(file.relative_to(folder).parts), module), f"{module}:{name}"))
    return [name for _, name in sorted(found)]


def module_of(file: Path, folder: Path) -> str:
    """A file as a module: from the folder, or from a ``src`` in it."""
    parts = list(file.relative_to(folder).with_suffix("").parts)
    if parts[0] == "src" and not (folder / "src" / "__init__.py").exists():
        parts = parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _sources(folder: Path) -> Iterator[Path]:
    for here, below, files in os.walk(folder):
        depth = len(Path(here).relative_to(folder).parts)
        below[:] = [
            name
            for name in sorted(below)
            if depth < MAX_DEPTH
            and not name.startswith(".")
            and name not in _SKIPPED
            and not (Path(here) / name / "pyvenv.cfg").exists()
        ]
        yield from (
            Path(here) / name for name in files if name.endswith(".py") and not name.startswith("test_")
        )


def _made(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names that hold an app (rank 0) or make one (rank 1), at a module's top."""
    apps: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call):
            function = node.value.func
            maker = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            given = [*node.value.args, *(keyword.value for keyword in node.value.keywords)]
            # What takes an app and gets a name of its own is middleware around it.
            wrapped = [one.id for one in given if isinstance(one, ast.Name) and apps.get(one.id) == 0]
            if maker in MAKERS or (wrapped and maker[:1].isupper()):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for name in wrapped:
                    apps.pop(name, None)
                apps |= {target.id: 0 for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.FunctionDef) and node.name in FACTORIES:
            required = len(node.args.args) - len(node.args.defaults)
            if required == 0:
                apps[node.name] = 1
    yield from apps.items()


def ask(app: str, folder: Path) -> dict[str, Any]:
    """Import an app and ask it: ``interface``, ``factory``, ``framework``, and what it answers to.

    Returns:
        Beside these ``openapi``, its OpenAPI document, if it makes one; else ``routes`` (``method``, ``path``).

    Raises:
        DiscoverError: it cannot be imported.
    """
    path = os.pathsep.join([str(folder), str(folder / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    try:
        done = subprocess.run(
            [sys.executable, str(Path(__file__)), app],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DiscoverError(f"{app} was not imported within {_ASK_TIMEOUT_S} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise DiscoverError(f"{app} cannot be imported: {last}{_remedy(last, folder)}")
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def _remedy(error: str, folder: Path) -> str:
    """What to do about a module that is missing: is it the app's own, or a package of another environment?"""
    missing = re.search(r"No module named '([^'.]+)", error)
    if missing is None:
        return ""
    name = missing[1]
    own = next((file for file in _sources(folder) if name in (file.stem, file.parent.name)), None)
    if own is not None:
        above = own.parent.parent if own.parent.name == name else own.parent
        if above not in (folder, folder / "src"):
            return f"; call hotlap init in the folder that the app is started in ({above}?)"
    return (
        f"; hotlap runs the app with its own Python, {sys.executable}: if that is not the app's, "
        "pip install hotlap beside the app"
    )


def describe(app: str) -> dict[str, Any]:
    """What ``ask`` answers, in the interpreter that imports the app."""
    module, _, name = app.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    factory = inspect.isfunction(found) and _makes(found)
    if factory:
        found = found()
    if not callable(found):
        raise TypeError(f"it is no app, but of type {type(found).__name__}")
    document, routes = _document(found), list[tuple[str, str]]()
    if document is None:
        routes = list(dict.fromkeys((method.upper(), path) for method, path in _routes(found)))
    return {
        "interface": _interface(found),
        "factory": factory,
        "framework": type(_inmost(found)).__module__.partition(".")[0],
        "openapi": document,
        "routes": routes,
    }


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
    names = [f"{base.__module__.partition('.')[0]}.{base.__name__}" for base in type(app).__mro__]
    return next((_READERS[name] for name in names if name in _READERS), None)


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
        for route in routes:
            if getattr(route, "routes", None):
                yield from within(route.routes, prefix + getattr(route, "path", ""))
            elif getattr(route, "methods", None):
                for method in sorted(route.methods):
                    yield method, prefix + route.path

    return within(app.routes, "")


def _litestar(app: Any) -> Iterator[tuple[str, str]]:
    for route in app.routes:
        for method in sorted(getattr(route, "methods", ())):
            yield method, route.path


def _sanic(app: Any) -> Iterator[tuple[str, str]]:
    app.router.finalize() if not app.router.finalized else None
    for route in app.router.routes:
        for method in sorted(route.methods):
            # Its types come after the name: elsewhere they come before.
            yield method, re.sub(r"<(\w+):([^<>]+)>", r"<\2:\1>", f"/{route.path}")


def _bottle(app: Any) -> Iterator[tuple[str, str]]:
    for route in app.routes:
        yield route.method, route.rule


def _flask(app: Any) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            for method in sorted(rule.methods or ()):
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
    sys.path[0] = os.getcwd()
    print(json.dumps(describe(sys.argv[1])))
