"""Find out about an app: serve it, and try what it answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from hotlap.experiment import Experiment, ExperimentError, Interface, Server, discover, openapi
from hotlap.experiment.init import PARAMETER, Found, Route, fill, named
from hotlap.experiment.init_flow import SeenFlow
from hotlap.experiment.interpreter import beside
from hotlap.experiment.logins import login_of
from hotlap.experiment.openapi import Request
from hotlap.recorded import flows as recorded_flows
from hotlap.recorded import routes as recorded_routes
from hotlap.recorded.secrets import Secrets
from hotlap.recorded.traffic import Traffic, seen
from hotlap.serving.crawl import FIRST_PAGE, crawl
from hotlap.serving.restarting import Restarting
from hotlap.serving.verify import NoAnswerError, VerifyError
from hotlap.serving.ways import ServeError, way_of

_UNINTERESTING = re.compile(r"^/(docs|redoc|openapi\.json|schema|static|favicon\.ico)(/|$)")
_DOCUMENTS = ("/openapi.json", "/schema/openapi.json", "/swagger.json")
_READY_PATH = "/.well-known/hotlap"
"""No app has it, so none fails on it: that it answers, and be it 404, is what is asked."""
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
        websockets: list[str] = []
        document = None
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
        document = told.openapi
        told_paths, websockets = [one.template for one in own], told.websockets
        asked = [_get(path) for path in paths] or own
        # One that tells no routes may have pages that lead to them.
        asked = asked or None
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
    tried, said = _tried(server, asked, folder, named_by_hand=bool(paths))
    if traffic is not None:
        tried = [
            msgspec.structs.replace(route, seen=seen(one, secrets))
            for route, one in zip(tried, recorded, strict=True)
        ]
        # What a server says of a request that it refuses may show what was in it.
        tried = [
            msgspec.structs.replace(route, note=route.note and secrets.hide(route.note)) for route in tried
        ]
    return Found(
        server=msgspec.structs.replace(server, ready_path=_ready_path(tried, flows)),
        framework=framework,
        routes=tried,
        flows=flows,
        served=by.title(),
        variables={name: value for value, name in secrets.names.items()},
        login=login_of([route.request for route in tried], document),
        websockets=websockets,
        said=said,
        **_rate(traffic),
    )


def _ready_path(tried: Sequence[Route], flows: Sequence[SeenFlow]) -> str:
    """The path that says that a server is up: it must answer below 500."""
    used = [route.request for route in tried if route.note is None]
    steps = [
        step.path for flow in flows for step in flow.steps if step.method == "GET" and "{" not in step.path
    ]
    return next((path for path in [*(one.path for one in used if one.status < 500), *steps]), "/")


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


def _tried(
    server: Server, asked: Sequence[Request] | None, folder: Path, *, named_by_hand: bool
) -> tuple[list[Route], list[str]]:
    """Serve the app and ask for each request: what fails is left out, with the reason. Also what is said of its pages."""
    server = _from(server, folder)
    try:
        with Restarting(Experiment(name="init", server=server, lanes=(), root=str(folder))) as running:
            routes, said = (_named(asked), list[str]()) if asked is not None else _told_by(running)
            tried = [
                route if route.note is not None else _answered(route, running, believed=named_by_hand)
                for route in routes
            ]
            running.settle()
            return _renamed([_ended(route, running) for route in tried]), said
    except ServeError as error:
        how = f"as {server.interface}: {error}" if server.command is None else f"by its command: {error}"
        raise ExperimentError(f"the app cannot be served {how}") from None


def _named(asked: Iterable[Request]) -> list[Route]:
    names: list[str] = []
    for one in asked:
        names.append(named(one, names))
    return [Route(name=name, request=one) for name, one in zip(names, asked, strict=True)]


def _renamed(routes: Sequence[Route]) -> list[Route]:
    """Those that are measured get their names first: what is left out takes none from them."""
    used = sorted(range(len(routes)), key=lambda place: routes[place].note is not None)
    names = dict(zip(used, _named([routes[place].request for place in used]), strict=True))
    return [msgspec.structs.replace(route, name=names[place].name) for place, route in enumerate(routes)]


def _told_by(running: Restarting) -> tuple[list[Route], list[str]]:
    """The routes of a server, by its OpenAPI document, or else by its pages."""
    published = [one for one in _published(running) if not _UNINTERESTING.match(one.path)]
    if published:
        return _named(published), []
    seen = crawl(running)
    if not seen.found:
        raise ExperimentError(
            f"nothing tells the routes: there is no OpenAPI document at {' or '.join(_DOCUMENTS)}, and the page "
            f"{FIRST_PAGE} {seen.first}, without a link that may be followed; name some with --path /PATH"
        )
    routes = _named([*(one for one, _ in seen.found), *(one for one, _ in seen.changing)])
    alike = [f"one of {count} links of its kind" if count > 1 else None for _, count in seen.found]
    notes = [_CHANGES if why == "form" else _SAYS_SO.format(why) for _, why in seen.changing]
    return [
        *(
            msgspec.structs.replace(route, remark=remark)
            for route, remark in zip(routes[: len(alike)], alike, strict=True)
        ),
        *(
            msgspec.structs.replace(route, note=note)
            for route, note in zip(routes[len(alike) :], notes, strict=True)
        ),
    ], [seen.said]


_SAYS_SO = "its link says {!r}, so it was not followed: it may change what is stored"


def _published(running: Restarting) -> list[Request]:
    """What a running server's OpenAPI document lists."""
    for path in _DOCUMENTS:
        try:
            answer = running.answer(_get(path))
            if answer.status == 200:
                return openapi.requests(json.loads(answer.body))
        except (VerifyError, ValueError, KeyError, TypeError, AttributeError):
            # Whatever is there, it is no document that can be read.
            continue
    return []


_REMEDIES = {
    401: "log in, and give it the headers that say so",
    403: "give it the headers of a login",
    404: "give it a path that is there",
    405: "give it the method that it takes",
    422: "give it the parameters that it wants",
}


def _answered(route: Route, running: Restarting, *, believed: bool) -> Route:
    asked = route.request
    if asked.method != "GET":
        return msgspec.structs.replace(route, note=_CHANGES)
    try:
        answer = running.answer(asked)
    except NoAnswerError as error:
        return msgspec.structs.replace(route, note=f"no answer ({error.why})")
    except VerifyError as error:
        return msgspec.structs.replace(route, note=str(error))
    status, body = answer.status, answer.body
    done = msgspec.structs.replace(asked, status=status)
    if status < 300:
        return msgspec.structs.replace(route, request=done)
    told = {name.lower(): value for name, value in answer.headers}
    remedy = "give it a path that answers" if status < 500 else "`hotlap serve` shows what it prints"
    leads = told.get("location") if status < 400 else None
    shown = body.decode(errors="replace").strip() if status == 400 or status == 422 else ""
    said = f" ({shown[:_SHOWN_CHARS]})" if shown else f" and leads to {leads[:_SHOWN_CHARS]}" if leads else ""
    note = f"it answers {status}{said}: {_REMEDIES.get(status, remedy)}"
    route = msgspec.structs.replace(route, refused=status, challenge=told.get("www-authenticate"))
    if believed:
        # It is what was asked for: whether such an answer is meant, nobody else knows.
        return msgspec.structs.replace(route, request=done, remark=f"{note}, if another answer is meant")
    return msgspec.structs.replace(route, note=note)


def _ended(route: Route, running: Restarting) -> Route:
    how = running.ended.get((route.request.method, route.request.path))
    return msgspec.structs.replace(route, note=how) if how is not None else route


_SHOWN_CHARS = 160
