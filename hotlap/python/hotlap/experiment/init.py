"""An experiment for an app, written down: what was found out is filled in, what was not is a comment."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from itertools import chain, count
from pathlib import Path

import msgspec

from hotlap.experiment import init_flow, openapi
from hotlap.experiment.init_flow import SeenFlow
from hotlap.experiment.logins import EXAMPLE, Login, is_basic
from hotlap.experiment.model import ExperimentError, Server
from hotlap.experiment.openapi import Request
from hotlap.experiment.placeholders import constant, literal
from hotlap.files import write_whole
from hotlap.formatting import plural


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """How a route was asked for in recorded traffic."""

    count: int
    path: str
    """As an experiment has it: with ``{name}`` where values stand, and ``${NAME}`` for credentials; likewise the others."""
    headers: dict[str, str] = {}
    body: str | None = None
    columns: list[str] = []
    rows: list[tuple[str, ...]] = []
    """The values of each request that was answered well."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A request that an experiment may make. ``note`` says why it is left out, if it is; ``refused`` is its status."""

    name: str
    request: Request
    note: str | None = None
    refused: int | None = None
    challenge: str | None = None
    """How it wants to be told who asks, where it was refused for that: its ``WWW-Authenticate``."""
    remark: str | None = None
    """What is to be said of one that is not left out."""
    seen: Seen | None = None
    """How it was asked for in recorded traffic."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about an app: how it is served (``env`` as the table has it) and its routes."""

    server: Server
    framework: str
    routes: list[Route]
    flows: list[SeenFlow] = []
    """What users did one after the other, in recorded traffic."""
    served: str = ""
    """By which server, on which interpreter, in words."""
    login: Login = EXAMPLE
    """How one logs in, for the routes that ask for it."""
    websockets: list[str] = []
    """Paths of WebSocket routes, which are left out."""
    said: list[str] = []
    """What is said of how its routes were found."""
    variables: dict[str, str] = {}
    """Credentials in recorded requests, by the variables of the environment that stand for them."""
    traffic: str | None = None
    """What is said of the traffic that its routes were found in."""
    rate: float | None = None
    """Of that: requests a second."""


PARAMETER = re.compile(r"\{[^{}]*\}|<[^<>]*>")


def fill(path: str) -> str:
    """A path with 1 in the place of each parameter, or an identifier where one is asked for."""
    return PARAMETER.sub(lambda one: openapi.UUID if "uuid" in one[0] else "1", path)


def named(request: Request, names: Collection[str]) -> str:
    """What a request's scenario is called: after its path, unlike all others."""
    # A parameter by its name alone: frameworks write its type before or after a colon.
    path = re.sub(r"<(?:[^<>:]*:)?([^<>:]+)>|\{([^{}:]+)(?::[^{}]*)?\}", r"\1\2", request.template)
    name = re.sub(r"[^A-Za-z0-9_]+", "-", path).strip("-_") or "root"
    if request.method != "GET":
        name = f"{name}-{request.method.lower()}"
    tried = chain([name], (f"{name}-{again}" for again in count(2)))
    return next(one for one in tried if one not in names)


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
        write_whole(folder / "hotlap.toml", text)
        return folder / "hotlap.toml", text
    before = pyproject.read_text()
    text = table(found, folder.name, ("tool", "hotlap"))
    # Where it is a link, the file that it leads to is the project's.
    write_whole(pyproject.resolve(), before.rstrip("\n") + ("\n\n" if before.strip() else "") + text)
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
    if server.python is not None:
        lines.append(
            f"python = {_text(server.python)}  # the app runs in this interpreter, hotlap in its own"
        )
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
        lines += ["", *_scenario(route, prefix, modes, found.login)]
    for flow in found.flows:
        file = data_file(flow.name)
        written = init_flow.lines(
            flow, prefix, json.dumps(modes), file, text=_text, literal=_literal, table=_inline
        )
        lines += ["", *written]
    if found.websockets:
        lines += ["", f"# Left out: {left_out(found.websockets)}; requests over HTTP alone are measured."]
    lines += _mix(found, prefix)
    return "\n".join(lines) + "\n"


def _scenario(route: Route, prefix: str, modes: list[str], login: Login) -> list[str]:
    seen = route.seen
    headers = seen.headers if seen else {name: _plain(value) for name, value in route.request.headers.items()}
    asks_who = route.refused == 401 and not any(name.lower() == "authorization" for name in headers)
    alone = _request_alone(route, headers, prefix, modes)
    if asks_who and is_basic(route.challenge):
        way = _request_alone(route, headers | _BASIC_HEADER, prefix, modes, status=200)
    elif asks_who:
        way = _logging_in(route, headers, prefix, modes, login)
    else:
        way = alone
    if route.note is not None:
        return [f"# Left out: {' '.join(route.note.split())}", *_commented(way)]
    return [*alone, "", "# The same with a login, instead:", *_commented(way)] if asks_who else alone


def _commented(lines: list[str]) -> list[str]:
    # Empty lines are comments, too.
    return [f"# {line}".rstrip() for line in lines]


def _request_alone(
    route: Route, headers: dict[str, str], prefix: str, modes: list[str], status: int | None = None
) -> list[str]:
    asked, seen = route.request, route.seen
    lines = [f"[{prefix}scenarios.{route.name}]"]
    lines += [f"# {_sentence(route.remark)}"] if route.remark is not None else []
    lines += [f"method = {_text(asked.method)}"] if asked.method != "GET" else []
    lines += _guessed(asked)
    lines.append(f"path = {_text(seen.path if seen else literal(asked.path))}")
    lines += [f"data = {_text(data_file(route.name))}"] if seen and seen.columns else []
    lines += _BASIC if headers.get("Authorization") == _BASIC_HEADER["Authorization"] else []
    lines += [f"headers = {_inline(headers)}"] if headers else []
    body = seen.body if seen else _plain(asked.body) if asked.body is not None else None
    lines += [f"body = {_literal(body)}"] if body is not None else []
    lines += ["load = { users = 16 }", f"profiles = {json.dumps(modes)}"]
    status = status or asked.status
    lines += [f"expect = {{ status = {status} }}"] if status != 200 else []
    return lines


