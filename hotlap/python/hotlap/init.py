"""Write an experiment for an app: what can be found out is filled in, what cannot is a comment."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import msgspec

from hotlap import discover, openapi
from hotlap.experiment import Experiment, ExperimentError, Interface, Lane, Server
from hotlap.openapi import Request
from hotlap.serve import ServeError, served
from hotlap.verify import VerifyError, request

_UNINTERESTING = re.compile(r"^/(docs|redoc|openapi\.json|schema|static|favicon\.ico)(/|$)")
_DOCUMENTS = ("/openapi.json", "/schema/openapi.json", "/swagger.json")
_READY_PATH = "/.well-known/hotlap"
"""No app has it, so none fails on it: that it answers, and be it 404, is what is asked."""
_ANSWER_TIMEOUT_S = 10.0
_CHANGES = "it may change what is stored, so it was not sent: look at it, then take the # away"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A request that an experiment may make. ``note`` says why it is left out, if it is."""

    name: str
    request: Request
    note: str | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about an app: how it is served (``env`` as the table has it) and its routes."""

    server: Server
    framework: str
    routes: list[Route]


def find(
    folder: Path,
    app: str | None,
    paths: Sequence[str],
    interface: Interface | None,
    command: Sequence[str] | None = None,
) -> Found:
    """Find out about the app in a folder, and try what it answers.

    Args:
        folder: Where the app is.
        app: Its object, ``module:object``; searched for if not given.
        paths: What to ask for instead of the app's own routes.
        interface: How it is spoken to, if it cannot be told.
        command: What serves it instead of Granian, with ``{port}``; nothing is imported then.

    Raises:
        ExperimentError: no app, or it cannot be imported or served, or it has no route; the message says
            what to give.
    """
    if command is not None:
        server, framework = Server(command=tuple(command), ready_path=_READY_PATH), "its own command"
        asked = [_get(path) for path in paths] or None
    else:
        app, told = _told(folder, app)
        module = app.partition(":")[0].replace(".", "/")
        in_src = any((folder / "src" / name).exists() for name in (f"{module}.py", module))
        server = Server(
            app=app,
            factory=told["factory"],
            interface=interface or told["interface"],
            env={"PYTHONPATH": "src"} if in_src and not (folder / f"{module}.py").exists() else {},
            ready_path=_READY_PATH,
        )
        framework = told["framework"]
        asked = [_get(path) for path in paths] or _of(told)
        if not asked:
            raise ExperimentError(f"{app} does not tell its routes: name some with --path /PATH")
    tried = _tried(server, asked, folder)
    first = next((route.request.path for route in tried if route.note is None), "/")
    return Found(server=msgspec.structs.replace(server, ready_path=first), framework=framework, routes=tried)


def _told(folder: Path, app: str | None) -> tuple[str, dict[str, Any]]:
    """The app, and what it tells of itself: of those that were found, the first that can be imported."""
    candidates = [app] if app is not None else discover.objects(folder)
    if not candidates:
        raise ExperimentError(
            f"no app was found below {folder}: name it with --app MODULE:OBJECT, as in --app shop.main:app, "
            'or its server with --command "... {port}"'
        )
    errors = []
    for candidate in candidates[:_MOST_TRIED]:
        try:
            return candidate, discover.ask(candidate, folder)
        except discover.DiscoverError as error:
            errors.append(error)
    raise ExperimentError(f"{errors[0]}; or name another app with --app MODULE:OBJECT")


_MOST_TRIED = 3


def _get(path: str) -> Request:
    return Request(method="GET", path=path, template=path.partition("?")[0])


def _of(told: dict[str, Any]) -> list[Request]:
    if told["openapi"] is not None:
        return openapi.requests(told["openapi"])
    return [
        Request(
            method=method,
            path=fill(path),
            template=path,
            body="" if method != "GET" else None,
            guessed=tuple(match[0] for match in _PARAMETER.finditer(path)),
        )
        for method, path in told["routes"]
        if method not in ("HEAD", "OPTIONS")
    ]


_PARAMETER = re.compile(r"\{[^{}]*\}|<[^<>]*>")


def fill(path: str) -> str:
    """A path with 1 in the place of each parameter, or an identifier where one is asked for."""
    return _PARAMETER.sub(lambda one: openapi.UUID if "uuid" in one[0] else "1", path)


def named(request: Request, names: Collection[str]) -> str:
    """What a request's scenario is called: after its path, unlike all others."""
    # A parameter by its name alone: frameworks write its type before or after a colon.
    path = re.sub(r"<(?:[^<>:]*:)?([^<>:]+)>|\{([^{}:]+)(?::[^{}]*)?\}", r"\1\2", request.template)
    name = re.sub(r"[^A-Za-z0-9_]+", "-", path).strip("-_") or "root"
    if request.method != "GET":
        name = f"{name}-{request.method.lower()}"
    tried = chain([name], (f"{name}-{again}" for again in count(2)))
    return next(one for one in tried if one not in names)


