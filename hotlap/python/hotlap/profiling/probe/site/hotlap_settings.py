"""Says which settings for development are on in the process: debug modes, reloaders, tracers, a slow build of Python.

Frameworks that were not imported are not on. Apps and servers are found among the objects that the garbage collector
knows, by their type alone: many an object does something when it is asked what it is. It uses the standard library
alone.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from typing import Any

Setting = tuple[str, str]
"""Its kind, one of the lab's ``SettingKind``, and what was seen of it."""

_APPS = (
    ("flask-debug", "flask.app", "Flask"),
    ("quart-debug", "quart.app", "Quart"),
    ("starlette-debug", "starlette.applications", "Starlette"),
    ("litestar-debug", "litestar.app", "Litestar"),
    ("sanic-debug", "sanic.app", "Sanic"),
)
"""Kinds with the class of apps whose attribute ``debug`` says so."""
_PRESENT = (
    ("werkzeug-debugger", "werkzeug.debug", "DebuggedApplication"),
    ("werkzeug-server", "werkzeug.serving", "BaseWSGIServer"),
    ("django-server", "django.core.servers.basehttp", "WSGIServer"),
    ("wsgiref-server", "wsgiref.simple_server", "WSGIServer"),
    ("reloader", "uvicorn.supervisors.basereload", "BaseReload"),
)
"""Kinds with the class of which there is an object where it is on; of kinds that have one in common, the first."""
_RELOADED = ("WERKZEUG_RUN_MAIN", "RUN_MAIN")
"""Variables that reloaders (Flask's, Django's) set for the process that serves."""
_DEBUGGERS = ("bdb", "pdb", "pydevd", "_pydevd_bundle", "debugpy")
_TRACERS = {"settrace": "tracer", "setprofile": "profiler"}
_LOOP_TIMEOUT_S = 2.0
_JIT = 5
"""The tool of ``sys.monitoring`` that is for optimisers."""

_set: dict[tuple[str, int], Any] = {}
"""Functions of ``sys.settrace`` and ``sys.setprofile``, by which of them and thread."""


def watch() -> None:
    """Notice tracers and profilers that threads set from now on: a thread can only be asked for its own."""
    for name in _TRACERS:
        setattr(sys, name, _noticing(name, getattr(sys, name)))


def _noticing(name: str, call: Callable[[Any], None]) -> Callable[[Any], None]:
    @functools.wraps(call)
    def noticing(function: Any) -> None:
        if function is None:
            _set.pop((name, threading.get_ident()), None)
        else:
            _set[name, threading.get_ident()] = function
        call(function)

    return noticing


def settings() -> dict[str, Any]:
    """Those that are on now."""
    found: dict[str, str] = {}
    for look in (_frameworks, _loops, _tools, _build):
        for kind, seen in look():
            found.setdefault(kind, seen)
    return {"settings": [{"kind": kind, "seen": seen} for kind, seen in found.items()]}


def _frameworks() -> Iterator[Setting]:
    conf = sys.modules.get("django.conf")
    if conf is not None and conf.settings.configured and conf.settings.DEBUG:
        yield "django-debug", os.environ.get("DJANGO_SETTINGS_MODULE") or "settings.configure(DEBUG=True)"
    bottle = sys.modules.get("bottle")
    if getattr(bottle, "DEBUG", False) is True:
        yield "bottle-debug", "bottle.DEBUG"
    for name in _RELOADED:
        if os.environ.get(name) == "true":
            yield "reloader", name
    apps = [(kind, held) for kind, module, name in _APPS if (held := _class(module, name)) is not None]
    others = [(kind, held) for kind, module, name in _PRESENT if (held := _class(module, name)) is not None]
    if not apps and not others:
        return
    taken: set[int] = set()
    for held in gc.get_objects():
        of = type(held)
        for kind, wanted in apps:
            if issubclass(of, wanted) and _is_on(held):
                yield kind, _name(of)
        kind = next((kind for kind, wanted in others if issubclass(of, wanted)), "")
        if kind and id(held) not in taken:
            taken.add(id(held))
            yield kind, _name(of)


def _class(module: str, name: str) -> Any:
    held = getattr(sys.modules.get(module), name, None)
    return held if isinstance(held, type) else None


def _is_on(app: Any) -> bool:
    try:
        return bool(app.debug)
    except Exception:
        return False  # Whatever goes wrong in code that is not ours.


def _name(of: Any) -> str:
    """A class's or a function's name with its module."""
    name = getattr(of, "__qualname__", type(of).__qualname__)
    return f"{getattr(of, '__module__', None) or type(of).__module__}.{name}"


def _loops() -> Iterator[Setting]:
    if sys.flags.dev_mode:
        yield "dev-mode", "sys.flags.dev_mode"
    for loop in [held for held in gc.get_objects() if issubclass(type(held), asyncio.AbstractEventLoop)]:
        if not loop.is_running():
            continue
        if loop.get_debug():
            yield "asyncio-debug", f"{_name(type(loop))}.get_debug()"
        yield from _traced(loop)


def _traced(loop: asyncio.AbstractEventLoop) -> Iterator[Setting]:
    """What the thread of an event loop says of itself."""
    told: list[Any] = []
    done = threading.Event()

    def look() -> None:
        told.extend((sys.gettrace(), sys.getprofile()))
        done.set()

    try:
        loop.call_soon_threadsafe(look)
    except RuntimeError:
        return  # It was closed meanwhile.
    if done.wait(_LOOP_TIMEOUT_S):
        for kind, function in zip(_TRACERS.values(), told):
            yield from _of_function(kind, function)


def _of_function(kind: str, function: Any) -> Iterator[Setting]:
    if function is not None:
        module = str(getattr(function, "__module__", None) or type(function).__module__)
        package = module.partition(".")[0]
        yield (
            "coverage" if package == "coverage" else "debugger" if package in _DEBUGGERS else kind,
            _name(function),
        )


def _tools() -> Iterator[Setting]:
    coverage = sys.modules.get("coverage")
    current = getattr(getattr(coverage, "Coverage", None), "current", lambda: None)()
    if current is not None and getattr(current, "_started", True):
        yield "coverage", f"coverage {getattr(coverage, '__version__', '')}".strip()
    alive = set(sys._current_frames())
    for (name, thread), function in list(_set.items()):
        if thread in alive:
            yield from _of_function(_TRACERS[name], function)
    # What new threads are given, and those that were started so have.
    yield from _of_function("tracer", getattr(threading, "_trace_hook", None))
    yield from _of_function("profiler", getattr(threading, "_profile_hook", None))
    monitoring: Any = getattr(sys, "monitoring", None)
    for number in range(6) if monitoring is not None else ():
        tool = monitoring.get_tool(number) if number != _JIT else None
        if tool is not None:
            kinds = {monitoring.DEBUGGER_ID: "debugger", monitoring.PROFILER_ID: "profiler"}
            yield "coverage" if "coverage" in tool else kinds.get(number, "monitoring"), str(tool)
    tracemalloc = sys.modules.get("tracemalloc")
    if tracemalloc is not None and tracemalloc.is_tracing():
        yield "tracemalloc", "tracemalloc.is_tracing()"


def _build() -> Iterator[Setting]:
    if sysconfig.get_config_var("Py_DEBUG") or hasattr(sys, "gettotalrefcount"):
        yield "debug-python", sys.executable
        return
    words = sysconfig.get_config_var("CONFIG_ARGS")
    # Debian optimises its own in another way, and does not say so.
    if isinstance(words, str) and "--enable-optimizations" not in words and sys.base_prefix != "/usr":
        yield "unoptimised-python", sys.executable
