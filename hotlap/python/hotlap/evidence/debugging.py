"""How an app was served that is made for its development, not for measuring it."""

from __future__ import annotations

import enum

import msgspec


class SettingKind(enum.Enum):
    """A setting that is for development."""

    DJANGO_DEBUG = "django-debug"
    FLASK_DEBUG = "flask-debug"
    QUART_DEBUG = "quart-debug"
    STARLETTE_DEBUG = "starlette-debug"
    """FastAPI's too."""
    LITESTAR_DEBUG = "litestar-debug"
    SANIC_DEBUG = "sanic-debug"
    BOTTLE_DEBUG = "bottle-debug"
    WERKZEUG_DEBUGGER = "werkzeug-debugger"
    WERKZEUG_SERVER = "werkzeug-server"
    """What ``flask run`` and ``app.run()`` serve with."""
    DJANGO_SERVER = "django-server"
    """``manage.py runserver``."""
    WSGIREF_SERVER = "wsgiref-server"
    RELOADER = "reloader"
    FASTAPI_DEV = "fastapi-dev"
    ASYNCIO_DEBUG = "asyncio-debug"
    DEV_MODE = "dev-mode"
    """Python's own: ``-X dev``, ``PYTHONDEVMODE``."""
    COVERAGE = "coverage"
    TRACER = "tracer"
    """A function of ``sys.settrace``."""
    PROFILER = "profiler"
    """A function of ``sys.setprofile``, or a profiler that runs the server."""
    MONITORING = "monitoring"
    """A tool of ``sys.monitoring``."""
    DEBUGGER = "debugger"
    TRACEMALLOC = "tracemalloc"
    DEBUG_PYTHON = "debug-python"
    """Configured with ``--with-pydebug``."""
    UNOPTIMISED_PYTHON = "unoptimised-python"
    """Configured without ``--enable-optimizations``."""


class DebugSetting(msgspec.Struct, frozen=True, kw_only=True):
    """A setting for development that was on while a lane was verified."""

    kind: SettingKind
    seen: str
    """What was seen of it: a word of the command line, a variable, an object of the app."""
