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
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MAKERS = {
    "FastAPI": "asgi",
    "Starlette": "asgi",
    "Litestar": "asgi",
    "Quart": "asgi",
    "get_asgi_application": "asgi",
    "Flask": "wsgi",
    "get_wsgi_application": "wsgi",
    "App": "wsgi",
}
"""What makes an app, and the interface that it speaks. Falcon's two are told apart by their module."""
FACTORIES = ("create_app", "make_app", "build_app")
_SKIPPED = {"node_modules", "site-packages", "__pycache__", "tests", "test", "docs", "build", "dist"}
_USUAL = ("main", "app", "asgi", "wsgi", "server", "application")
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
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call):
            function = node.value.func
            maker = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if maker in MAKERS:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                yield from ((target.id, 0) for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.FunctionDef) and node.name in FACTORIES:
            required = len(node.args.args) - len(node.args.defaults)
            if required == 0:
                yield node.name, 1


def ask(app: str, folder: Path) -> dict[str, Any]:
    """Import an app and ask it: ``interface``, ``factory``, ``framework`` and ``routes`` (``method``, ``path``).

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
        raise DiscoverError(f"{app} cannot be imported: {last}")
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def describe(app: str) -> dict[str, Any]:
    """What ``ask`` answers, in the interpreter that imports the app."""
    module, _, name = app.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    factory = inspect.isfunction(found) and found.__name__ in FACTORIES
    if factory:
        found = found()
    kind = f"{type(found).__module__}.{type(found).__qualname__}"
    return {
        "interface": _interface(found),
        "factory": factory,
        "framework": kind.partition(".")[0],
        "routes": sorted({(method.upper(), path) for method, path in _routes(found)}),
    }


def _interface(app: Any) -> str:
    if hasattr(app, "__rsgi__"):
        return "rsgi"
    call = app if inspect.isfunction(app) else type(app).__call__
    if inspect.iscoroutinefunction(call):
        return "asgi"
    names = {base.__module__.partition(".")[0] for base in type(app).__mro__}
    return "asgi" if names & {"litestar", "quart", "starlette", "fastapi"} else "wsgi"


def _routes(app: Any) -> Iterable[tuple[str, str]]:
    for base in type(app).__mro__:
        reader = _READERS.get(f"{base.__module__.partition('.')[0]}.{base.__name__}")
        if reader is not None:
            return reader(app)
    return []


def _openapi(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for path, item in document.get("paths", {}).items():
        shared = item.get("parameters", [])
        for method in item:
            if method in ("get", "post", "put", "patch", "delete"):
                filled = path
                for parameter in [*shared, *item[method].get("parameters", [])]:
                    if parameter.get("in") == "path":
                        filled = filled.replace("{" + parameter["name"] + "}", _example(parameter, document))
                yield method, filled


def _example(parameter: dict[str, Any], document: dict[str, Any]) -> str:
    schema = parameter.get("schema", {})
    while "$ref" in schema:
        at: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            at = at[part]
        schema = at
    for one in (parameter, schema):
        if "example" in one:
            return str(one["example"])
        if one.get("examples"):
            first = (
                next(iter(one["examples"].values()))
                if isinstance(one["examples"], dict)
                else one["examples"][0]
            )
            return str(first.get("value", first) if isinstance(first, dict) else first)
    if schema.get("enum"):
        return str(schema["enum"][0])
    return str(schema.get("minimum", 1))


def _starlette(app: Any) -> Iterator[tuple[str, str]]:
    def within(routes: Iterable[Any], prefix: str) -> Iterator[tuple[str, str]]:
        for route in routes:
            if getattr(route, "routes", None):
                yield from within(route.routes, prefix + getattr(route, "path", ""))
            elif getattr(route, "methods", None):
                for method in route.methods:
                    yield method, prefix + route.path

    return within(app.routes, "")


def _flask(app: Any) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            for method in rule.methods or ():
                yield method, rule.rule


def _django(app: Any) -> Iterator[tuple[str, str]]:
    get_resolver = importlib.import_module("django.urls").get_resolver

    def within(patterns: Iterable[Any], prefix: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            path = prefix + str(pattern.pattern).replace("^", "").replace("\\Z", "").rstrip("$")
            if hasattr(pattern, "url_patterns"):
                if getattr(pattern, "namespace", None) != "admin":
                    yield from within(pattern.url_patterns, path)
            else:
                yield "GET", path

    return within(get_resolver().url_patterns, "/")


def _falcon(app: Any) -> Iterator[tuple[str, str]]:
    from falcon.inspect import inspect_routes

    for route in inspect_routes(app):
        for method in route.methods:
            if not method.internal:
                yield method.method, route.path


_READERS = {
    "fastapi.FastAPI": lambda app: _openapi(app.openapi()),
    "litestar.Litestar": lambda app: _openapi(app.openapi_schema.to_schema()),
    "starlette.Starlette": _starlette,
    "flask.Flask": _flask,
    "quart.Quart": _flask,
    "django.WSGIHandler": _django,
    "django.ASGIHandler": _django,
    "falcon.App": _falcon,
}

_PARAMETER = re.compile(r"\{[^{}]*\}|<[^<>]*>")


def fill(path: str) -> str:
    """A path with 1 in the place of each parameter."""
    return _PARAMETER.sub("1", path)


if __name__ == "__main__":
    sys.path[0] = os.getcwd()
    print(json.dumps(describe(sys.argv[1])))
