"""Find out about an app: serve it once, and try what it answers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from hotlap.experiment import Experiment, ExperimentError, Interface, Lane, Load, Server, discover, openapi
from hotlap.experiment.init import PARAMETER, Found, Route, fill, named
from hotlap.experiment.interpreter import beside
from hotlap.experiment.openapi import Request
from hotlap.experiment.placeholders import literal
from hotlap.recorded import flows as recorded_flows
from hotlap.recorded import routes as recorded_routes
from hotlap.recorded.secrets import Secrets
from hotlap.recorded.traffic import Traffic, seen
from hotlap.serving.server import Served, served
from hotlap.serving.verify import VerifyError, ask
from hotlap.serving.ways import ServeError, way_of

_UNINTERESTING = re.compile(r"^/(docs|redoc|openapi\.json|schema|static|favicon\.ico)(/|$)")
_DOCUMENTS = ("/openapi.json", "/schema/openapi.json", "/swagger.json")
_READY_PATH = "/.well-known/hotlap"
"""No app has it, so none fails on it: that it answers, and be it 404, is what is asked."""
_ANSWER_TIMEOUT_S = 10.0
_CHANGES = "it may change what is stored, so it was not sent: look at it, then take the # away"


def find(
    folder: Path,
    app: str | None,
    paths: Sequence[str],
    interface: Interface | None,
    command: Sequence[str] | None = None,
    python: str | None = None,
    traffic: Traffic | None = None,
) -> Found:
    """Find out about the app in a folder, and try what it answers.

    Args:
        folder: Where the app is.
        app: Its object, ``module:object``; searched for if not given.
        paths: What to ask for instead of the app's own routes.
        interface: How it is spoken to, if it cannot be told.
        command: What serves it instead of a server that is found, with ``{port}``; nothing is imported then.
        python: The interpreter that it runs in; if not given, that of the virtual environment beside it.
        traffic: What was recorded of it: its routes are those in there.

    Raises:
        ExperimentError: no app, or it cannot be imported or served, or it has no route; the message says
            what to give.
    """
    if command is not None:
        python = python or beside(folder, None)
        server = Server(command=tuple(command), python=python, ready_path=_READY_PATH)
        framework = "its own command"
        told_paths: list[str] = []
        asked = [_get(path) for path in paths] or None
    else:
        app, python, told = _told(folder, app, python)
        module = app.partition(":")[0].replace(".", "/")
        in_src = any((folder / "src" / name).exists() for name in (f"{module}.py", module))
        server = Server(
            app=app,
            python=python,
            factory=told.factory,
            interface=interface or told.interface,
            env={"PYTHONPATH": "src"} if in_src and not (folder / f"{module}.py").exists() else {},
            ready_path=_READY_PATH,
        )
        framework = told.framework
        own = _of(told)
        told_paths = [one.template for one in own]
        asked = [_get(path) for path in paths] or own
        if not asked:
            raise ExperimentError(f"{app} does not tell its routes: name some with --path /PATH")
    secrets = Secrets()
    flows = []
    if traffic is not None:
        found = recorded_flows.flows(traffic.requests, told_paths, secrets)
        flows = found.flows
        traffic.said += found.said
    recorded = traffic.routes(told_paths) if traffic is not None and not flows else []
    if traffic is not None:
        asked = [_recorded(one) for one in recorded]
    try:
        by = way_of(_from(server, folder), folder).evidence
    except ServeError as error:
        raise ExperimentError(str(error)) from None
    tried = _tried(server, asked, folder)
    if traffic is not None:
        tried = [
            msgspec.structs.replace(route, seen=seen(one, secrets))
            for route, one in zip(tried, recorded, strict=True)
        ]
        # What a server says of a request that it refuses may show what was in it.
        tried = [
            msgspec.structs.replace(route, note=route.note and secrets.hide(route.note)) for route in tried
        ]
    gets = (
        step.path for flow in flows for step in flow.steps if step.method == "GET" and "{" not in step.path
    )
    first = next((route.request.path for route in tried if route.note is None), next(gets, "/"))
    return Found(
        server=msgspec.structs.replace(server, ready_path=first),
        framework=framework,
        routes=tried,
        flows=flows,
        served=by.title(),
        variables={name: value for value, name in secrets.names.items()},
        **_rate(traffic),
    )


def _recorded(route: recorded_routes.Route) -> Request:
    example = route.example
    return Request(
        method=example.method,
        path=example.path,
        template=route.plain,
        headers=example.headers,
        body=example.body,
        status=route.status or 200,
    )


def _rate(traffic: Traffic | None) -> dict[str, Any]:
    rates = traffic.rates if traffic is not None else None
    if rates is None:
        return {}
    mean, busiest = rates
    said = f"They came at {mean:.4g} a second on average, and {busiest:.0f} in the busiest second."
    return {"rate": mean, "traffic": said}


def _told(folder: Path, app: str | None, python: str | None) -> tuple[str, str | None, discover.Told]:
    """The app, its interpreter, and what it tells of itself: of those that were found, the first to be imported."""
    candidates = [app] if app is not None else discover.objects(folder)
    if not candidates:
        raise ExperimentError(
            f"no app was found below {folder}: name it with --app MODULE:OBJECT, as in --app shop.main:app, "
            'or its server with --command "... {port}"'
        )
    errors = []
    for candidate in candidates[:_MOST_TRIED]:
        try:
            own = python or beside(folder, candidate)
            return candidate, own, discover.ask(candidate, folder, own)
        except discover.DiscoverError as error:
            errors.append(error)
    raise ExperimentError(f"{errors[0]}; or name another app with --app MODULE:OBJECT")


_MOST_TRIED = 3


def _get(path: str) -> Request:
    return Request(method="GET", path=path, template=path.partition("?")[0])


def _of(told: discover.Told) -> list[Request]:
    if told.openapi is not None:
        return openapi.requests(told.openapi)
    return [
        Request(
            method=method,
            path=fill(path),
            template=path,
            body="" if method != "GET" else None,
            guessed=tuple(match[0] for match in PARAMETER.finditer(path)),
        )
        for method, path in told.routes
        if method not in ("HEAD", "OPTIONS")
    ]


def _from(server: Server, folder: Path) -> Server:
    """The server with whole paths, as an experiment in the folder has it."""
    return msgspec.structs.replace(server, env={"PYTHONPATH": str(folder / "src")}) if server.env else server


def _tried(server: Server, asked: Sequence[Request] | None, folder: Path) -> list[Route]:
    """Serve the app once and ask for each request: what fails is left out, with the reason."""
    server = _from(server, folder)
    tried: list[Route] = []
    names: set[str] = set()
    try:
        with served(Experiment(name="init", server=server, lanes=(), root=str(folder))) as running:
            given = _published(running) if asked is None else asked
            if not given and asked is None:
                raise ExperimentError(
                    f"the server publishes no OpenAPI document at {' or '.join(_DOCUMENTS)}: name some routes "
                    "with --path /PATH"
                )
            for one in given:
                if asked is None and _UNINTERESTING.match(one.path):
                    continue
                names.add(name := named(one, names))
                tried.append(_answered(Route(name=name, request=one), running))
    except ServeError as error:
        how = f"as {server.interface}: {error}" if server.command is None else f"by its command: {error}"
        raise ExperimentError(f"the app cannot be served {how}") from None
    return tried


def _published(running: Served) -> list[Request]:
    """What a running server's OpenAPI document lists."""
    for path in _DOCUMENTS:
        try:
            answer = ask(running, _lane(_get(path)))
            if answer.status == 200:
                return openapi.requests(json.loads(answer.body))
        except (VerifyError, ValueError):
            continue
    return []


