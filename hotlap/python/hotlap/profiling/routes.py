"""What each scenario of a mix used: a sample is its handler's if that is on the stack, or in the task's await chain."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from hotlap._engine import Stacks
from hotlap.evidence.figures import Place
from hotlap.evidence.profile import RouteShare
from hotlap.experiment import Lane
from hotlap.profiling.attribution import lines_of
from hotlap.profiling.probe import Probe, ProbeError
from hotlap.serving.server import Served

_FRAME = re.compile(r".* \((?P<file>[^()]+):(?P<line>\d+)\)$")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_STANDS_IN = ("1", "a", "00000000-0000-0000-0000-000000000000")
"""What a router may take for a value: a number, a word, an id."""


class Handler(msgspec.Struct, frozen=True):
    """A function that handles requests, and the lines that it is written on."""

    function: str
    file: str
    first: int
    last: int


class _Told(msgspec.Struct, frozen=True):
    """What the probe answers: the functions of each request."""

    handlers: list[list[Handler]]


def requests_of(lane: Lane) -> list[tuple[str, list[str]]]:
    """The requests of a scenario, each with its method and the paths that it may have: pure."""
    asked = [(step.method, step.path) for step in lane.steps] or [(lane.method, lane.path)]
    return [(method, list(_filled(path.partition("?")[0]))) for method, path in asked]


def _filled(path: str) -> Iterator[str]:
    if not _PLACEHOLDER.search(path):
        yield path
        return
    for value in _STANDS_IN:
        yield _PLACEHOLDER.sub(value, path)


def handlers_of(probe: Probe, served: Served, lane: Lane) -> dict[Handler, list[str]]:
    """The functions that handle the scenarios of a mix, each with the names of those that it handles.

    Returns:
        Nothing where no process tells: it has no probe, or its framework has no router that is known.
    """
    asked = [(part.lane.scenario, request) for part in lane.mix for request in requests_of(part.lane)]
    if not asked:
        return {}
    for pid in probe.present(served.workers()):
        try:
            told = probe.ask(pid, "handlers", _Told, requests=json.dumps([one for _, one in asked]))
        except ProbeError:
            continue
        found: dict[Handler, list[str]] = {}
        for (scenario, _), handlers in zip(asked, told.handlers, strict=True):
            for handler in handlers:
                names = found.setdefault(handler, [])
                if scenario not in names:
                    names.append(scenario)
        return found
    return {}


def by_route(
    stacks: Stacks,
    handlers: dict[Handler, list[str]],
    root: Path,
    clean: Callable[[Stacks], Stacks],
) -> list[RouteShare]:
    """What each scenario has of a recording, the heaviest first, and last what belongs to none: pure.

    Args:
        stacks: As they were recorded, with whole paths.
        handlers: The functions of the app, each with the scenarios that it handles.
        root: The folder from which places are told.
        clean: Makes stacks readable: what it leaves out is nobody's.
    """
    parts: dict[tuple[str, ...], list[tuple[list[str], int]]] = {}
    functions: dict[tuple[str, ...], dict[Place, None]] = {}
    for handler, names in handlers.items():
        parts.setdefault(tuple(names), [])
        functions.setdefault(tuple(names), {})[_place(handler, root)] = None
    for frames, count in lines_of(stacks):
        parts.setdefault(_route(frames, handlers), []).append((frames, count))
    values = {names: clean(Stacks.from_counts(part)).total if part else 0 for names, part in parts.items()}
    total = sum(values.values())
    return [
        RouteShare(
            scenarios=list(names),
            handlers=list(functions.get(names, {})),
            value=float(value),
            share=value / total if total else 0.0,
        )
        for names, value in sorted(values.items(), key=lambda one: (not one[0], -one[1], one[0]))
    ]


def _route(frames: Sequence[str], handlers: dict[Handler, list[str]]) -> tuple[str, ...]:
    """The scenarios of the outermost handler on a stack: one that calls another's function does so for its own."""
    for frame in frames:
        found = _FRAME.match(frame)
        if found is None:
            continue
        file, line = found["file"], int(found["line"])
        for handler, names in handlers.items():
            if handler.file == file and handler.first <= line <= handler.last:
                return tuple(names)
    return ()


def _place(handler: Handler, root: Path) -> Place:
    path = Path(handler.file)
    file = path.relative_to(root).as_posix() if path.is_relative_to(root) else handler.file
    return Place(name=handler.function, place=f"{file}:{handler.first}")
