"""The table ``[tool.hotlap]``: an experiment as it is written in TOML, and what becomes of it.

The keys' types and docstrings here are the schema and the reference of the table.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints
from urllib.parse import quote

import msgspec
from msgspec import Meta

from hotlap._engine import Request
from hotlap.experiment.model import (
    LONGEST_S,
    MOST_A_SECOND,
    MOST_USERS,
    Arrivals,
    Expect,
    Experiment,
    ExperimentError,
    Interface,
    Json,
    Lane,
    Load,
    Mode,
    Model,
    Part,
    Profiler,
    Server,
    Step,
    Stream,
    StreamEach,
    Writes,
)
from hotlap.experiment.problems import KeyProblem
from hotlap.experiment.values import Given, check_values, columns_in, files_of
from hotlap.experiment.variables import VariableProblem, filled

Name = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="letters, digits, _ . -")]
Word = Annotated[str, Meta(pattern="^[A-Za-z_][A-Za-z0-9_]*$", description="letters, digits, _")]
Command = Annotated[str | list[str], Meta(description="one string as a shell splits it, or a list of words")]

_Table = TypeVar("_Table", bound=msgspec.Struct)
_LOAD, _EXPECT, _WRITES = Load(), Expect(), Writes(share=0.0)
"""Their defaults are the tables'."""

MOST_WEIGHT = 10_000
"""Of a scenario in a mix."""
ANY_BODY = "any"
"""The ``body`` of what is expected that stands for whatever is answered."""
ONLY_VARIANT = "app"
"""The variant of a scenario that names none."""


