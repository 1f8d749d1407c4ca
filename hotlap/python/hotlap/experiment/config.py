"""Find the experiment: the ``hotlap.toml`` or ``[tool.hotlap]`` table of this folder or one above."""

from __future__ import annotations

import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from hotlap.experiment.model import Experiment, ExperimentError
from hotlap.experiment.problems import KeyProblem
from hotlap.experiment.toml import to_experiment
from hotlap.experiment.toml_lines import line_of

PLACES = (("hotlap.toml", ()), ("pyproject.toml", ("tool", "hotlap")))
"""The files that may hold an experiment, each with the table that it is in; the first one counts."""


def load_experiment(start: Path | None = None) -> tuple[Experiment, Path]:
    """The experiment of ``start`` (this folder) or of the nearest folder above that has one.

    Returns:
        The experiment, with its root set, and the folder that it was found in.

    Raises:
        ExperimentError: there is none, or it cannot be read; the message says what to do.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        for name, keys in PLACES:
            file = folder / name
            if file.is_file() and (table := _table(file, keys)) is not None:
                return _experiment(table, file, keys), folder
    raise ExperimentError(
        f"{here} has no experiment: no hotlap.toml, and no [tool.hotlap] in a pyproject.toml, here or above; "
        "make one with: hotlap init"
    )


def _table(file: Path, keys: tuple[str, ...]) -> dict[str, Any] | None:
    try:
        table = tomllib.loads(file.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ExperimentError(f"{file} cannot be read: {error}") from None
    found: dict[str, Any] | None = table
    for key in keys:
        inner = (found or {}).get(key)
        found = inner if isinstance(inner, dict) else None
    return found


def _experiment(table: dict[str, Any], file: Path, keys: tuple[str, ...]) -> Experiment:
    folder = file.parent
    if "experiment" in table:
        experiment = _named(table["experiment"], folder, file)
        return msgspec.structs.replace(experiment, root=str(folder))
    try:
        return to_experiment(table, folder)
    except KeyProblem as problem:
        path = (*keys, *problem.path)
        line = line_of(file.read_text(), path)
        place = f"{file}:{line}" if line else str(file)
        raise ExperimentError(f"{place}: {'.'.join(path) or 'the experiment'}: {problem.why}") from None


def _named(named: object, folder: Path, file: Path) -> Experiment:
    if not isinstance(named, str) or ":" not in named:
        raise ExperimentError(f'{file}: experiment must be "module:object"')
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