def _logging_in(
    route: Route, headers: dict[str, str], prefix: str, modes: list[str], login: Login
) -> list[str]:
    """A flow: each user logs in once, and sends its token along."""
    name, asked, seen = route.name, route.request, route.seen
    body = seen.body if seen else _plain(asked.body) if asked.body is not None else None
    variables = " ".join(f"{name}=..." for name in dict.fromkeys(_VARIABLE.findall(login.body)))
    return [
        f"[{prefix}scenarios.{name}]",
        "# A flow: each user logs in once, sends its token along, and logs in anew when that is refused.",
        f"# {variables} hotlap run: variables of the environment, so that no password is in this file.",
        '# For many users, data = "users.csv" and {username}, {password} instead. docs/own-app.md has a whole example.',
        '# With a token at hand: path and headers = { Authorization = "Bearer ${TOKEN}" } instead of the steps.',
        *([f"data = {_text(data_file(name))}"] if seen and seen.columns else []),
        "again_on = [401]",
        "load = { users = 16 }",
        f"profiles = {json.dumps(modes)}",
        "",
        f"[[{prefix}scenarios.{name}.steps]]",
        'name = "log in"',
        "once = true",
        *([] if login.known else ["# An example: put in what the app's own login takes."]),
        'method = "POST"',
        f"path = {_text(literal(login.path))}",
        f"headers = {_inline(login.headers)}",
        f"body = {_literal(login.body)}",
        f'capture = {{ token = "json:{login.token}" }}  # where its answer has the token',
        "",
        f"[[{prefix}scenarios.{name}.steps]]",
        *([f"method = {_text(asked.method)}"] if asked.method != "GET" else []),
        *_guessed(asked),
        f"path = {_text(seen.path if seen else literal(asked.path))}",
        f"headers = {_inline(headers | {'Authorization': 'Bearer {token}'})}",
        *([f"body = {_literal(body)}"] if body is not None else []),
    ]


_VARIABLE = re.compile(r"\$\{(\w+)\}")


def _guessed(asked: Request) -> list[str]:
    if not asked.guessed:
        return []
    them = "it" if len(asked.guessed) == 1 else "them"
    return [f"# {', '.join(asked.guessed)}: made up, give {them} a value that is there"]


def left_out(websockets: Sequence[str]) -> str:
    """The WebSocket routes that are left out, in words."""
    return f"{plural(len(websockets), 'WebSocket route')}: {', '.join(websockets)}"


def _sentence(text: str) -> str:
    """Text from outside in one line."""
    line = " ".join(text.split())
    return line[:1].upper() + line[1:]


def _mix(found: Found, prefix: str) -> list[str]:
    """All scenarios at once, as often as they were recorded."""
    used = [
        (route.name, route.seen.count)
        for route in found.routes
        if route.note is None and route.seen is not None
    ]
    used += [(flow.name, flow.count) for flow in found.flows]
    if len(used) < 2:
        return []
    counts = [count for _, count in used]
    # Of rare ones at least one: a weight is a whole number.
    weights = [max(1, round(100 * count / sum(counts))) for count in counts]
    # Who arrives is another user each time, and would log in each time.
    is_open = found.rate is not None and not found.flows
    load = f'{{ model = "open", rate = {found.rate:.4g} }}' if is_open else "{ users = 16 }"
    return [
        "",
        "# All of them at once, as often as they were recorded.",
        *([f"# {found.traffic}"] if found.traffic else []),
        f"[{prefix}mixes.recorded]",
        *(f"{name} = {weight}" for (name, _), weight in zip(used, weights, strict=True)),
        f"load = {load}",
        'profiles = ["on-cpu"]',
    ]


def data_file(name: str) -> str:
    """Where the values of a scenario are, beside the experiment."""
    return f"traffic/{name}.csv"


def write_data(found: Found, folder: Path) -> list[Path]:
    """Write the values that were recorded; the files.

    Raises:
        ExperimentError: one is there already.
    """
    files = []
    tables = [
        (route.name, route.seen.columns, route.seen.rows) for route in found.routes if route.seen is not None
    ]
    for name, columns, values in [*tables, *((flow.name, flow.columns, flow.rows) for flow in found.flows)]:
        if not columns:
            continue
        file = folder / data_file(name)
        if file.exists():
            raise ExperimentError(f"{file} is there already: remove it first")
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(columns)
        rows.writerows(values)
        file.parent.mkdir(exist_ok=True)
        write_whole(file, text.getvalue())
        files.append(file)
    return files


_BASIC_HEADER = {"Authorization": "Basic ${BASIC}"}
_BASIC = [
    "# BASIC is a variable of the environment, so that no password is in this file:",
    "# BASIC=$(printf NAME:PASSWORD | base64) hotlap run",
]


def _plain(text: str) -> str:
    """A text that stands for itself where a variable of the environment or a value could."""
    return constant(text)


def _inline(values: Mapping[str, str]) -> str:
    return f"{{ {', '.join(f'{_text(key)} = {_text(value)}' for key, value in values.items())} }}"


def _text(value: str) -> str:
    """A TOML string: JSON's escapes are TOML's too, but for DEL, which it leaves as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _literal(value: str) -> str:
    """A TOML string without escapes where it needs none: JSON stays readable."""
    return f"'{value}'" if value.isprintable() and "'" not in value else _text(value)
