"""Values of a scenario's requests: the key ``data``, and the placeholders that stand for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hotlap._engine import GENERATORS, columns_named, columns_of
from hotlap.experiment.model import AtEnd, DataFile, DataOrder
from hotlap.experiment.problems import KeyProblem

_DATA = DataFile(path="")
"""Its defaults are the table's."""


class DataTable(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A file of values: ``data`` of a scenario, as a table."""

    file: Annotated[
        str, Meta(description=".csv or .tsv with a line of names; .jsonl or .ndjson with objects")
    ]
    order: Annotated[DataOrder, Meta(description="in which rows are taken; zipf: the first most often")] = (
        _DATA.order
    )
    exponent: Annotated[
        float, Meta(gt=0, le=10, description="of zipf: the n-th row as often as 1/n to this power")
    ] = _DATA.exponent
    at_end: Annotated[
        AtEnd, Meta(description="when no unique row is left: users end, or rows are taken anew")
    ] = _DATA.at_end


Given = str | DataTable | list[str | DataTable]
"""What the key ``data`` may be: a file, one with its order, or several."""


def files_of(given: Given, folder: Path) -> tuple[DataFile, ...]:
    """The files of a scenario's key ``data``, with whole paths."""
    tables = [
        one if isinstance(one, DataTable) else DataTable(file=one)
        for one in (given if isinstance(given, list) else [given])
    ]
    return tuple(
        DataFile(path=str(folder / one.file), order=one.order, exponent=one.exponent, at_end=one.at_end)
        for one in tables
    )


def columns_in(data: tuple[DataFile, ...], is_made: bool, at: tuple[str, ...]) -> list[str] | None:
    """The columns of all files; ``None`` where one is still to be made by the set-up.

    Raises:
        KeyProblem: a file cannot be read, or two have a column of one name.
    """
    found: list[str] = []
    for one in data:
        if is_made and not Path(one.path).exists():
            return None
        if not Path(one.path).exists():
            raise KeyProblem(
                at, f"there is no file {one.path}: make it, or let setup make it before each server starts"
            )
        try:
            columns = columns_of(one.path)
        except (ValueError, OSError) as error:
            raise KeyProblem(at, str(error)) from None
        if twice := [name for name in columns if name in found]:
            raise KeyProblem(at, f"two files have the column {twice[0]}: give it another name in one of them")
        found += columns
    return found


def check_values(table: Any, columns: list[str] | None, at: tuple[str, ...]) -> None:
    """Look at the placeholders in all texts of a table that may have some.

    Raises:
        KeyProblem: one stands for nothing.
    """
    for key in ("path", "headers", "body", "expect", "json", "contains"):
        value = getattr(table, key, None)
        if isinstance(value, msgspec.Struct):
            check_values(value, columns, (*at, key))
        for name, text in _texts(value):
            try:
                named = columns_named(text)
            except ValueError as error:
                raise KeyProblem((*at, key, *name), str(error)) from None
            for one in named:
                if columns is not None and one not in columns:
                    known = f"data has {', '.join(columns)}" if columns else "there is no data"
                    raise KeyProblem(
                        (*at, key, *name),
                        f"{{{one}}} stands for no value: {known}; what is generated is {GENERATORS}; "
                        f"for the characters themselves write {{{{{one}}}",
                    )


def _texts(value: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield (), value
    elif isinstance(value, dict):
        for name, text in value.items():
            if isinstance(text, str):
                yield (name,), text
    elif isinstance(value, list):
        for text in value:
            yield (), text
