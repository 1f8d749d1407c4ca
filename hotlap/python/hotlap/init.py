"""Write an experiment for an app: what can be found out is filled in, what cannot is a comment."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hotlap import discover
from hotlap.experiment import Experiment, ExperimentError, Interface, Lane, Server
from hotlap.serve import ServeError, served
from hotlap.verify import VerifyError, request

_UNINTERESTING = re.compile(r"^/(docs|redoc|openapi\.json|schema|static|favicon\.ico)(/|$)")
_ANSWER_TIMEOUT_S = 10.0


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A request that an experiment may make. ``note`` says why it is left out, if it is."""

    name: str
    method: str
    path: str
    status: int = 200
    note: str | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about an app."""

    app: str
    interface: Interface
    factory: bool
    framework: str
    env: dict[str, str]
    routes: list[Route]


def find(folder: Path, app: str | None, paths: Sequence[str], interface: Interface | None) -> Found:
    """Find out about the app in a folder, and try what it answers.

    Args:
        folder: Where the app is.
        app: Its object, ``module:object``; searched for if not given.
        paths: What to ask for instead of the app's own routes.
        interface: How it is spoken to, if it cannot be told.

    Raises:
        ExperimentError: no app, or it cannot be imported, or it has no route; the message says what to give.
    """
    if app is None:
        candidates = discover.objects(folder)
        if not candidates:
            raise ExperimentError(
                f"no app was found below {folder}: name it with --app MODULE:OBJECT, as in --app shop.main:app"
            )
        app = candidates[0]
    try:
        told = discover.ask(app, folder)
    except discover.DiscoverError as error:
        raise ExperimentError(f"{error}; name another with --app MODULE:OBJECT") from None
    module = app.partition(":")[0].replace(".", "/")
    in_src = any((folder / "src" / name).exists() for name in (f"{module}.py", module))
    found = Found(
        app=app,
        interface=interface or told["interface"],
        factory=told["factory"],
        framework=told["framework"],
        env={"PYTHONPATH": "src"} if in_src and not (folder / f"{module}.py").exists() else {},
        routes=_routes(told["routes"], paths),
    )
    if not found.routes:
        raise ExperimentError(f"{app} does not tell its routes: name some with --path /PATH")
    return msgspec.structs.replace(found, routes=_tried(found, folder))


def _routes(told: Sequence[tuple[str, str]], paths: Sequence[str]) -> list[Route]:
    asked = [("GET", path) for path in paths] or [
        (method, path) for method, path in told if method not in ("HEAD", "OPTIONS")
    ]
    routes: list[Route] = []
    names: set[str] = set()
    for method, path in asked:
        if _UNINTERESTING.match(path) and not paths:
            continue
        name = re.sub(r"[^A-Za-z0-9]+", "-", path.partition("?")[0]).strip("-") or "root"
        if method != "GET":
            name = f"{name}-{method.lower()}"
        while name in names:
            name += "-again"
        names.add(name)
        note = (
            None if method == "GET" else "it may change what is stored: give it a body, and then take it in"
        )
        routes.append(Route(name=name, method=method, path=discover.fill(path), note=note))
    return routes


def _tried(found: Found, folder: Path) -> list[Route]:
    """Serve the app once and ask for each route: what fails is left out, with the reason."""
    server = Server(
        app=found.app, factory=found.factory, interface=found.interface, env=_absolute(found, folder)
    )
    lanes = [Lane(scenario=route.name, variant="app", path=route.path) for route in found.routes]
    tried: list[Route] = []
    try:
        with served(Experiment(name="init", server=server, lanes=tuple(lanes), root=str(folder))) as running:
            for route, lane in zip(found.routes, lanes, strict=True):
                tried.append(route if route.note else _answered(route, running.url, lane))
    except ServeError as error:
        raise ExperimentError(f"{found.app} cannot be served as {found.interface}: {error}") from None
    return tried


def _absolute(found: Found, folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(folder / "src")} if found.env else {}


def _answered(route: Route, url: str, lane: Lane) -> Route:
    try:
        status, _ = request(url, lane, _ANSWER_TIMEOUT_S)
    except VerifyError as error:
        return msgspec.structs.replace(route, note=str(error))
    if status >= 300:
        return msgspec.structs.replace(route, note=f"it answers {status}: give it a path that is there")
    return msgspec.structs.replace(route, status=status)


def write(found: Found, folder: Path) -> tuple[Path, str]:
    """Write the experiment into ``pyproject.toml`` where there is one, else into ``hotlap.toml``.

    Returns:
        The file, and the table as it was written.

    Raises:
        ExperimentError: there is an experiment already.
    """
    pyproject = folder / "pyproject.toml"
    own = folder / "hotlap.toml"
    if own.exists():
        raise ExperimentError(f"{own} is there already: edit it, or remove it first")
    if not pyproject.exists():
        text = table(found, folder.name, ())
        own.write_text(text)
        return own, text
    before = pyproject.read_text()
    if re.search(r"^\s*\[+\s*tool\s*\.\s*hotlap\b", before, re.MULTILINE):
        raise ExperimentError(f"{pyproject} has a [tool.hotlap] table already: edit it, or remove it first")
    text = table(found, folder.name, ("tool", "hotlap"))
    pyproject.write_text(before.rstrip("\n") + ("\n\n" if before.strip() else "") + text)
    return pyproject, text


def table(found: Found, name: str, keys: tuple[str, ...]) -> str:
    """The experiment in TOML, with comments."""
    prefix = "".join(f"{key}." for key in keys)
    modes = ["on-cpu", "await"] if found.interface != "wsgi" else ["on-cpu"]
    lines = [f"[{'.'.join(keys)}]"] if keys else []
    lines += [
        "# What hotlap measures: see `hotlap list`, then `hotlap run`.",
        f"name = {_text(name)}",
        f"app = {_text(found.app)}",
        f"interface = {_text(found.interface)}",
    ]
    lines += ["factory = true"] if found.factory else []
    lines += [
        f"env = {{ {', '.join(f'{key} = {_text(value)}' for key, value in found.env.items())} }}"
    ] * bool(found.env)
    first = next((route for route in found.routes if route.note is None), None)
    if first is not None:
        lines.append(f"ready_path = {_text(first.path)}")
    lines += [
        '# Or another server: command = "uvicorn shop.main:app --port {port}"',
        '# Or one that runs already: url = "http://127.0.0.1:8000", and its pid to profile it.',
        "# A run fails if one of these holds; a ratio is held against the run that it is compared with:",
        '# fail_if = ["* failures > 0.1%", "* p99 > 1.10x"]',
        "",
        "# A variant changes what it names, for every scenario: a feature flag, a module, another checkout.",
        f"# [{prefix}variants.before]",
        f"# [{prefix}variants.after]",
        '# env = { FAST_PATH = "1" }',
    ]
    for route in found.routes:
        off = "# " if route.note else ""
        lines.append("")
        lines += [f"# Left out: {' '.join(route.note.split())}"] if route.note else []
        lines.append(f"{off}[{prefix}scenarios.{route.name}]")
        lines += [f"{off}method = {_text(route.method)}"] if route.method != "GET" else []
        lines.append(f"{off}path = {_text(route.path)}")
        lines += [f'{off}body = ""'] if route.method != "GET" else []
        lines.append(f"{off}load = {{ users = 16 }}")
        lines.append(f"{off}profiles = {json.dumps(modes)}")
        lines += [f"{off}expect = {{ status = {route.status} }}"] if route.status != 200 else []
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
