"""Settings for development are found in real servers, each by what it is called, and none where none is on."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import environments
import pytest
from environments import Need

from hotlap.experiment import Experiment, Lane, Server
from hotlap.profiling.debugging import debug_settings
from hotlap.profiling.probe import probe
from hotlap.profiling.statements import statements
from hotlap.serving.answers import Answers
from hotlap.serving.server import free_port, served, stop
from hotlap.serving.verify import ask

ASGI = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})
"""
FLASK = """
import sys
from flask import Flask
app = Flask(__name__)
@app.get("/")
def hello():
    return "hello"
if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), debug="debug" in sys.argv)
"""
STARLETTE = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
async def hello(request):
    return PlainTextResponse("hello")
app = Starlette(debug=True, routes=[Route("/", hello)])
"""
FASTAPI = """
from fastapi import FastAPI
app = FastAPI(debug=True)
@app.get("/")
async def hello() -> str:
    return "hello"
"""
LITESTAR = """
from litestar import Litestar, get
@get("/")
async def hello() -> str:
    return "hello"
app = Litestar([hello], debug=True)
"""
DJANGO = """
import sys
from pathlib import Path
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpResponse
from django.urls import path

settings.configure(
    DEBUG={debug}, SECRET_KEY="of a test", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[], USE_TZ=True,
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).with_name("shop.db")}}}},
)
def customers(request):
    with connection.cursor() as cursor:
        for number in range(31):
            cursor.execute("select %s", [number])
    return HttpResponse("31")
urlpatterns = [path("", customers)]
application = get_wsgi_application()
if __name__ == "__main__":
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""
TRACED = (
    ASGI
    + """
import sys
def look(frame, event, arg):
    return None
sys.settrace(look)
"""
)
PROFILED = TRACED.replace("settrace", "setprofile")
TRACEMALLOC = ASGI + "\nimport tracemalloc\ntracemalloc.start()\n"
LOOP = (
    ASGI
    + """
import asyncio
class App:
    async def __call__(self, scope, receive, send):
        asyncio.get_running_loop().set_debug(True)
        await app(scope, receive, send)
debugged = App()
"""
)
WSGIREF = """
import sys
from wsgiref.simple_server import demo_app, make_server
make_server("127.0.0.1", int(sys.argv[1]), demo_app).serve_forever()
"""

