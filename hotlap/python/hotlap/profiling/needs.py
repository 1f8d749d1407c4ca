"""What a mode of profiling needs beside the app, in the app's own environment."""

from __future__ import annotations

from hotlap.experiment import Mode
from hotlap.serving.ways import Way

BESIDE_THE_APP: dict[Mode, str] = {"memory": "memray"}
"""The package that the served process itself imports, by mode."""


def lacking(lane: str, mode: Mode, way: Way) -> str | None:
    """Why a lane that is served so cannot be profiled in a mode, and what to install; ``None`` if it can."""
    package = BESIDE_THE_APP.get(mode)
    install = way.lacks(package) if package is not None else None
    if package is None or install is None or way.interpreter is None:
        return None
    return (
        f"the {mode} profile of {lane} needs {package} beside the app, and {way.interpreter.path} does not have it: "
        f"{install}"
    )
