"""Find out about an app: where its object is, how it is spoken to, what it answers to.

``objects`` reads source files without running them. ``ask`` has the app's own interpreter import it.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hotlap.experiment.interpreter import ScriptError, examine, run_inside, variables
from hotlap.experiment.model import Interface

MAKERS = {
    *("FastAPI", "Starlette", "Litestar", "Quart", "Sanic", "get_asgi_application"),
    *("Flask", "Bottle", "get_wsgi_application", "make_wsgi_app", "App"),
}
"""What makes an app; ``App`` is Falcon's."""
FACTORIES = ("create_app", "make_app", "build_app", "get_app")
_SKIPPED = {"node_modules", "site-packages", "__pycache__", "tests", "test", "docs", "build", "dist"}
_USUAL = ("main", "app", "wsgi", "asgi", "server", "application")
_ASK_TIMEOUT_S = 60
MAX_DEPTH = 4


class DiscoverError(RuntimeError):
    """An app that could not be found or imported: the message says what to give instead."""


def objects(folder: Path) -> list[str]:
    """The apps that modules below a folder make, as ``module:object``, the likeliest first."""
    found: list[tuple[tuple[int, int, int, str], str]] = []
    for file in sorted(_sources(folder)):
        try:
            tree = ast.parse(file.read_text(), str(file))
        except (SyntaxError, UnicodeDecodeError, OSError):
            continue
        module = module_of(file, folder)
        for name, rank in _made(tree):
            usual = _USUAL.index(file.stem) if file.stem in _USUAL else len(_USUAL)
            found.append(((rank, usual, len(file.relative_to(folder).parts), module), f"{module}:{name}"))
    return [name for _, name in sorted(found)]


def module_of(file: Path, folder: Path) -> str:
    """A file as a module: from the folder, or from a ``src`` in it."""
    parts = list(file.relative_to(folder).with_suffix("").parts)
    if parts[0] == "src" and not (folder / "src" / "__init__.py").exists():
        parts = parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _sources(folder: Path) -> Iterator[Path]:
    for here, below, files in os.walk(folder):
        depth = len(Path(here).relative_to(folder).parts)
        below[:] = [
            name
            for name in sorted(below)
            if depth < MAX_DEPTH
            and not name.startswith(".")
            and name not in _SKIPPED
            and not (Path(here) / name / "pyvenv.cfg").exists()
        ]
        yield from (
            Path(here) / name for name in files if name.endswith(".py") and not name.startswith("test_")
        )


def _made(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names that hold an app (rank 0; 1 where another takes it and may be the app) or make one (2), at a module's top."""
    apps: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call):
            function = node.value.func
            maker = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            given = [*node.value.args, *(keyword.value for keyword in node.value.keywords)]
            # What takes an app and gets a name of its own is middleware around it, or an extension that is no app.
            wrapped = [one.id for one in given if isinstance(one, ast.Name) and apps.get(one.id) == 0]
            if maker in MAKERS or (wrapped and maker[:1].isupper()):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                apps |= dict.fromkeys(wrapped, 1)
                apps |= {target.id: 0 for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.FunctionDef) and node.name in FACTORIES:
            required = len(node.args.args) - len(node.args.defaults)
            if required == 0:
                apps[node.name] = 2
    yield from apps.items()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an app tells of itself."""

    interface: Interface
    factory: bool
    framework: str
    openapi: dict[str, object] | None = None
    """Its OpenAPI document, if it makes one."""
    routes: list[tuple[str, str]] = []
    """Method and path, where there is no document."""
    websockets: list[str] = []
    """The paths of its WebSocket routes."""


def ask(app: str, folder: Path, python: str | None = None) -> Told:
    """Import an app and ask it what it is and what it answers to.

    Args:
        app: ``module:object``.
        folder: Where it is started.
        python: The interpreter that imports it, as an experiment in the folder names it.

    Raises:
        DiscoverError: it cannot be imported.
        InterpreterError: the interpreter cannot be used.
    """
    interpreter, env = examine(python, folder), variables(python, folder)
    path = os.pathsep.join([str(folder), str(folder / "src"), *filter(None, [env.get("PYTHONPATH")])])
    try:
        said = run_inside(
            "describe",
            interpreter.path,
            [app],
            timeout_s=_ASK_TIMEOUT_S,
            cwd=folder,
            env={**env, "PYTHONPATH": path},
        )
        return msgspec.json.decode(said, type=Told)
    except subprocess.TimeoutExpired:
        raise DiscoverError(f"{app} was not imported within {_ASK_TIMEOUT_S} s") from None
    except ScriptError as error:
        remedy = _remedy(str(error), folder, interpreter.path)
        raise DiscoverError(f"{app} cannot be imported: {error}{remedy}") from None
    except msgspec.DecodeError:
        raise DiscoverError(
            f"{app} cannot be asked what it is: it ends with the words {said[:200]!r}"
        ) from None


def _remedy(error: str, folder: Path, python: str) -> str:
    """What to do about a module that is missing: is it the app's own, or a package of another environment?"""
    missing = re.search(r"No module named '([^'.]+)", error)
    if missing is None:
        return ""
    name = missing[1]
    own = next((file for file in _sources(folder) if name in (file.stem, file.parent.name)), None)
    if own is not None:
        above = own.parent.parent if own.parent.name == name else own.parent
        if above not in (folder, folder / "src"):
            return f"; call hotlap init in the folder that the app is started in ({above}?)"
    return (
        f"; it was imported by {python}: if that is not the app's interpreter, name the app's with --python"
    )