VERSIONS = environments.at_hand("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
UNOPTIMISED = "--enable-optimizations" not in str(sysconfig.get_config_var("CONFIG_ARGS"))
OF_THE_BUILD = {"unoptimised-python", "debug-python"}


def found(folder: Path, source: str, server: Server, path: str = "/") -> dict[str, str]:
    """The settings that are on when an app was verified, but for those of the interpreter's build."""
    (folder / "shop.py").write_text(source)
    lane = Lane(scenario="shop", variant="app", path=path)
    made = Experiment(name="shop", root=str(folder), server=server, lanes=(lane,))
    with probe() as own, served(made, lane, env=own.env(watch=True)) as running:
        ask(running, lane, 0)
        told = debug_settings(own, running)
    assert told is not None
    by_kind = {one.kind.value: one.seen for one in told}
    assert all(by_kind.values())
    return {kind: seen for kind, seen in by_kind.items() if kind not in OF_THE_BUILD}


def command(*words: str, **env: str) -> Server:
    return Server(command=("{python}", *words), env=env)


UVICORN = ("-m", "uvicorn", "--port", "{port}", "--log-level", "warning", "--loop", "asyncio")


@pytest.mark.parametrize(
    ("source", "server", "kinds"),
    [
        (ASGI, Server(app="shop:app", interface="asgi"), set()),
        (ASGI, command(*UVICORN, "shop:app"), set()),
        (FLASK, Server(app="shop:app", interface="wsgi"), set()),
        (FLASK, command("shop.py", "{port}"), {"werkzeug-server"}),
        (
            FLASK,
            command("shop.py", "{port}", "debug"),
            {"flask-debug", "werkzeug-debugger", "werkzeug-server", "reloader"},
        ),
        (FLASK, command("-m", "flask", "--app", "shop", "run", "--port", "{port}"), {"werkzeug-server"}),
        (
            FLASK,
            Server(app="shop:app", interface="wsgi", env={"FLASK_DEBUG": "1"}),
            {"flask-debug"},
        ),
        (STARLETTE, Server(app="shop:app", interface="asgi"), {"starlette-debug"}),
        (STARLETTE, command(*UVICORN, "shop:app"), {"starlette-debug"}),
        (FASTAPI, command(*UVICORN, "shop:app"), {"starlette-debug"}),
        (LITESTAR, command(*UVICORN, "shop:app"), {"litestar-debug"}),
        (ASGI, command(*UVICORN, "--reload", "shop:app"), {"reloader"}),
        (
            ASGI + "\nimport sys\nif __name__ == '__main__':\n"
            "    __import__('uvicorn').run('shop:app', port=int(sys.argv[1]), reload=True)\n",
            command("shop.py", "{port}"),
            {"reloader"},
        ),
        (ASGI, command(*UVICORN, "shop:app", PYTHONASYNCIODEBUG="1"), {"asyncio-debug"}),
        (LOOP, command(*UVICORN, "shop:debugged"), {"asyncio-debug"}),
        (
            LOOP,
            Server(app="shop:debugged", interface="asgi", granian_args=("--loop", "uvloop")),
            {"asyncio-debug"},
        ),
        (ASGI, command(*UVICORN, "shop:app", PYTHONDEVMODE="1"), {"dev-mode"}),
        (ASGI, command("-X", "dev", *UVICORN, "shop:app"), {"dev-mode"}),
        (TRACED, command(*UVICORN, "shop:app"), {"tracer"}),
        (PROFILED, command(*UVICORN, "shop:app"), {"profiler"}),
        (TRACED.replace("sys.", "__import__('threading')."), command(*UVICORN, "shop:app"), {"tracer"}),
        (TRACEMALLOC, command(*UVICORN, "shop:app"), {"tracemalloc"}),
        (ASGI, command("-m", "cProfile", *UVICORN, "shop:app"), {"profiler"}),
        (DJANGO.format(debug=True), Server(app="shop:application", interface="wsgi"), {"django-debug"}),
        (DJANGO.format(debug=False), Server(app="shop:application", interface="wsgi"), set()),
        (
            DJANGO.format(debug=False),
            command("shop.py", "runserver", "--noreload", "{port}"),
            {"django-server"},
        ),
        (WSGIREF, command("shop.py", "{port}"), {"wsgiref-server"}),
    ],
)
def test_what_is_on_is_found(tmp_path: Path, source: str, server: Server, kinds: set[str]) -> None:
    assert set(found(tmp_path, source, server)) == kinds


COVERED = "import coverage\ncoverage.Coverage(data_file=None).start()\n" + ASGI
MONITORED = (
    ASGI
    + """
import sys
sys.monitoring.use_tool_id(4, "shop's own")
sys.monitoring.set_events(4, sys.monitoring.events.PY_START)
"""
)


def test_a_server_that_runs_already_is_read_from_outside(tmp_path: Path) -> None:
    """Named without its pid, it is who listens there."""
    (tmp_path / "shop.py").write_text(ASGI)
    port = free_port()
    words = [sys.executable, "-X", "dev", "-m", "uvicorn", "--port", str(port), "--reload", "shop:app"]
    process = subprocess.Popen(words, cwd=tmp_path, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        made = Experiment(
            name="shop", root=str(tmp_path), server=Server(url=f"http://127.0.0.1:{port}"), lanes=()
        )
        with probe() as own, served(made) as running:
            assert running.pids() == []
            assert process.pid in running.seen_pids()
            told = debug_settings(own, running)
        assert {one.kind.value for one in told or []} == {"reloader", "dev-mode"}
    finally:
        stop(process)


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_tracers_are_found_on_each_python(tmp_path: Path, version: str, need: Need) -> None:
    python = str(environments.make(tmp_path / "env", version, ["uvicorn", "coverage"], need))
    by_itself = (*UVICORN, "shop:app")

    def of(source: str, *words: str) -> set[str]:
        return set(found(tmp_path, source, Server(python=python, command=("{python}", *words))))

    assert of(ASGI, *by_itself) == set()
    assert of(ASGI, "-m", "coverage", "run", "--data-file", "none", *by_itself) == {"coverage"}
    assert of(COVERED, *by_itself) == {"coverage"}
    assert of(TRACED, *by_itself) == {"tracer"}
    assert of(ASGI, "-X", "dev", *by_itself) == {"dev-mode"}
    if tuple(map(int, version.split("."))) >= (3, 12):
        assert of(MONITORED, *by_itself) == {"monitoring"}


@pytest.mark.slow
def test_fastapi_dev_is_told_from_fastapi_run(tmp_path: Path, need: Need) -> None:
    python = str(
        environments.make(tmp_path / "env", environments.OWN, ["fastapi", "fastapi-cli", "uvicorn"], need)
    )
    source = FASTAPI.replace("debug=True", "")

    def of(word: str) -> set[str]:
        words = ("{python}", "-m", "fastapi", word, "shop.py", "--port", "{port}")
        return set(found(tmp_path, source, Server(python=python, command=words)))

    assert of("run") == set()
    assert of("dev") == {"fastapi-dev", "reloader"}


def test_the_build_of_python_is_told(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(ASGI)
    lane = Lane(scenario="shop", variant="app", path="/")
    made = Experiment(
        name="shop", root=str(tmp_path), server=Server(app="shop:app", interface="asgi"), lanes=(lane,)
    )
    with probe() as own, served(made, lane, env=own.env(watch=True)) as running:
        told = {one.kind.value: one.seen for one in debug_settings(own, running) or []}
    debug = bool(sysconfig.get_config_var("Py_DEBUG"))
    assert ("debug-python" in told) is debug
    assert ("unoptimised-python" in told) is (UNOPTIMISED and not debug and sys.base_prefix != "/usr")


@pytest.mark.parametrize("debug", [False, True])
def test_statements_that_a_debug_mode_adds_are_not_the_apps(tmp_path: Path, debug: bool) -> None:
    (tmp_path / "shop.py").write_text(DJANGO.format(debug=debug))
    lane = Lane(scenario="shop", variant="app", path="/")
    server = Server(app="shop:application", interface="wsgi")
    made = Experiment(name="shop", root=str(tmp_path), server=server, lanes=(lane,))
    with probe() as own, served(made, lane, env=own.env(watch=True)) as running:
        sent = statements(own, running, Answers(lane), tmp_path)
    assert sent is not None
    assert [one.sql for one in sent.repeated if "QUOTE" in one.sql] == []
    assert sent.repeated[0].per_request == 31
    # What opens the connection, which Django does anew for each request, is the app's too.
    assert sent.per_request < 31 + 5
    assert (sent.added_per_request >= 31) is debug
