"""Rules about how the app was served: settings that are for its development, not for measuring it."""

from __future__ import annotations

from collections.abc import Iterator

from hotlap.analysis.judged import JudgedRun
from hotlap.analysis.rules import Claim, lanes_were, rule
from hotlap.evidence.debugging import SettingKind

_SERVE_WITH = "serve it with what serves it in production (granian, gunicorn, uvicorn)"

SETTINGS = {
    SettingKind.DJANGO_DEBUG: (
        "Django's DEBUG = True, which keeps the text of each statement and shows errors in full",
        "set DEBUG = False in its settings",
    ),
    SettingKind.FLASK_DEBUG: (
        "Flask's debug mode",
        "leave out --debug, debug=True and the variable FLASK_DEBUG",
    ),
    SettingKind.QUART_DEBUG: (
        "Quart's debug mode",
        "leave out --debug, debug=True and the variable QUART_DEBUG",
    ),
    SettingKind.STARLETTE_DEBUG: (
        "debug=True of Starlette or FastAPI",
        "leave out debug=True where the app is made",
    ),
    SettingKind.LITESTAR_DEBUG: ("Litestar's debug mode", "leave out --debug, debug=True and LITESTAR_DEBUG"),
    SettingKind.SANIC_DEBUG: ("Sanic's debug mode", "leave out --debug, --dev and debug=True"),
    SettingKind.BOTTLE_DEBUG: ("Bottle's debug mode", "leave out bottle.debug(True) and debug=True"),
    SettingKind.WERKZEUG_DEBUGGER: (
        "werkzeug's debugger",
        "leave out debug=True, use_debugger=True and DebuggedApplication",
    ),
    SettingKind.WERKZEUG_SERVER: (
        "werkzeug's server, which is for development: it opens a thread for each connection",
        _SERVE_WITH,
    ),
    SettingKind.DJANGO_SERVER: ("Django's runserver, which is for development", _SERVE_WITH),
    SettingKind.WSGIREF_SERVER: ("the standard library's wsgiref, which is for development", _SERVE_WITH),
    SettingKind.RELOADER: (
        "a reloader, which watches its files and may start it anew",
        "leave out --reload, reload=True and use_reloader=True (of Django's runserver: add --noreload)",
    ),
    SettingKind.FASTAPI_DEV: ("fastapi dev, which is for development", "serve it with `fastapi run`"),
    SettingKind.ASYNCIO_DEBUG: (
        "asyncio's debug mode, which keeps a stack for each call that it plans",
        "leave out PYTHONASYNCIODEBUG, debug=True of asyncio.run and loop.set_debug(True)",
    ),
    SettingKind.DEV_MODE: (
        "Python's development mode, which checks each allocation and turns asyncio's debug mode on",
        "leave out PYTHONDEVMODE and -X dev",
    ),
    SettingKind.COVERAGE: (
        "coverage, which looks at each line that runs",
        "leave out `coverage run` and the variable COVERAGE_PROCESS_START",
    ),
    SettingKind.TRACER: (
        "a trace function, which is called for each line",
        "leave out what calls sys.settrace or threading.settrace",
    ),
    SettingKind.PROFILER: (
        "a profiler, which is called for each function",
        "leave it out: `hotlap run --profiles on-cpu` looks from outside",
    ),
    SettingKind.MONITORING: (
        "a tool of sys.monitoring",
        "leave out what calls sys.monitoring.use_tool_id",
    ),
    SettingKind.DEBUGGER: ("a debugger", "leave it out: debugpy, pydevd or pdb"),
    SettingKind.TRACEMALLOC: (
        "tracemalloc, which keeps a stack for each allocation",
        "leave out PYTHONTRACEMALLOC, -X tracemalloc and tracemalloc.start()",
    ),
    SettingKind.DEBUG_PYTHON: (
        "a debug build of Python, which is several times slower",
        "serve it with a Python that was not configured with --with-pydebug",
    ),
    SettingKind.UNOPTIMISED_PYTHON: (
        "a Python that was built without --enable-optimizations, which is up to a fifth slower",
        "build it anew with that option (for pyenv: PYTHON_CONFIGURE_OPTS=--enable-optimizations), or take a Python "
        "that is built so (a distribution's, uv's, python.org's)",
    ),
}
"""What each setting is called and does, and how it is turned off."""


@rule("debug-settings", "run", "doubtful")
def debug_settings(run: JudgedRun) -> Iterator[Claim]:
    """Lanes were served with settings that are for development: a debug mode, a reloader, a tracer, a debug build."""
    for kind, by_lane in _seen(run).items():
        if kind is not SettingKind.UNOPTIMISED_PYTHON:
            yield _claim(run, kind, by_lane, weight=0.97)


@rule("unoptimised-python", "run", "finding")
def unoptimised_python(run: JudgedRun) -> Iterator[Claim]:
    """Lanes were served with a Python that was built without optimisation. Its figures are true, of a slow Python."""
    by_lane = _seen(run).get(SettingKind.UNOPTIMISED_PYTHON)
    if by_lane:
        yield _claim(run, SettingKind.UNOPTIMISED_PYTHON, by_lane, weight=0.2)


def _seen(run: JudgedRun) -> dict[SettingKind, dict[str, str]]:
    """Of each setting: where it was on, and what was seen of it."""
    found: dict[SettingKind, dict[str, str]] = {}
    for lane in run.lanes:
        for one in lane.evidence.debug_settings or []:
            found.setdefault(one.kind, {})[lane.name] = one.seen
    return found


def _claim(run: JudgedRun, kind: SettingKind, by_lane: dict[str, str], weight: float) -> Claim:
    what, remedy = SETTINGS[kind]
    names = list(by_lane)
    seen = ", ".join(dict.fromkeys(by_lane.values()))
    return Claim(
        sentence=f"{lanes_were(run, names)} served with {what} ({seen}): {remedy}, and measure anew",
        evidence={"setting": kind.value, "seen": {**by_lane}},
        lanes=names,
        link="#environment",
        weight=weight,
    )