def _lane(one: Request) -> Lane:
    return Lane(
        scenario="init",
        variant="app",
        method=one.method,
        path=literal(one.path),
        headers={name: literal(value) for name, value in one.headers.items()},
        body=literal(one.body) if one.body is not None else None,
        load=Load(timeout_s=_ANSWER_TIMEOUT_S),
    )


_REMEDIES = {
    401: "log in, and give it the headers that say so",
    403: "give it the headers of a login",
    404: "give it a path that is there",
    405: "give it the method that it takes",
    422: "give it the parameters that it wants",
}


def _answered(route: Route, running: Served) -> Route:
    asked = route.request
    if asked.method != "GET":
        return msgspec.structs.replace(route, note=_CHANGES)
    try:
        answer = ask(running, _lane(asked))
    except VerifyError as error:
        return msgspec.structs.replace(route, note=str(error))
    status, body = answer.status, answer.body
    if status >= 300:
        remedy = "give it a path that answers" if status < 500 else "`hotlap serve` shows what it prints"
        shown = body.decode(errors="replace").strip() if status == 400 or status == 422 else ""
        said = f" ({shown[:_SHOWN_CHARS]})" if shown else ""
        note = f"it answers {status}{said}: {_REMEDIES.get(status, remedy)}"
        return msgspec.structs.replace(route, note=note, refused=status)
    return msgspec.structs.replace(route, request=msgspec.structs.replace(asked, status=status))


_SHOWN_CHARS = 160
