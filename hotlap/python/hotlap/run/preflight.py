"""Before anything is measured: what will serve each lane, and whether what its profiles need is there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hotlap.evidence.service import ServedBy
from hotlap.experiment import Experiment, Lane
from hotlap.profiling.needs import lacking
from hotlap.run.options import Options
from hotlap.serving.ways import ServeError, way_of


class PreflightError(RuntimeError):
    """A run that cannot be made as it is told to: the message says what is missing, and what to do."""


def look(experiment: Experiment, lanes: Iterable[Lane], options: Options) -> dict[str, ServedBy]:
    """What will serve each lane, by the lane's name.

    Raises:
        PreflightError: an interpreter or its server is missing, or a package that a profile needs beside the app.
    """
    found: dict[str, ServedBy] = {}
    for lane in lanes:
        try:
            way = way_of(lane.server or experiment.server, Path(experiment.root))
        except ServeError as error:
            raise PreflightError(str(error)) from None
        found[lane.name] = way.evidence
        for mode in options.profiles_of(lane):
            if said := lacking(lane.name, mode, way):
                raise PreflightError(f"{said}; or leave that profile out, with --profiles")
    return found


def said(served: dict[str, ServedBy]) -> list[str]:
    """What will serve, in words, each once; with its lanes where they are not all served alike."""
    ways: dict[ServedBy, list[str]] = {}
    for name, by in served.items():
        ways.setdefault(by, []).append(name)
    return [
        (f"{', '.join(names)}: " if len(ways) > 1 else "")
        + f"served by {by.title()}"
        + (f", {by.python}" if by.python is not None and not by.own else "")
        for by, names in ways.items()
    ]
