"""How a server of the experiment is served: by which server, on which interpreter. Found out before it is started."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from hotlap.evidence.service import ServedBy, ServerName
from hotlap.experiment import Server
from hotlap.experiment.interpreter import Interpreter, InterpreterError, examine, is_own, path_of, variables
from hotlap.serving.servers import SERVERS, AppServer, able, choose


class ServeError(RuntimeError):
    """A server that did not start, or is gone: the message says why and shows the end of its log."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How a server is served, found out."""

    interpreter: Interpreter | None
    """``None`` where it is not known: of a server that runs already, or a command that is not Python."""
    by: AppServer | None
    """``None`` where the experiment names a command or a url."""
    evidence: ServedBy

    @property
    def version(self) -> tuple[int, int]:
        """Which Python the app runs in; where that is not known, the lab's is assumed."""
        return (self.interpreter.version if self.interpreter is not None else sys.version_info)[:2]

    def lacks(self, package: str) -> str | None:
        """The command that installs a package beside the app; ``None`` where it is there, or nobody knows."""
        if self.interpreter is None or package in self.interpreter.packages:
            return None
        return self.interpreter.install(package)


ASKED = (*(server.package for server in SERVERS), "memray")
"""The packages that are looked for beside the app."""


def way_of(server: Server, root: Path) -> Way:
    """Find out how a server is served.

    Raises:
        ServeError: the interpreter cannot be used, or has no server that speaks the app's interface.
    """
    if server.url is not None:
        return Way(interpreter=None, by=None, evidence=ServedBy(server="url"))
    try:
        interpreter = _interpreter(server, root)
    except InterpreterError as error:
        raise ServeError(str(error)) from None
    if server.command is not None:
        told = msgspec.structs.replace(_told(interpreter, "command"), program=_beside(server, root))
        return Way(interpreter=interpreter, by=None, evidence=told)
    assert interpreter is not None
    by = choose(server.interface, interpreter.packages)
    if by is None:
        raise ServeError(_none_found(server, interpreter))
    if server.granian_args and by.package != "granian":
        raise ServeError(
            f"granian_args are for Granian, which {interpreter.path} does not have: "
            f"{interpreter.install('granian')}, or leave granian_args out, to be served by {by.package}"
        )
    told = _told(interpreter, by.package)
    return Way(
        interpreter=interpreter,
        by=by,
        evidence=msgspec.structs.replace(
            told,
            version=interpreter.packages[by.package] or None,
            interface=server.interface,
            threads=by.threads,
        ),
    )


def _interpreter(server: Server, root: Path) -> Interpreter | None:
    """The interpreter of an app, or of a command that is run by one."""
    elsewhere = server.command is not None and server.python is None and not _is_python(server.command)
    if elsewhere and _beside(server, root) is None:
        return None
    # A command that is not Python is taken for a program of the interpreter's environment.
    return examine(server.python, root, ASKED, _own_paths(server, root))


def _own_paths(server: Server, root: Path) -> dict[str, str]:
    """The path of modules that the server sets, whole: the interpreter is asked in another folder."""
    if "PYTHONPATH" not in server.env:
        return {}
    served_from = root.absolute() / (server.cwd or ".")
    entries = server.env["PYTHONPATH"].split(":")
    return {"PYTHONPATH": ":".join(str(served_from / entry) for entry in entries if entry)}


def _told(interpreter: Interpreter | None, server: ServerName) -> ServedBy:
    if interpreter is None:
        return ServedBy(server=server)
    return ServedBy(
        server=server,
        python=interpreter.path,
        python_version=interpreter.version_text,
        implementation=interpreter.implementation,
        own=is_own(interpreter.path),
    )


def _none_found(server: Server, interpreter: Interpreter) -> str:
    known = able(server.interface)
    names = ", ".join(one.package for one in known)
    others = [one for one in SERVERS if one.package in interpreter.packages and one not in known]
    there = (
        f" ({', '.join(one.package for one in others)} does not speak {server.interface})" if others else ""
    )
    return (
        f"{interpreter.path} has no server for the app's interface, {server.interface}{there}; hotlap looks for {names}. "
        f"Install one beside the app: {interpreter.install(known[0].package)}; "
        "or name a server of your own with the experiment's key command (hotlap init --command)"
    )


SOCKET = "{socket}"


