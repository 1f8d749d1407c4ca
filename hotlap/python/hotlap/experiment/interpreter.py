"""The app's own interpreter: where it is, what it is, and the variables it is run with.

Without the key ``python`` it is the lab's. A path is never resolved: the ``bin/python`` of a virtual environment is a
link, and what it leads to does not know the environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from hotlap.experiment.model import ExperimentError

OLDEST = (3, 9)
"""The first Python that the lab serves apps with."""
INSIDE = Path(__file__).parents[1] / "inside"
"""The scripts that an app's interpreter runs."""
ENVIRONMENTS = (".venv", "venv")
"""What a virtual environment is called beside an app."""
_ASK_TIMEOUT_S = 30
_PIP = "pip"
"""Asked for too, to say how to install what is missing."""
_LAB_PATH = Path(__file__).parents[2]
_OTHER = "name the app's interpreter, such as .venv/bin/python"
_OF_THE_LAB = ("PYTHONHOME", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV")
"""Variables that say where the lab's own packages are."""


class InterpreterError(ExperimentError):
    """An interpreter that cannot serve an app: the message says which, why, and what to do."""


class ScriptError(RuntimeError):
    """A script of ``INSIDE`` failed: the message is the last line that it complained with."""


def run_inside(
    script: str, python: str, words: Iterable[str | Path], *, timeout_s: float, **options: Any
) -> str:
    """Have an interpreter run a script of ``INSIDE``: the last line that it prints, its answer.

    Args:
        script: Its name, without ``.py``.
        python: The interpreter's path.
        words: Its arguments.
        timeout_s: How long it may take.
        options: Of ``subprocess.run``: where, and with which variables.

    Raises:
        ScriptError: it failed.
        OSError, subprocess.TimeoutExpired: it could not be run, or took too long.
    """
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [python, INSIDE / f"{script}.py", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout_s,
        check=False,
        **options,
    )
    if done.returncode:
        raise ScriptError((done.stderr.strip().splitlines() or ["it printed nothing"])[-1])
    if not done.stdout.strip():
        raise ScriptError("it ended without an answer")
    return done.stdout.strip().splitlines()[-1]


class Interpreter(msgspec.Struct, frozen=True, kw_only=True):
    """An interpreter that was asked what it is."""

    path: str
    """Absolute, with its links."""
    version: tuple[int, int, int]
    implementation: str
    packages: dict[str, str]
    """The versions of those that were asked for and are there; empty where a package does not say its."""

    def install(self, package: str) -> str:
        """The command that installs a package into its environment."""
        if _PIP in self.packages:
            return f"{self.path} -m pip install {package}"
        return f"uv pip install --python {self.path} {package}"

    @property
    def version_text(self) -> str:
        """As in ``3.12.1``."""
        return ".".join(map(str, self.version))


def path_of(python: str | None, root: Path) -> str:
    """The whole path of the interpreter that an experiment in ``root`` names; the lab's where it names none."""
    return sys.executable if python is None else os.path.join(root.absolute(), os.path.expanduser(python))


def is_own(path: str) -> bool:
    """Whether an interpreter is the lab's own, under whichever name."""
    if path == sys.executable:
        return True
    folder = Path(path).parent.parent
    return folder.exists() and folder.samefile(sys.prefix)


def variables(python: str | None, root: Path) -> dict[str, str]:
    """The variables to run an app's interpreter with: the present ones, and those of its environment.

    Its programs come first on the ``PATH``, and nothing leads to the lab's packages.
    """
    present = dict(os.environ)
    path = path_of(python, root)
    if python is None or is_own(path):
        return present
    for name in _OF_THE_LAB:
        present.pop(name, None)
    folder = Path(path).parent
    if (folder.parent / "pyvenv.cfg").exists():
        present["VIRTUAL_ENV"] = str(folder.parent)
    present["PATH"] = os.pathsep.join([str(folder), *filter(None, [present.get("PATH")])])
    if "PYTHONPATH" in present:
        entries = [entry for entry in present["PYTHONPATH"].split(os.pathsep) if not _holds_the_lab(entry)]
        present["PYTHONPATH"] = os.pathsep.join(entries)
    return present


def _holds_the_lab(entry: str) -> bool:
    return bool(entry) and Path(entry).exists() and Path(entry).samefile(_LAB_PATH)


def examine(
    python: str | None, root: Path, packages: Iterable[str] = (), env: Mapping[str, str] | None = None
) -> Interpreter:
    """Ask an interpreter what it is, and which of the packages it has.

    Args:
        python: As the experiment names it.
        root: The experiment's folder.
        packages: The modules to look for.
        env: Variables on top of those that the interpreter is run with.

    Raises:
        InterpreterError: it is not there, cannot be run, is not Python, or is too old.
    """
    path = path_of(python, root)
    if python is None:
        return _own((_PIP, *packages))
    _check_file(python, path)
    run_with = {**variables(python, root), **(env or {})}
    return _asked(path, python, str(root.absolute()), tuple(packages), tuple(sorted(run_with.items())))


def _own(packages: Iterable[str]) -> Interpreter:
    """The lab's own interpreter, which need not be started to be asked."""
    found: dict[str, str] = {}
    for name in packages:
        if find_spec(name) is not None:
            found[name] = ""
            with contextlib.suppress(PackageNotFoundError):
                found[name] = version(name)
    return Interpreter(
        path=sys.executable,
        version=sys.version_info[:3],
        implementation=platform.python_implementation(),
        packages=found,
    )


@cache
def _asked(
    path: str, python: str, root: str, packages: Sequence[str], env: Sequence[tuple[str, str]]
) -> Interpreter:
    given = _given(python)
    try:
        done = subprocess.run(
            [path, str(INSIDE / "interpreter.py"), _PIP, *packages],
            cwd=root,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ASK_TIMEOUT_S,
            check=False,
        )
    except OSError as error:
        raise InterpreterError(f"{given}: {path} cannot be run ({error.strerror}): {_OTHER}") from None
    except subprocess.TimeoutExpired:
        raise InterpreterError(
            f"{given}: {path} did not say its version within {_ASK_TIMEOUT_S} s: {_OTHER}"
        ) from None
    return interpreter_from(path, given, done.stdout, done.stderr)


class _Told(msgspec.Struct, frozen=True):
    """What ``inside/interpreter.py`` answers."""

    version: tuple[int, int, int]
    implementation: str
    packages: dict[str, str]


def interpreter_from(path: str, given: str, said: str, complained: str) -> Interpreter:
    """The interpreter that answered the script, or why it is none.

    Raises:
        InterpreterError: it did not answer as Python does, or is too old.
    """
    try:
        told = msgspec.json.decode((said.strip().splitlines() or [""])[-1], type=_Told)
    except (msgspec.DecodeError, UnicodeError):
        shown = (complained.strip() or said.strip() or "nothing").splitlines()[-1]
        raise InterpreterError(
            f"{given}: {path} does not answer as Python does (asked for its version, it said: {shown[:200]}): {_OTHER}"
        ) from None
    if told.version[:2] < OLDEST:
        raise InterpreterError(
            f"{given}: {path} is Python {'.'.join(map(str, told.version))}, and hotlap serves apps with Python "
            f"{'.'.join(map(str, OLDEST))} or later: make the app's environment with a later one"
        )
    return Interpreter(
        path=path, version=told.version, implementation=told.implementation, packages=told.packages
    )


def _given(python: str) -> str:
    """The key as the experiment has it."""
    return f"python = {json.dumps(python, ensure_ascii=False)}"


def _check_file(python: str, path: str) -> None:
    given = _given(python)
    file = Path(path)
    try:
        there, is_link, is_folder = file.exists(), file.is_symlink(), file.is_dir()
    except OSError as error:
        raise InterpreterError(
            f"{given}: {path} cannot be looked at ({error.strerror}): name the app's interpreter"
        ) from None
    if not there and is_link:
        raise InterpreterError(
            f"{given}: {path} leads to {os.readlink(path)}, which is gone: make the app's environment anew"
        )
    if not there:
        raise InterpreterError(
            f"{given}: there is no file {path}: make the app's environment there, or name the interpreter that it "
            "has; the path starts at the folder of the experiment's file"
        )
    if is_folder:
        inside = os.path.join(python, "bin", "python")
        raise InterpreterError(f"{given}: {path} is a folder: name the interpreter in it, such as {inside}")
    if not os.access(path, os.X_OK):
        raise InterpreterError(
            f"{given}: {path} is not executable: name the app's interpreter, or chmod +x it if that is what it is"
        )


def beside(folder: Path, app: str | None) -> str | None:
    """The interpreter of the virtual environment beside an app's file, or in a folder above it up to the project's.

    Args:
        folder: The project's folder.
        app: ``module:object``; ``None`` looks in the project's folder alone.

    Returns:
        Its path from the project's folder; ``None`` where there is none, or it is the lab's own.
    """
    for place in _folders(folder, app):
        for name in ENVIRONMENTS:
            found = place / name / "bin" / "python"
            if (place / name / "pyvenv.cfg").is_file():
                return None if is_own(str(found)) else str(found.relative_to(folder))
    return None


def _folders(folder: Path, app: str | None) -> list[Path]:
    """The folder of the app's file and those above it, the project's last."""
    if app is not None:
        parts = app.partition(":")[0].split(".")
        for start in (folder, folder / "src"):
            module = start.joinpath(*parts)
            if module.with_name(f"{module.name}.py").is_file():
                at = module.parent
            elif module.is_dir():
                at = module
            else:
                continue
            above = [at, *at.parents]
            return above[: above.index(folder) + 1]
    return [folder]
