"""Settings for development that a process's command line and variables show: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath

from hotlap.evidence.debugging import DebugSetting, SettingKind
from hotlap.serving.programs import TAKES_A_WORD, is_python, program_of

_RUNS_ANOTHER = {
    "coverage": SettingKind.COVERAGE,
    "trace": SettingKind.TRACER,
    "cProfile": SettingKind.PROFILER,
    "profile": SettingKind.PROFILER,
    "pyinstrument": SettingKind.PROFILER,
    "viztracer": SettingKind.PROFILER,
    "scalene": SettingKind.PROFILER,
    "kernprof": SettingKind.PROFILER,
    "pdb": SettingKind.DEBUGGER,
    "debugpy": SettingKind.DEBUGGER,
}
"""Programs that run another, and look on."""
_RELOAD = {
    "uvicorn": ("--reload",),
    "granian": ("--reload",),
    "hypercorn": ("--reload",),
    "gunicorn": ("--reload",),
    "litestar": ("--reload", "-r"),
    "sanic": ("--reload", "-r", "--auto-reload", "--dev", "-d"),
    "flask": ("--reload", "--debug"),
}
"""The words with which a server watches its files."""
_DEBUG = {
    "flask": (SettingKind.FLASK_DEBUG, ("--debug",)),
    "quart": (SettingKind.QUART_DEBUG, ("--debug",)),
    "litestar": (SettingKind.LITESTAR_DEBUG, ("--debug", "-d")),
    "sanic": (SettingKind.SANIC_DEBUG, ("--debug", "--dev", "-d")),
    "hypercorn": (SettingKind.ASYNCIO_DEBUG, ("--debug",)),
}
_VARIABLES = {
    "PYTHONDEVMODE": SettingKind.DEV_MODE,
    "PYTHONASYNCIODEBUG": SettingKind.ASYNCIO_DEBUG,
    "PYTHONTRACEMALLOC": SettingKind.TRACEMALLOC,
    "WERKZEUG_RUN_MAIN": SettingKind.RELOADER,
    "RUN_MAIN": SettingKind.RELOADER,
}
_OFF = ("", "0", "false", "no")


_IMPLIES = {
    SettingKind.DEV_MODE: (SettingKind.ASYNCIO_DEBUG,),
    SettingKind.COVERAGE: (SettingKind.TRACER, SettingKind.MONITORING),
    SettingKind.DEBUGGER: (SettingKind.TRACER, SettingKind.MONITORING),
    SettingKind.PROFILER: (SettingKind.MONITORING,),
}


def causes(found: Iterable[DebugSetting]) -> list[DebugSetting]:
    """The first setting of each kind, in the order of the kinds, without those that another one brings along."""
    first: dict[SettingKind, DebugSetting] = {}
    for one in found:
        first.setdefault(one.kind, one)
    implied = {kind for cause in first for kind in _IMPLIES.get(cause, ())}
    return [first[kind] for kind in SettingKind if kind in first and kind not in implied]


def of_process(words: Sequence[str], env: Mapping[str, str]) -> list[DebugSetting]:
    """The settings for development of a process, as its words and variables show them.

    Args:
        words: Its command line.
        env: The variables that it was started with.
    """
    return [DebugSetting(kind=kind, seen=seen) for kind, seen in (*_of_words(words), *_of_variables(env))]


def _of_variables(env: Mapping[str, str]) -> Iterator[tuple[SettingKind, str]]:
    for name, kind in _VARIABLES.items():
        if env.get(name, "").lower() not in _OFF:
            yield kind, f"{name}={env[name]}"


def _of_words(words: Sequence[str]) -> Iterator[tuple[SettingKind, str]]:
    if not words:
        return
    program, rest = PurePath(words[0]).name, list(words[1:])
    if is_python(program):
        yield from _of_options(rest)
        program, rest = program_of(rest)
    if program in _RUNS_ANOTHER:
        if program != "coverage" or "run" in rest:
            yield _RUNS_ANOTHER[program], program
        yield from _of_words(_run_by(rest))
    for known in _RELOAD.get(program, ()):
        if known in rest:
            yield SettingKind.RELOADER, f"{program} {known}"
    kind, debug = _DEBUG.get(program, (None, ()))
    for known in debug if kind is not None else ():
        if known in rest:
            assert kind is not None
            yield kind, f"{program} {known}"
    if program == "fastapi" and "dev" in rest:
        yield SettingKind.FASTAPI_DEV, "fastapi dev"
        if "--no-reload" not in rest:
            yield SettingKind.RELOADER, "fastapi dev"
    if program == "flask" and "run" in rest:
        yield SettingKind.WERKZEUG_SERVER, "flask run"
    if program in ("manage", "django", "django-admin") and "runserver" in rest:
        yield SettingKind.DJANGO_SERVER, f"{program} runserver"
        if "--noreload" not in rest:
            yield SettingKind.RELOADER, f"{program} runserver"


def _of_options(words: Sequence[str]) -> Iterator[tuple[SettingKind, str]]:
    """Of the interpreter's own options, which end with ``-m``, ``-c`` or a script."""
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] not in ("-m", "-c"):
        value = words[at].removeprefix("-X") or (words[at + 1] if at + 1 < len(words) else "")
        if words[at].startswith("-X") and value == "dev":
            yield SettingKind.DEV_MODE, "-X dev"
        elif words[at].startswith("-X") and value.partition("=")[0] == "tracemalloc":
            yield SettingKind.TRACEMALLOC, "-X tracemalloc"
        at += 2 if words[at] in TAKES_A_WORD else 1


def _run_by(words: Sequence[str]) -> list[str]:
    """What a program runs that looks on, as a command line of its own."""
    rest = list(words[1:] if words[:1] == ["run"] else words)
    if "-m" in rest:
        return ["python", *rest[rest.index("-m") :]]
    at = next((at for at, word in enumerate(rest) if word.endswith(".py") or "/" in word), None)
    return ["python", *rest[at:]] if at is not None else []