def _tried(server: Server, asked: Sequence[Request] | None, folder: Path) -> list[Route]:
    """Serve the app once and ask for each request: what fails is left out, with the reason."""
    if server.env:
        server = msgspec.structs.replace(server, env={"PYTHONPATH": str(folder / "src")})
    tried: list[Route] = []
    names: set[str] = set()
    try:
        with served(Experiment(name="init", server=server, lanes=(), root=str(folder))) as running:
            given = _published(running.url) if asked is None else asked
            if not given:
                raise ExperimentError(
                    f"the server publishes no OpenAPI document at {' or '.join(_DOCUMENTS)}: name some routes "
                    "with --path /PATH"
                )
            for one in given:
                if asked is None and _UNINTERESTING.match(one.path):
                    continue
                names.add(name := named(one, names))
                tried.append(_answered(Route(name=name, request=one), running.url))
    except ServeError as error:
        how = f"as {server.interface}: {error}" if server.command is None else f"by its command: {error}"
        raise ExperimentError(f"the app cannot be served {how}") from None
    return tried


def _published(url: str) -> list[Request]:
    """What a running server's OpenAPI document lists."""
    for path in _DOCUMENTS:
        try:
            status, body = request(url, _lane(_get(path)), _ANSWER_TIMEOUT_S)
            if status == 200:
                return openapi.requests(json.loads(body))
        except (VerifyError, ValueError):
            continue
    return []


def _lane(one: Request) -> Lane:
    return Lane(
        scenario="init", variant="app", method=one.method, path=one.path, headers=one.headers, body=one.body
    )


_REMEDIES = {
    401: "give it the headers of a login",
    403: "give it the headers of a login",
    404: "give it a path that is there",
    405: "give it the method that it takes",
    422: "give it the parameters that it wants",
}


def _answered(route: Route, url: str) -> Route:
    asked = route.request
    if asked.method != "GET":
        return msgspec.structs.replace(route, note=_CHANGES)
    try:
        status, body = request(url, _lane(asked), _ANSWER_TIMEOUT_S)
    except VerifyError as error:
        return msgspec.structs.replace(route, note=str(error))
    if status >= 300:
        remedy = "give it a path that answers" if status < 500 else "`hotlap serve` shows what it prints"
        shown = body.decode(errors="replace").strip() if status == 400 or status == 422 else ""
        said = f" ({shown[:_SHOWN_CHARS]})" if shown else ""
        note = f"it answers {status}{said}: {_REMEDIES.get(status, remedy)}"
        return msgspec.structs.replace(route, note=note)
    return msgspec.structs.replace(route, request=msgspec.structs.replace(asked, status=status))


_SHOWN_CHARS = 160


def refuse(folder: Path) -> None:
    """Refuse to write where there is an experiment already.

    Raises:
        ExperimentError: there is one.
    """
    own, pyproject = folder / "hotlap.toml", folder / "pyproject.toml"
    if own.exists():
        raise ExperimentError(f"{own} is there already: edit it, or remove it first")
    if pyproject.exists() and re.search(_TABLE, pyproject.read_text(), re.MULTILINE):
        raise ExperimentError(f"{pyproject} has a [tool.hotlap] table already: edit it, or remove it first")


_TABLE = r"^\s*\[+\s*tool\s*\.\s*hotlap\b"