class LoadTable(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The load of a scenario: ``[tool.hotlap.scenarios.NAME.load]``."""

    model: Annotated[Model, Meta(description="closed: users wait; paced: on a period; open: at a rate")] = (
        _LOAD.model
    )
    users: Annotated[int, Meta(ge=1, le=MOST_USERS, description="how many users, closed or paced")] = (
        _LOAD.users
    )
    spawn_rate: (
        Annotated[
            float, Meta(gt=0, le=MOST_A_SECOND, description="users started a second; all at once if absent")
        ]
        | None
    ) = None
    wait_s: Annotated[
        # Not a tuple: a union of a constrained number and a tuple crashes msgspec 0.22.
        float | list[float],
        Meta(description="seconds between an answer and the next request, or [low, high]"),
    ] = _LOAD.wait_s[0]
    rate: Annotated[float, Meta(gt=0, le=MOST_A_SECOND, description="requests a second, open")] | None = None
    arrivals: Annotated[Arrivals, Meta(description="the gaps of open arrivals")] = _LOAD.arrivals
    max_in_flight: Annotated[
        int, Meta(ge=1, le=MOST_USERS, description="unanswered requests at most, open")
    ] = _LOAD.max_in_flight
    timeout_s: Annotated[float, Meta(gt=0, le=LONGEST_S, description="for an answer")] = _LOAD.timeout_s


Status = Annotated[int, Meta(ge=100, le=599)]
Size = Annotated[int, Meta(ge=0)]


class ExpectTable(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What must be answered: ``[tool.hotlap.scenarios.NAME.expect]``."""

    status: Annotated[Status | list[Status], Meta(description="one or several; any other is a failure")] = (
        _EXPECT.statuses[0]
    )
    body: Annotated[str, Meta(description='the exact text; "any": whatever it is')] | None = None
    body_file: Annotated[str, Meta(description="a file with the exact text")] | None = None
    varies: Annotated[bool, Meta(description='the same as body = "any"')] = False
    headers: Annotated[dict[str, str], Meta(description="headers with these values")] = {}
    json: Annotated[
        dict[str, Json], Meta(description="values by JSON pointer; a {name} stands for what was sent")
    ] = {}
    contains: Annotated[str | list[str], Meta(description="what the body must contain")] = []
    matches: Annotated[
        str | list[str], Meta(description="regular expressions that the body must match somewhere")
    ] = []
    size_bytes: Annotated[tuple[Size, Size], Meta(description="[least, most] of the body")] | None = None
    same_as: Annotated[str, Meta(description="the variant whose answer it must equal")] | None = None


class ServedTable(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How the app is served. Scenarios and variants name only what they change."""

    app: (
        Annotated[
            str,
            Meta(
                pattern="^[^:]+:[^:]+$",
                description='"module:object", by Granian or another server of its own',
            ),
        ]
        | None
    ) = None
    python: (
        Annotated[
            str,
            Meta(
                min_length=1,
                description="the interpreter that the app runs in, relative to this file; hotlap's own if absent",
            ),
        ]
        | None
    ) = None
    factory: (
        Annotated[bool, Meta(description="whether the object is a function that makes the app")] | None
    ) = None
    interface: Annotated[Interface, Meta(description="how its server speaks to it")] | None = None
    command: (
        Annotated[Command, Meta(description="another server, with {port} or {socket}; {python} is the app's")]
        | None
    ) = None
    url: (
        Annotated[
            str,
            Meta(pattern="^(https?://|unix:)", description="a server that runs already; or unix:/path.sock"),
        ]
        | None
    ) = None
    ca_file: Annotated[str, Meta(description="authorities (PEM) that a https url is trusted by")] | None = (
        None
    )
    pid: Annotated[int, Meta(ge=1, description="its process, if it shall be profiled")] | None = None
    env: Annotated[dict[str, str], Meta(description="variables, on top of the present ones")] = {}
    cwd: Annotated[str, Meta(description="the folder to serve from, relative to this file's")] | None = None
    ready_path: Annotated[str, Meta(pattern="^/", description="asked until it answers below 500")] | None = (
        None
    )
    ready_timeout_s: (
        Annotated[float, Meta(gt=0, le=LONGEST_S, description="how long it may take to start")] | None
    ) = None
    stop_timeout_s: (
        Annotated[float, Meta(gt=0, le=LONGEST_S, description="how long it may take to end")] | None
    ) = None
    granian_args: Annotated[list[str], Meta(description="further arguments for Granian")] | None = None


class RequestTable(ServedTable, kw_only=True, forbid_unknown_fields=True):
    """A request and how the app is served for it; each names only what it changes."""

    method: Annotated[str, Meta(pattern="^[A-Z]+$", description="GET if absent")] | None = None
    path: (
        Annotated[str, Meta(pattern="^/", description="with the query; {name} stands for a value")] | None
    ) = None
    headers: Annotated[
        dict[str, str], Meta(description="sent with the request; ${NAME}: of the environment, $${: ${")
    ] = {}
    body: Annotated[str, Meta(description="the text that is sent; ${NAME} as in headers")] | None = None
    body_file: Annotated[str, Meta(description="a file with that text")] | None = None


class VariantTable(RequestTable, kw_only=True, forbid_unknown_fields=True):
    """A variant: ``[tool.hotlap.variants.NAME]`` for all scenarios, or under one scenario's ``variants``."""

    expect: Annotated[ExpectTable | None, Meta(description="instead of its scenario's")] = None


class StreamTable(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An answer that comes bit by bit: ``stream = true``, or what is to be said of it."""

    each: (
        Annotated[
            StreamEach,
            Meta(description="what is counted: server-sent events, lines or chunks; by type if absent"),
        ]
        | None
    ) = None
    events: Annotated[int, Meta(ge=1, description="it is over after so many")] | None = None
    time_s: Annotated[float, Meta(gt=0, le=LONGEST_S, description="it is over after so long")] | None = None


class StepTable(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A step of a flow: ``[[tool.hotlap.scenarios.NAME.steps]]``."""

    name: Annotated[str, Meta(description="what it is counted under; its path if absent")] | None = None
    method: Annotated[str, Meta(pattern="^[A-Z]+$", description="such as POST")] = "GET"
    path: Annotated[str, Meta(pattern="^/", description="with the query; {name} stands for a value")]
    headers: Annotated[dict[str, str], Meta(description="sent with it, beside the scenario's")] = {}
    body: Annotated[str, Meta(description="the text that is sent; ${NAME} as in headers")] | None = None
    body_file: Annotated[str, Meta(description="a file with that text")] | None = None
    expect: Annotated[ExpectTable, Meta(description="what must be answered")] = msgspec.field(
        default_factory=ExpectTable
    )
    capture: Annotated[
        dict[Word, str],
        Meta(description="what later steps have of its answer: json:/POINTER, header:X, cookie:X, regex:X"),
    ] = {}
    once: Annotated[bool, Meta(description="a user sends it only when it begins, as a login")] = False
    wait_s: Annotated[float | list[float], Meta(description="seconds after it, or [low, high]")] = 0.0
    follow: Annotated[bool, Meta(description="it goes where its answer redirects to")] = False
    stream: Annotated[bool | StreamTable, Meta(description="its answer comes bit by bit")] = False


class WritesTable(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A share of the requests that write, counted apart: ``[tool.hotlap.scenarios.NAME.writes]``."""

    share: Annotated[float, Meta(ge=0, le=1, description="of all requests, from 0 to 1")]
    method: Annotated[str, Meta(pattern="^[A-Z]+$", description="how they write")] = _WRITES.method
    path: Annotated[str, Meta(pattern="^/", description="the lane's own if absent")] | None = None
    headers: Annotated[
        dict[str, str], Meta(description="sent with them; ${NAME}: of the environment, $${: ${")
    ] = {}
    body: Annotated[str, Meta(description="the text that is sent; ${NAME} as in headers")] | None = None
    body_file: Annotated[str, Meta(description="a file with that text")] | None = None
    status: Annotated[int, Meta(ge=100, le=599, description="any other is a failure")] = (
        _WRITES.expect.statuses[0]
    )


class ScenarioTable(RequestTable, kw_only=True, forbid_unknown_fields=True):
    """A scenario: ``[tool.hotlap.scenarios.NAME]``."""

    title: Annotated[str, Meta(description="what it does, in a line")] = ""
    suite: Name = "default"
    expect: Annotated[ExpectTable, Meta(description="what must be answered")] = msgspec.field(
        default_factory=ExpectTable
    )
    load: Annotated[LoadTable, Meta(description="how it is loaded")] = msgspec.field(
        default_factory=LoadTable
    )
    data: Annotated[Given, Meta(description="files whose columns {name} stands for")] = msgspec.field(
        default_factory=list
    )
    steps: Annotated[list[StepTable], Meta(description="those of a flow, instead of one request")] = []
    again_on: Annotated[
        list[Status], Meta(description="statuses that send a flow's user back to its steps that are once")
    ] = []
    stream: Annotated[bool | StreamTable, Meta(description="its answer comes bit by bit")] = False
    writes: Annotated[WritesTable | None, Meta(description="requests that write, beside its own")] = None
    locustfile: Annotated[str, Meta(description="its users stand in for the generated ones")] | None = None
    profiles: Annotated[tuple[Mode, ...], Meta(description="the modes in which a run profiles it")] = (
        "on-cpu",
    )
    profiler: (
        Annotated[Profiler, Meta(description="records on-cpu; off-cpu is perf's, gil py-spy's")] | None
    ) = None
    variants: Annotated[dict[Name, Any], Meta(description="its own variants, or changes to shared ones")] = {}


class MixTable(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A mix: ``[tool.hotlap.mixes.NAME]``, with the weight of each of its scenarios beside these keys."""

    title: Annotated[str, Meta(description="what it stands for, in a line")] = ""
    suite: Name = "default"
    load: Annotated[LoadTable, Meta(description="how its turns arrive")] = msgspec.field(
        default_factory=LoadTable
    )
    profiles: Annotated[tuple[Mode, ...], Meta(description="the modes in which a run profiles it")] = (
        "on-cpu",
    )
    profiler: (
        Annotated[Profiler, Meta(description="records on-cpu; off-cpu is perf's, gil py-spy's")] | None
    ) = None


class ExperimentTable(ServedTable, kw_only=True, forbid_unknown_fields=True):
    """The experiment: ``[tool.hotlap]``."""

    name: Annotated[str, Meta(description="what it is called in reports")] = ""
    extensions: Annotated[list[str], Meta(description="modules that say their build_profile")] = []
    baseline: Annotated[Name, Meta(description="the variant that others are compared with")] | None = None
    candidate: Annotated[Name, Meta(description="the variant that is compared")] | None = None
    setup: Annotated[Command, Meta(description="run before each server starts")] | None = None
    teardown: Annotated[Command, Meta(description="run after each server has ended")] | None = None
    fail_if: Annotated[list[str], Meta(description='thresholds, such as "cpu/native p99 > 1.10x"')] = []
    diffs: Annotated[list[tuple[str, str]], Meta(description="pairs of lanes to draw as a difference")] = []
    metrics_path: Annotated[
        str | None, Meta(description="where the app tells its locks' times, as Prometheus text")
    ] = None
    variants: Annotated[
        dict[Name, Any], Meta(description="what each variant changes, for all scenarios")
    ] = {}
    scenarios: Annotated[dict[Name, Any], Meta(description="what is measured")] = {}
    mixes: Annotated[
        dict[Name, dict[str, Any]], Meta(description="scenarios at once, each with its weight: browse = 8")
    ] = {}


def to_experiment(table: dict[str, Any], folder: Path) -> Experiment:
    """The experiment that a table describes.

    Raises:
        KeyProblem: a key is unknown, missing or of a wrong value.
    """
    top = _convert(table, ExperimentTable, ())
    shared = {
        name: _convert(variant, VariantTable, ("variants", name)) for name, variant in top.variants.items()
    }
    if not top.scenarios:
        raise KeyProblem((), "it has no [scenarios.NAME] table: nothing would be measured")
    base = _server(top, None)
    _check_authority(top, folder, ())
    secrets: dict[str, str] = {}
    for name, one in shared.items():
        _fill(one, ("variants", name), secrets)
    lanes: list[Lane] = []
    for name, raw in top.scenarios.items():
        at = ("scenarios", name)
        scenario = _convert(raw, ScenarioTable, at)
        own = {
            variant: _convert(changes, VariantTable, (*at, "variants", variant))
            for variant, changes in scenario.variants.items()
        }
        for variant, one in own.items():
            _fill(one, (*at, "variants", variant), secrets)
        _fill(scenario, at, secrets)
        if scenario.writes is not None:
            _fill(scenario.writes, (*at, "writes"), secrets)
        for step in scenario.steps:
            _fill(step, (*at, "steps"), secrets)
        columns = columns_in(files_of(scenario.data, folder), top.setup is not None, (*at, "data"))
        check_values(scenario, columns, at)
        if scenario.writes is not None:
            check_values(scenario.writes, columns, (*at, "writes"))
        check_steps(scenario, columns, at)
        for variant, one in shared.items():
            check_values(one, columns, ("variants", variant))
        for variant, one in own.items():
            check_values(one, columns, (*at, "variants", variant))
        for variant in dict.fromkeys([*shared, *own]) or [ONLY_VARIANT]:
            changes = [one for one in (shared.get(variant), own.get(variant)) if one is not None]
            lanes.append(_lane(name, variant, scenario, changes, base, folder, at))
    lanes = [msgspec.structs.replace(lane, secrets=secrets) for lane in lanes]
    for name, raw in top.mixes.items():
        lanes += _mixed(name, raw, lanes, ("mixes", name))
    _check_served(base, lanes)
    names = list(dict.fromkeys(lane.variant for lane in lanes))
    try:
        return Experiment(
            name=top.name or folder.name,
            server=base,
            lanes=tuple(lanes),
            root=str(folder),
            extensions=tuple(top.extensions),
            baseline=top.baseline or names[0],
            candidate=top.candidate or names[-1],
            setup=_words(top.setup),
            teardown=_words(top.teardown),
            fail_if=tuple(top.fail_if),
            diffs=tuple(top.diffs),
            metrics_path=top.metrics_path,
        )
    except ExperimentError as error:
        raise KeyProblem((), str(error)) from None


def schema() -> dict[str, Any]:
    """The table's JSON Schema."""
    made, parts = msgspec.json.schema_components(
        [ExperimentTable, ScenarioTable, VariantTable, MixTable], ref_template="#/$defs/{name}"
    )[0:2]
    parts["ExperimentTable"]["properties"]["scenarios"]["additionalProperties"] = made[1]
    parts["ExperimentTable"]["properties"]["mixes"]["additionalProperties"] = made[3]
    weight = {"description": "of a scenario", "type": "integer", "minimum": 1, "maximum": MOST_WEIGHT}
    parts["MixTable"]["additionalProperties"] = weight
    for name in ("ExperimentTable", "ScenarioTable"):
        parts[name]["properties"]["variants"]["additionalProperties"] = made[2]
    parts["ExperimentTable"]["properties"]["experiment"] = {
        "description": 'a Python object that is the experiment, "module:object": then nothing else is read',
        "type": "string",
        "pattern": "^[^:]+:[^:]+$",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hotlap experiment",
        **made[0],
        "$defs": dict(sorted(parts.items())),
    }


def _convert(value: Any, kind: type[_Table], path: tuple[str, ...]) -> _Table:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        why, _, place = str(error).partition(" - at `$")
        inner = tuple(
            part for part in place.rstrip("`").replace("[", ".[").split(".") if part and part[0] != "["
        )
        unknown = why.partition("unknown field `")[2].rstrip("`")
        if unknown:
            inside: type[msgspec.Struct] = kind
            for part in inner:
                inside = get_type_hints(inside)[part]
            known = ", ".join(sorted(field.name for field in msgspec.structs.fields(inside)))
            raise KeyProblem((*path, *inner, unknown), f"it is not a key here; known: {known}") from None
        raise KeyProblem((*path, *inner), why) from None


def _fill(
    table: RequestTable | StepTable | WritesTable, at: tuple[str, ...], secrets: dict[str, str]
) -> None:
    """Put variables of the environment into a request, and note them as secrets."""

    def fill(text: str, *key: str, encode: Callable[[str, str], str] = lambda value, _: value) -> str:
        try:
            text, used = filled(text, os.environ, encode)
        except VariableProblem as problem:
            raise KeyProblem((*at, *key), str(problem)) from None
        secrets.update(used)
        return text

    if table.path is not None:
        if isinstance(table, StepTable):
            # It is counted under what the file says.
            table.name = table.name or table.path
        table.path = fill(table.path, "path", encode=lambda value, _: quote(value, safe=""))
    table.headers = {name: fill(value, "headers", name) for name, value in table.headers.items()}
    if table.body is not None:
        table.body = fill(table.body, "body", encode=_encoding(table.headers, table.body))


def _encoding(headers: dict[str, str], body: str) -> Callable[[str, str], str]:
    """How a value is written in a body: in a form, and within the quotes of JSON, by their rules."""
    kind = next((value.lower() for name, value in headers.items() if name.lower() == "content-type"), "")
    if "urlencoded" in kind:
        return lambda value, before: quote(value, safe="")
    if "json" in kind or (not kind and body.lstrip()[:1] in ("{", "[")):
        # An odd number of quotes before it: it is within some.
        return lambda value, before: json.dumps(value)[1:-1] if len(_QUOTE.findall(before)) % 2 else value
    return lambda value, before: value


_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')


def _words(command: str | list[str] | None) -> tuple[str, ...] | None:
    if command is None:
        return None
    return tuple(shlex.split(command) if isinstance(command, str) else command)


_SERVED = tuple(field.name for field in msgspec.structs.fields(ServedTable))
_WAYS = ("app", "command", "url")


def _server(table: ServedTable, base: Server | None) -> Server:
    """A server as the table has it, on top of what it changes."""
    changes = {name: getattr(table, name) for name in _SERVED if getattr(table, name) is not None}
    if "command" in changes:
        changes["command"] = _words(changes["command"])
    if "granian_args" in changes:
        changes["granian_args"] = tuple(changes["granian_args"])
    if base is None:
        return Server(**changes)
    changes["env"] = {**base.env, **table.env}
    if any(way in changes for way in _WAYS):
        # Another way of being served takes the place of the one before.
        changes = {**dict.fromkeys((*_WAYS, "pid", "ca_file")), **changes}
    return msgspec.structs.replace(base, **changes)


def _check_authority(table: ServedTable, folder: Path, at: tuple[str, ...]) -> None:
    if table.ca_file is not None:
        _existing(table.ca_file, folder, (*at, "ca_file"))


def _changed(table: ServedTable) -> bool:
    return any(getattr(table, name) not in (None, {}) for name in _SERVED)


def _lane(
    name: str,
    variant: str,
    scenario: ScenarioTable,
    changes: list[VariantTable],
    base: Server,
    folder: Path,
    at: tuple[str, ...],
) -> Lane:
    requests: list[RequestTable] = [*reversed(changes), scenario]
    for one in requests:
        _check_authority(one, folder, at)
    server = base
    for one in reversed(requests):
        server = _server(one, server)

    def first(key: str) -> Any:
        return next((value for one in requests if (value := getattr(one, key)) is not None), None)

    steps = _steps(scenario, variant, folder, at)
    path = first("path") or next((step.path for step in steps if not step.once), None)
    if path is None:
        raise KeyProblem((*at, "path"), f"{name}/{variant} has no path")
    expect = next((one.expect for one in reversed(changes) if one.expect is not None), scenario.expect)
    headers: dict[str, str] = {}
    for one in reversed(requests):
        headers.update(one.headers)
    stream = _stream(scenario.stream, expect, (*at, "stream"))
    if steps:
        steps = [msgspec.structs.replace(step, headers={**headers, **step.headers}) for step in steps]
    return Lane(
        scenario=name,
        variant=variant,
        suite=scenario.suite,
        title=scenario.title,
        method=first("method") or "GET",
        path=path,
        headers=headers,
        body=_text(first("body"), first("body_file"), folder, (*at, "body_file")),
        expect=_of_stream(_expect(expect, variant, folder, (*at, "expect")), stream),
        stream=stream,
        data=files_of(scenario.data, folder),
        steps=tuple(steps),
        again_on=tuple(scenario.again_on),
        load=_load(scenario.load, (*at, "load")),
        writes=_writes(scenario.writes, folder, (*at, "writes", "body_file")),
        locustfile=None
        if scenario.locustfile is None
        else str(_existing(scenario.locustfile, folder, (*at, "locustfile"))),
        profiles=scenario.profiles,
        profiler=scenario.profiler,
        server=server if any(_changed(one) for one in requests) else None,
    )


def _mixed(name: str, raw: dict[str, Any], lanes: list[Lane], at: tuple[str, ...]) -> list[Lane]:
    """The lanes of a mix: one of each variant that all its scenarios have."""
    keys = {field.name for field in msgspec.structs.fields(MixTable)}
    table = _convert({key: value for key, value in raw.items() if key in keys}, MixTable, at)
    weights = {key: value for key, value in raw.items() if key not in keys}
    scenarios = list(dict.fromkeys(lane.scenario for lane in lanes if not lane.mix))
    if any(lane.scenario == name for lane in lanes):
        raise KeyProblem(at, "a scenario has that name: give the mix another")
    if not weights:
        raise KeyProblem(at, f"it has no scenario: give some their weights, as in {scenarios[0]} = 8")
    for scenario, weight in weights.items():
        if scenario not in scenarios:
            raise KeyProblem((*at, scenario), f"no scenario has that name; there are: {', '.join(scenarios)}")
        if not isinstance(weight, int) or isinstance(weight, bool) or not 1 <= weight <= MOST_WEIGHT:
            raise KeyProblem((*at, scenario), f"a weight is a whole number from 1 to {MOST_WEIGHT}")
    by_name = {lane.name: lane for lane in lanes}
    made = []
    for variant in dict.fromkeys(lane.variant for lane in lanes):
        parts = [by_name.get(f"{scenario}/{variant}") for scenario in weights]
        mix = [Part(weight=weights[part.scenario], lane=_within(part)) for part in parts if part is not None]
        if len(mix) < len(weights):
            continue
        if any(part.lane.locustfile is not None for part in mix):
            raise KeyProblem(at, "a scenario with a locustfile has users of its own: leave it out")
        if any(part.lane.server != mix[0].lane.server for part in mix):
            raise KeyProblem(at, f"its scenarios are not served alike in the variant {variant}")
        made.append(
            Lane(
                scenario=name,
                variant=variant,
                suite=table.suite,
                title=table.title,
                path=mix[0].lane.path,
                mix=tuple(mix),
                load=_load(table.load, (*at, "load")),
                profiles=table.profiles,
                profiler=table.profiler,
                server=mix[0].lane.server,
                secrets=mix[0].lane.secrets,
            )
        )
    if not made:
        raise KeyProblem(at, "its scenarios have no variant in common")
    return made


def _within(lane: Lane) -> Lane:
    """A lane as a part of a mix: its steps are told from those of others."""
    steps = [msgspec.structs.replace(step, name=f"{lane.scenario}: {step.name}") for step in lane.steps]
    return msgspec.structs.replace(lane, steps=tuple(steps))


def _load(load: LoadTable, at: tuple[str, ...]) -> Load:
    if load.model == "open" and load.rate is None:
        raise KeyProblem((*at, "rate"), "open arrivals need a rate")
    low, high = _wait(load.wait_s, (*at, "wait_s"))
    if load.model == "paced" and high == 0:
        raise KeyProblem((*at, "wait_s"), "paced users need a period above 0")
    return Load(
        model=load.model,
        users=load.users,
        spawn_rate=load.spawn_rate,
        wait_s=(low, high),
        rate=load.rate,
        arrivals=load.arrivals,
        max_in_flight=load.max_in_flight,
        timeout_s=load.timeout_s,
    )


def _wait(given: float | list[float], at: tuple[str, ...]) -> tuple[float, float]:
    low, high = given if isinstance(given, list) and len(given) == 2 else (given,) * 2
    if isinstance(low, list) or isinstance(high, list) or not 0 <= low <= high <= LONGEST_S:
        raise KeyProblem(at, f"a wait is seconds up to {LONGEST_S:g}, or [low, high] with low not above high")
    return low, high


def _steps(scenario: ScenarioTable, variant: str, folder: Path, at: tuple[str, ...]) -> list[Step]:
    names: list[str] = []
    made = []
    for number, step in enumerate(scenario.steps, 1):
        name = step.name or step.path
        if step.name in names:
            raise KeyProblem((*at, "steps"), f"two steps have the name {name}: give one another")
        names.append(name if name not in names else f"{name} ({number})")
        made.append(
            Step(
                name=names[-1],
                method=step.method,
                path=step.path,
                headers=step.headers,
                body=_text(step.body, step.body_file, folder, (*at, "steps")),
                expect=_expect(step.expect, variant, folder, (*at, "steps")),
                capture=step.capture,
                once=step.once,
                wait_s=_wait(step.wait_s, (*at, "steps")),
                follow=step.follow,
                stream=_stream(step.stream, step.expect, (*at, "steps")),
            )
        )
    return made


def _stream(given: bool | StreamTable, expect: ExpectTable, at: tuple[str, ...]) -> Stream | None:
    if not given:
        return None
    for key in ("body", "body_file", "json", "size_bytes"):
        if getattr(expect, key) not in (None, {}, ANY_BODY):
            raise KeyProblem(
                at,
                f"of a stream, {key} cannot be expected: its beginning is held against contains and matches",
            )
    table = given if isinstance(given, StreamTable) else StreamTable()
    return Stream(each=table.each, events=table.events, time_s=table.time_s)


def _of_stream(expect: Expect, stream: Stream | None) -> Expect:
    """Where a stream is cut when it is over is chance: no body of it is the whole."""
    return expect if stream is None else msgspec.structs.replace(expect, any_body=True)


def check_steps(scenario: ScenarioTable, columns: list[str] | None, at: tuple[str, ...]) -> None:
    """Look at the steps of a scenario, and at what goes from one to the next.

    Raises:
        KeyProblem: something beside them takes their place, they are in a wrong order, or a placeholder stands for
            nothing.
    """
    at = (*at, "steps")
    if not scenario.steps:
        if scenario.again_on:
            raise KeyProblem((*at[:-1], "again_on"), "only a flow begins anew: give it steps")
        return
    for key in ("path", "method", "body", "body_file", "stream", "writes", "locustfile"):
        if getattr(scenario, key) not in (None, False):
            raise KeyProblem((*at[:-1], key), "a scenario with steps has no request but these: leave it out")
    if scenario.expect != ExpectTable():
        raise KeyProblem((*at[:-1], "expect"), "each of the steps has its own: leave it out")
    if scenario.steps[-1].once:
        raise KeyProblem(at, "one step at least is not once, and comes after those that are")
    known = columns
    for number, step in enumerate(scenario.steps, 1):
        if step.once and not all(earlier.once for earlier in scenario.steps[:number]):
            raise KeyProblem(at, f"step {number} is once: such steps come first")
        check_values(step, known, at)
        for name, origin in step.capture.items():
            if columns is not None and name in columns:
                raise KeyProblem(at, f"step {number} captures {name}, and data has such a column: rename one")
            try:
                Request("GET", "/", capture={name: origin})
            except ValueError as error:
                raise KeyProblem(at, f"step {number} captures {name}: {error}") from None
        known = None if known is None else [*known, *step.capture]


def _writes(table: WritesTable | None, folder: Path, at: tuple[str, ...]) -> Writes | None:
    if table is None:
        return None
    return Writes(
        share=table.share,
        method=table.method,
        path=table.path,
        headers=table.headers,
        body=_text(table.body, table.body_file, folder, at),
        expect=Expect(statuses=(table.status,)),
    )


def _expect(table: ExpectTable, variant: str, folder: Path, at: tuple[str, ...]) -> Expect:
    any_body = table.varies or table.body == ANY_BODY
    if any_body and (table.body_file is not None or table.body not in (None, ANY_BODY)):
        raise KeyProblem((*at, "varies"), "a body that varies is not given: leave body and body_file out")
    statuses = table.status if isinstance(table.status, list) else [table.status]
    if not statuses:
        raise KeyProblem((*at, "status"), "give one status at least")
    for key, given in (
        ("json", {"expected_json": table.json}),
        ("matches", {"matches": _several(table.matches)}),
        ("size_bytes", {"size": table.size_bytes}),
    ):
        try:
            Request("GET", "/", **given).prepare("http://localhost")
        except ValueError as error:
            raise KeyProblem((*at, key), str(error)) from None
    return Expect(
        statuses=tuple(statuses),
        body=None if any_body else _text(table.body, table.body_file, folder, (*at, "body_file")),
        any_body=any_body,
        same_as=table.same_as if table.same_as != variant else None,
        headers=table.headers,
        json=table.json,
        contains=_several(table.contains),
        matches=_several(table.matches),
        size_bytes=table.size_bytes,
    )


def _several(given: str | list[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _existing(name: str, folder: Path, at: tuple[str, ...]) -> Path:
    path = folder / name
    if not path.is_file():
        raise KeyProblem(at, f"there is no file {name}")
    return path


def _text(text: str | None, file: str | None, folder: Path, at: tuple[str, ...]) -> str | None:
    if text is not None or file is None:
        return text
    try:
        return _existing(file, folder, at).read_text()
    except UnicodeDecodeError:
        raise KeyProblem(at, f"{file} is not text in UTF-8") from None


def _check_served(base: Server, lanes: list[Lane]) -> None:
    for server in {id(server): server for server in (lane.server or base for lane in lanes)}.values():
        ways = [way for way in _WAYS if getattr(server, way) is not None]
        if len(ways) != 1:
            why = (
                f"{' and '.join(ways)} exclude each other"
                if ways
                else "one of app, command and url must say how it is served"
            )
            raise KeyProblem((ways[-1],) if ways else (), why)
        if server.ca_file is not None and not (server.url or "").startswith("https://"):
            raise KeyProblem(("ca_file",), "it is for a server that is named by its url, with https")
        places = ("{port}", "{socket}")
        if server.command is not None and not any(one in word for word in server.command for one in places):
            raise KeyProblem(
                ("command",), "it must have {port} where the port goes, or {socket} for a Unix socket"
            )
    variants = {lane.variant for lane in lanes}
    for lane in lanes:
        if lane.expect.same_as is not None and lane.expect.same_as not in variants:
            at = ("scenarios", lane.scenario, "expect", "same_as")
            raise KeyProblem(at, f"there is no variant {lane.expect.same_as!r}")