def in_file_system(server: Server) -> bool:
    """Whether its command has it listen in the file system."""
    return any(SOCKET in word for word in server.command or ())


def command_of(
    server: Server,
    root: Path,
    port: int,
    *,
    host: str = "127.0.0.1",
    socket: str = "",
    python_args: Sequence[str] = (),
    wrapper: Sequence[str] = (),
) -> list[str]:
    """The command line that serves ``server`` on a port, which takes the place of ``{port}`` in a command.

    Args:
        server: What is served.
        root: The experiment's folder.
        port: Where it listens.
        host: The address; it takes the place of ``{host}``.
        socket: Where in the file system it listens, if it does so; it takes the place of ``{socket}``.
        python_args: Arguments for the interpreter, before ``-m``.
        wrapper: A command that comes before the whole.

    In a ``command``, ``{python}`` is the app's interpreter, and so is ``python`` where the command starts with it. Its
    program is looked for on the ``PATH``, and then beside the interpreter.

    Raises:
        ServeError: the interpreter cannot be used, there is no server in it, or ``python_args`` are asked for and the
            command is not Python.
    """
    if server.command is not None:
        python = path_of(server.python, root)
        if server.python is not None:
            way_of(server, root)  # It says what is wrong with the interpreter.
        put = {"{port}": str(port), "{host}": host, SOCKET: socket, "{python}": python}
        words = [_put(word, put) for word in server.command]
        words[0] = _beside(server, root) or words[0]
        if _is_python(server.command):
            words = [python, *python_args, *words[1:]]
        elif python_args:
            raise ServeError(
                f"{shlex.join(words)} does not start with python: this profile needs to start the interpreter"
            )
        return [*wrapper, *words]
    way = way_of(server, root)
    assert way.by is not None
    assert way.interpreter is not None
    return [
        *wrapper,
        *(way.interpreter.path, *python_args, "-m", way.by.package),
        *way.by.words(server, host, port, way.evidence.version or ""),
    ]


def _is_python(command: Sequence[str]) -> bool:
    return command[0] in ("python", "python3", "{python}")


def _beside(server: Server, root: Path) -> str | None:
    """The whole path of a command's program that is not on the ``PATH``, but beside the interpreter."""
    program = server.command[0] if server.command is not None else ""
    if not program or "/" in program or "{" in program or _is_python([program]):
        return None
    if shutil.which(program, path=environment_of(server, root).get("PATH")) is not None:
        return None
    return shutil.which(program, path=str(Path(path_of(server.python, root)).parent))


_SHELL = {"&&", "||", "|", ";", ">", "<", "&"}


def lacking(server: Server, root: Path) -> str | None:
    """What to do about a command's program that is not there; ``None`` where something else is wrong."""
    program = server.command[0] if server.command is not None else ""
    environment = environment_of(server, root)
    if not program or "/" in program or shutil.which(program, path=environment.get("PATH")) is not None:
        return None
    if _SHELL.intersection(server.command or ()):
        return f"there is no program {program}: a command is run without a shell, so write sh -c '...'"
    if "=" in program:
        return f"{program} is no program: variables are named with the key env"
    place = Path(path_of(server.python, root)).parent
    return (
        f"there is no program {program} on the PATH, nor in {place}: give its whole path, or the interpreter of its "
        "environment (the key python; hotlap init --python)"
    )


def _put(word: str, put: Mapping[str, str]) -> str:
    for name, value in put.items():
        word = word.replace(name, value)
    return word


def environment_of(server: Server, root: Path, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables that a server is started with: the interpreter's, the server's own, then ``env``.

    ``PYTHONPATH`` in ``env`` comes before what there is, and ``PYTHONWARNINGS`` after it, instead of in its place.
    """
    made = {**variables(server.python, root), **server.env}
    own = {name: made[name] for name in ("PYTHONPATH", "PYTHONWARNINGS") if made.get(name)}
    made.update(env or {})
    if env and env.get("PYTHONPATH") and "PYTHONPATH" in own:
        made["PYTHONPATH"] = f"{env['PYTHONPATH']}:{own['PYTHONPATH']}"
    if env and env.get("PYTHONWARNINGS") and "PYTHONWARNINGS" in own:
        made["PYTHONWARNINGS"] = f"{own['PYTHONWARNINGS']},{env['PYTHONWARNINGS']}"
    return made
