"""Runs with all that a run may hold, and each way to put something wrong into them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from hotlap.evidence.figures import Durations
from hotlap.run.result import RunResult

Path = tuple[str | int, ...]

WRONG: tuple[object, ...] = (
    *(None, True, -1, 0, 2**63, 10**30, 1e308, -1e308, 5e-324, 1e-29, 1e18),
    *("", "x", "\x00", "\x1b[31m[red]", "../../x", [], {}, [None], {"a": None}),
)
"""Wrong types, and what is of the right type but beyond what can be."""


def filled() -> dict[str, Any]:
    """A run in which each field of each struct has a value, as JSON has it."""
    made: dict[str, Any] = msgspec.to_builtins(
        msgspec.convert(_filled(inspect.type_info(RunResult)), RunResult)
    )
    return made


def _filled(kind: inspect.Type, inside: tuple[type, ...] = ()) -> object:
    match kind:
        case inspect.StructType(cls=cls, fields=fields):
            values = {field.encode_name: _filled(field.type, (*inside, cls)) for field in fields}
            if cls is Durations:
                values |= {"bounds_s": [0.01, 0.1], "counts": [3, 2, 1]}
            return values | ({"schema": 2} if cls is RunResult else {})
        case inspect.UnionType(types=types):
            return _filled(next(one for one in types if not isinstance(one, inspect.NoneType)), inside)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return [_filled(item, inside), _filled(item, inside)]
        case inspect.TupleType(item_types=items):
            return [_filled(item, inside) for item in items]
        case inspect.DictType(value_type=inspect.StructType(cls=cls)) if cls in inside:
            # One that may hold others of its kind.
            return {}
        case inspect.DictType(value_type=value):
            return {"name": _filled(value, inside)}
        case inspect.EnumType(cls=cls):
            return next(iter(cls)).value
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.Metadata(type=inner):
            return _filled(inner, inside)
        case inspect.BoolType():
            return True
        case inspect.IntType():
            return 3
        case inspect.FloatType():
            return 2.5
        case _:
            return "name"


def places(value: object, at: Path = ()) -> Iterator[Path]:
    """The paths of all values within one, of lists their first two."""
    yield at
    if isinstance(value, dict):
        for key, one in value.items():
            yield from places(one, (*at, key))
    elif isinstance(value, list):
        for index, one in enumerate(value[:2]):
            yield from places(one, (*at, index))


def put(value: Any, at: Path, new: object) -> Any:
    """The same with another value at that path; nothing else is copied."""
    if not at:
        return new
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[at[0]] = put(value[at[0]], at[1:], new)
    return changed


def without(value: Any, at: Path) -> Any:
    """The same without what is at that path."""
    if len(at) == 1:
        changed = dict(value) if isinstance(value, dict) else list(value)
        del changed[at[0]]
        return changed
    return put(value, at[:1], without(value[at[0]], at[1:]))
