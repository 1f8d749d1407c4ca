"""Counts the statements that the process sends to databases, each with the stack that sent it.

SQLite tells each connection's statements itself. Of the others, the function through which all statements
of a library go is counted where that library is imported; a library that is used through another one
(a driver through SQLAlchemy or Django) is counted once. It uses the standard library alone.
"""

from __future__ import annotations

import contextlib
import functools
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any

WATCHED = {
    "sqlalchemy.engine.default": (
        *("DefaultDialect.do_execute:2", "DefaultDialect.do_execute_no_params:2"),
        "DefaultDialect.do_executemany:2",
    ),
    "django.db.backends.utils": ("CursorWrapper.execute:1", "CursorWrapper.executemany:1"),
    "psycopg.cursor": ("Cursor.execute:1", "Cursor.executemany:1", "Cursor.stream:1"),
    "psycopg.cursor_async": ("AsyncCursor.execute:1", "AsyncCursor.executemany:1", "AsyncCursor.stream:1"),
    "asyncpg.connection": (
        *("Connection.execute:1", "Connection.fetch:1", "Connection.fetchrow:1", "Connection.fetchval:1"),
        "Connection.executemany:1",
    ),
    "asyncpg.prepared_stmt": (
        *("PreparedStatement.fetch:_query", "PreparedStatement.fetchrow:_query"),
        "PreparedStatement.fetchval:_query",
    ),
    "aiosqlite.core": ("Connection._execute:2",),
    "pymysql.cursors": ("Cursor.execute:1", "Cursor.executemany:1"),
    "aiomysql.cursors": ("Cursor.execute:1", "Cursor.executemany:1"),
    "MySQLdb.cursors": ("BaseCursor.execute:1", "BaseCursor.executemany:1"),
}
"""By module: the methods that send statements, with the place (or the attribute) that has the statement."""
MAX_DEPTH = 100

_statements: Counter[str] = Counter()
_within: ContextVar[bool] = ContextVar("hotlap_within", default=False)
_NUMBERS = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")


def watch() -> None:
    """Count the statements of libraries that are imported, and of SQLite connections opened, from now on."""
    sys.meta_path.insert(0, _Finder())
    try:
        import sqlite3
    except ImportError:
        return
    connect = sqlite3.connect

    @functools.wraps(connect)
    def traced(*args: Any, **options: Any) -> Any:
        connection = connect(*args, **options)
        connection.set_trace_callback(_of_sqlite)
        return connection

    sqlite3.connect = sqlite3.dbapi2.connect = traced


def statements() -> dict[str, Any]:
    """The statements sent since this was last asked: how often each, with the stacks that sent it.

    ``debug_mode`` names the framework whose debug mode added it.
    """
    found = [
        {"sql": sql, "stack": stack, "count": count, "debug_mode": debug_mode or None}
        for (debug_mode, sql, *stack), count in (
            (key.split("\n"), count) for key, count in _statements.items()
        )
    ]
    _statements.clear()
    return {"statements": found}


class _Finder(MetaPathFinder):
    """Has the methods of watched modules replaced once these are loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in WATCHED:
            return None
        for finder in sys.meta_path:
            if finder is self or (spec := finder.find_spec(fullname, path, target)) is None:
                continue
            if spec.loader is not None:
                run = functools.partial(_load, spec.loader.exec_module, WATCHED[fullname])
                spec.loader.exec_module = run  # type: ignore[method-assign]
            return spec
        return None


def _load(run: Callable[[ModuleType], None], methods: Sequence[str], module: ModuleType) -> None:
    run(module)
    count_methods(module, methods)


def count_methods(module: ModuleType, methods: Sequence[str]) -> None:
    """Replace methods (``Class.method:PLACE``) by ones that count; what a version does not have is left out."""
    for method in methods:
        name, _, place = method.partition(":")
        kind, _, attribute = name.partition(".")
        held = getattr(module, kind, None)
        if held is not None and (own := vars(held).get(attribute)) is not None:
            with contextlib.suppress(TypeError):  # A class that is not Python's own cannot be changed.
                setattr(held, attribute, _counting(own, place))


def _counting(call: Callable[..., Any], place: str) -> Callable[..., Any]:
    @functools.wraps(call)
    def counting(*args: Any, **options: Any) -> Any:
        if _within.get():
            return call(*args, **options)
        _count(_statement(args, options, place))
        token = _within.set(True)
        try:
            return call(*args, **options)
        finally:
            _within.reset(token)

    return counting


def _statement(args: Sequence[Any], options: dict[str, Any], place: str) -> Any:
    if not place.isdecimal():
        return getattr(args[0], place, None)
    if int(place) < len(args):
        return args[int(place)]
    return next((options[name] for name in ("query", "sql", "statement") if name in options), None)


def _of_sqlite(text: str) -> None:
    # What aiosqlite's threads send was counted where it was asked for: there the stack is the app's.
    if not _within.get() and not _runs("aiosqlite.core"):
        # With DEBUG = True Django has SQLite quote the values of each statement, to keep its text.
        _count(text, "django" if _runs("django.db.backends.sqlite3.operations", _DJANGO_QUOTES) else "")


_DJANGO_QUOTES = "_quote_params_for_last_executed_query"


def _runs(module: str, function: str | None = None) -> bool:
    """Whether a module's function runs now, or any of it."""
    if module not in sys.modules:
        return False
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == module and function in (None, frame.f_code.co_name):
            return True
        frame = frame.f_back
    return False


def _count(statement: Any, debug_mode: str = "") -> None:
    """``debug_mode``: whose debug mode added it, if one did."""
    text = statement.decode(errors="replace") if isinstance(statement, bytes) else statement
    if not isinstance(text, str):
        # A statement made of parts says what it is only to a connection; a driver's own step is none.
        if type(text).__module__.partition(".")[0] != "psycopg":
            return
        text = repr(text)
    _statements["\n".join([debug_mode, " ".join(_NUMBERS.sub("?", text).split()), *_stack()])] += 1


def _stack() -> list[str]:
    """The frames that run now, the outermost first; of a greenlet those of its parents too."""
    frames: list[str] = []
    frame: FrameType | None = sys._getframe(1)
    greenlet = sys.modules.get("greenlet")
    at = greenlet.getcurrent() if greenlet is not None else None
    while len(frames) < MAX_DEPTH:
        if frame is None:
            # SQLAlchemy runs what it awaits in a greenlet: who asked for it is in the one that waits.
            at = getattr(at, "parent", None)
            frame = getattr(at, "gr_frame", None)
            if frame is None:
                break
        code = frame.f_code
        if code.co_filename != __file__:
            name = getattr(code, "co_qualname", code.co_name)
            frames.append(f"{name} ({code.co_filename}:{frame.f_lineno})".replace("\n", " "))
        frame = frame.f_back
    return frames[::-1]
