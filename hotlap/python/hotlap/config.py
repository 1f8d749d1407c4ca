"""Find the experiment: the ``hotlap.toml`` or ``[tool.hotlap]`` table of this folder or one above."""

from __future__ import annotations

import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from hotlap.experiment import Experiment, ExperimentError


def load_experiment(start: Path | None = None) -> tuple[Experiment, Path]:
    """The experiment of ``start`` (this folder) or of the nearest folder above that has one.

    Returns:
        The experiment, with its root set, and the folder that it was found in.

    Raises:
        ExperimentError: there is none, or it cannot be read; the message says what to do.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        table, file = _table(folder)
        if table is not None:
            experiment = _from_table(table, folder, file)
            return msgspec.structs.replace(experiment, root=str(folder)), folder
    raise ExperimentError(
        f"{here} has no experiment: no hotlap.toml, and no [tool.hotlap] in a pyproject.toml, here or above; "
        "make one with: hotlap init"
    )


def _table(folder: Path) -> tuple[dict[str, Any] | None, Path]:
    own = folder / "hotlap.toml"
    if own.is_file():
        return _parse(own), own
    shared = folder / "pyproject.toml"
    if shared.is_file():
        return _parse(shared).get("tool", {}).get("hotlap"), shared
    return None, shared


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ExperimentError(f"{file} cannot be read: {error}") from None


def _from_table(table: dict[str, Any], folder: Path, file: Path) -> Experiment:
    named = table.get("experiment")
    if not isinstance(named, str) or ":" not in named:
        raise ExperimentError(f'{file}: experiment must be "module:object"')
    return _named(named, folder, file)


def _named(named: str, folder: Path, file: Path) -> Experiment:
    module, _, attribute = named.partition(":")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ExperimentError(f"{file}: experiment = {named!r} cannot be imported: {error}") from None
    experiment = found() if callable(found) else found
    if not isinstance(experiment, Experiment):
        raise ExperimentError(f"{file}: {named} is a {type(experiment).__name__}, not an Experiment")
    return experiment