def write(found: Found, folder: Path) -> tuple[Path, str]:
    """Write the experiment into ``pyproject.toml`` where there is one, else into ``hotlap.toml``.

    Returns:
        The file, and the table as it was written.

    Raises:
        ExperimentError: there is an experiment already.
    """
    refuse(folder)
    pyproject = folder / "pyproject.toml"
    if not pyproject.exists():
        text = table(found, folder.name, ())
        (folder / "hotlap.toml").write_text(text)
        return folder / "hotlap.toml", text
    before = pyproject.read_text()
    text = table(found, folder.name, ("tool", "hotlap"))
    pyproject.write_text(before.rstrip("\n") + ("\n\n" if before.strip() else "") + text)
    return pyproject, text


def table(found: Found, name: str, keys: tuple[str, ...]) -> str:
    """The experiment in TOML, with comments: what is measured first, then what was left out."""
    prefix = "".join(f"{key}." for key in keys)
    server = found.server
    modes = ["on-cpu", "await"] if server.command is None and server.interface != "wsgi" else ["on-cpu"]
    lines = [f"[{'.'.join(keys)}]"] if keys else []
    lines += ["# What hotlap measures: see `hotlap list`, then `hotlap run`.", f"name = {_text(name)}"]
    if server.command is not None:
        # What a shell would read as braces is ours: without quotes it is easier to read.
        words = re.sub(r"'(\{\w+\})'", r"\1", shlex.join(server.command))
        lines.append(f"command = {_text(words)}")
    else:
        lines += [f"app = {_text(str(server.app))}", f"interface = {_text(server.interface)}"]
        lines += ["factory = true"] * server.factory
    lines += [f"env = {_inline(server.env)}"] * bool(server.env)
    lines += [
        f"ready_path = {_text(server.ready_path)}  # asked until it answers, when a server starts",
    ]
    lines += ['# Or another server: command = "uvicorn shop.main:app --port {port}"'] * (
        server.command is None
    )
    lines += [
        '# Or one that runs already: url = "http://127.0.0.1:8000", and its pid to profile it.',
        "# A run fails if one of these holds; a ratio is held against the run that it is compared with:",
        '# fail_if = ["* failures > 0.1%", "* p99 > 1.10x"]',
        "",
        "# A variant changes what it names, for every scenario: a feature flag, a module, another checkout.",
        f"# [{prefix}variants.before]",
        f"# [{prefix}variants.after]",
        '# env = { FAST_PATH = "1" }',
        "",
        "# Each scenario below is a request, how hard it is made, and the profiles taken of it: on-cpu,",
        "# await (asyncio alone), gil, memory, off-cpu.",
    ]
    for route in sorted(found.routes, key=lambda route: route.note is not None):
        lines += ["", *_scenario(route, prefix, modes)]
    return "\n".join(lines) + "\n"


def _scenario(route: Route, prefix: str, modes: list[str]) -> list[str]:
    asked = route.request
    lines = [f"[{prefix}scenarios.{route.name}]"]
    lines += [f"method = {_text(asked.method)}"] if asked.method != "GET" else []
    if asked.guessed:
        lines.append(
            f"# {', '.join(asked.guessed)}: made up, give {'it' if len(asked.guessed) == 1 else 'them'} a value that is there"
        )
    lines.append(f"path = {_text(asked.path)}")
    lines += [f"headers = {_inline(asked.headers)}"] if asked.headers else []
    lines += [f"body = {_literal(asked.body)}"] if asked.body is not None else []
    lines += ["load = { users = 16 }", f"profiles = {json.dumps(modes)}"]
    lines += [f"expect = {{ status = {asked.status} }}"] if asked.status != 200 else []
    if route.note is None:
        return lines
    return [f"# Left out: {' '.join(route.note.split())}", *(f"# {line}" for line in lines)]


def _inline(values: Mapping[str, str]) -> str:
    return f"{{ {', '.join(f'{_text(key)} = {_text(value)}' for key, value in values.items())} }}"


def _text(value: str) -> str:
    """A TOML string: JSON's escapes are TOML's too, but for DEL, which it leaves as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _literal(value: str) -> str:
    """A TOML string without escapes where it needs none: JSON stays readable."""
    return f"'{value}'" if value.isprintable() and "'" not in value else _text(value)
