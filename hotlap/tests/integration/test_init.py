"""``hotlap init``: what it finds out about apps, and the experiment that it writes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from verifying import verify

from hotlap.cli import main
from hotlap.experiment import discover
from hotlap.experiment.config import load_experiment
from hotlap.serving.server import served

FALCON = """
import falcon

class Thing:
    def on_get(self, req, resp, number=0):
        resp.text = "ok"

    def on_post(self, req, resp, number=0):
        resp.text = "made"

class Gone:
    def on_get(self, req, resp):
        raise falcon.HTTPGone()

def create_app():
    app = falcon.App()
    app.add_route("/things/{number:int}", Thing())
    app.add_route("/gone", Gone())
    return app
"""
FASTAPI = """
from datetime import date
from enum import Enum
from fastapi import FastAPI, HTTPException, Path
from pydantic import BaseModel, Field
app = FastAPI()

class Size(str, Enum):
    small = "small"

class Item(BaseModel):
    name: str = Field(min_length=3)
    price: float = Field(gt=0, lt=1)
    bought: date
    tags: list[str] = []

@app.get("/items/{number}/{size}")
async def item(size: Size, word: str, number: int = Path(ge=7)):
    return {"number": number}

@app.get("/private")
async def private():
    raise HTTPException(401)

@app.post("/items", status_code=201)
async def make(item: Item):
    return item
"""
ENDLESS = """
import asyncio
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

async def parts():
    while True:
        yield b"x"
        await asyncio.sleep(0.01)

async def events(request):
    return StreamingResponse(parts())

app = Starlette(routes=[Route("/events", events)])
"""
STARLETTE = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
async def hello(request):
    return PlainTextResponse("hello")
app = Starlette(routes=[Mount("/v1", routes=[Route("/hello", hello)])])
"""


LITESTAR = """
from dataclasses import dataclass
from litestar import Litestar, get, post

@dataclass
class Order:
    name: str
    pieces: int

@get("/orders/{number:int}", sync_to_thread=False)
def order(number: int, verbose: bool) -> Order:
    return Order("order", number)

@post("/orders", sync_to_thread=False)
def make(data: Order) -> Order:
    return data

def create_app() -> Litestar:
    return Litestar([order, make])
"""
FLASK = """
from flask import Flask

def create_app(settings=None):
    app = Flask(__name__)

    @app.get("/by/<uuid:key>")
    def by(key):
        return str(key)

    @app.get("/private")
    def private():
        return "no", 403

    return app
"""
DJANGO = """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import include, path, re_path

settings.configure(SECRET_KEY="of a test", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__)

def show(request, **given):
    return HttpResponse("shown")

of_year = [re_path(r"^(?P<year>(?:19|20)?[0-9]+)/$", show), path("<slug:name>", show)]
urlpatterns = [path("api/", include(of_year)), re_path(r"^plain/?$", show)]
application = get_wsgi_application()
"""
WRAPPED = (
    STARLETTE.replace("app =", "inner =")
    + """
from starlette.middleware.gzip import GZipMiddleware
app = GZipMiddleware(inner, minimum_size=500)
"""
)


@pytest.mark.parametrize(
    ("text", "app", "told"),
    [
        (
            FALCON,
            "main:create_app",
            {
                "interface": "wsgi",
                "factory": True,
                "framework": "falcon",
                "routes": [
                    ["GET", "/things/{number:int}"],
                    ["POST", "/things/{number:int}"],
                    ["GET", "/gone"],
                ],
            },
        ),
        (
            STARLETTE,
            "main:app",
            {
                "interface": "asgi",
                "factory": False,
                "framework": "starlette",
                "routes": [["GET", "/v1/hello"], ["HEAD", "/v1/hello"]],
            },
        ),
        (
            WRAPPED,
            "main:app",
            {
                "interface": "asgi",
                "factory": False,
                "framework": "starlette",
                "routes": [["GET", "/v1/hello"], ["HEAD", "/v1/hello"]],
            },
        ),
        (
            FLASK,
            "main:create_app",
            {
                "interface": "wsgi",
                "factory": True,
                "framework": "flask",
                "routes": [
                    ["GET", "/by/<uuid:key>"],
                    ["HEAD", "/by/<uuid:key>"],
                    ["OPTIONS", "/by/<uuid:key>"],
                    ["GET", "/private"],
                    ["HEAD", "/private"],
                    ["OPTIONS", "/private"],
                ],
            },
        ),
        (
            DJANGO,
            "main:application",
            {
                "interface": "wsgi",
                "factory": False,
                "framework": "django",
                "routes": [["GET", "/api/<year>/"], ["GET", "/api/<slug:name>"], ["GET", "/plain/"]],
            },
        ),
    ],
)
def test_what_an_app_tells(tmp_path: Path, text: str, app: str, told: dict[str, object]) -> None:
    (tmp_path / "main.py").write_text(text)
    assert discover.objects(tmp_path)[0] == app
    assert discover.ask(app, tmp_path) == msgspec.convert(told, discover.Told)


SOCKETS = {
    "starlette": """
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.routing import Mount, Route, WebSocketRoute

class Things(HTTPEndpoint):
    async def get(self, request): ...
    async def post(self, request): ...

class Echo(WebSocketEndpoint): ...

async def feed(socket): ...

app = Starlette(routes=[
    Route("/things", Things),
    WebSocketRoute("/feed", feed),
    Mount("/sub", routes=[WebSocketRoute("/echo/{room}", Echo)]),
])
""",
    "fastapi": """
from fastapi import APIRouter, FastAPI
app, router = FastAPI(), APIRouter(prefix="/sub")

@app.websocket("/feed")
async def feed(socket): ...

@router.websocket("/echo/{room}")
async def echo(socket, room): ...

app.include_router(router)
""",
    "litestar": """
from litestar import Litestar, Router, WebSocket, websocket

@websocket("/feed")
async def feed(socket: WebSocket) -> None: ...

@websocket("/echo/{room:str}")
async def echo(socket: WebSocket, room: str) -> None: ...

app = Litestar([feed, Router("/sub", route_handlers=[echo])])
""",
    "flask": """
from flask import Flask
from werkzeug.routing import Rule
app = Flask(__name__)
app.url_map.add(Rule("/feed", endpoint="feed", websocket=True))
app.url_map.add(Rule("/sub/echo/<room>", endpoint="echo", websocket=True))
""",
    "falcon": """
import falcon.asgi

class Echo:
    async def on_websocket(self, req, ws, room=""): ...

app = falcon.asgi.App()
app.add_route("/feed", Echo())
app.add_route("/sub/echo/{room}", Echo())
""",
}


@pytest.mark.parametrize("framework", SOCKETS)
def test_websocket_routes_are_told_apart(tmp_path: Path, framework: str) -> None:
    (tmp_path / "main.py").write_text(SOCKETS[framework])
    told = discover.ask("main:app", tmp_path)
    assert told.framework == framework
    plain = [path.replace("<", "{").replace(">", "}").replace(":str", "") for path in told.websockets]
    assert sorted(plain) == ["/feed", "/sub/echo/{room}"]
    assert "WEBSOCKET" not in {method for method, _ in told.routes}
    if framework == "starlette":
        assert told.routes == [("GET", "/things"), ("POST", "/things")]


EXTENSION = """
from flask import Flask

class Sock:
    def __init__(self, app):
        self.app = app

app = Flask(__name__)
sock = Sock(app)
application = sock.app
"""


def test_an_extension_that_takes_an_app_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "main.py").write_text(EXTENSION + '\n@app.get("/")\ndef root():\n    return "root"\n')
    assert discover.objects(tmp_path) == ["main:sock", "main:app"]
    code, told = init(tmp_path, monkeypatch)
    assert code == 0, told
    assert "main:app: flask, wsgi; 1 of 1 routes" in told


def test_websocket_routes_are_named_as_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = FASTAPI + '\n@app.websocket("/ws")\nasync def feed(socket): ...\n'
    (tmp_path / "main.py").write_text(text)
    code, told = init(tmp_path, monkeypatch)
    assert code == 0, told
    assert "1 of 3 routes" in told
    assert "– 1 WebSocket route: /ws" in told.splitlines()
    assert "# Left out: 1 WebSocket route: /ws; requests" in (tmp_path / "hotlap.toml").read_text()


def init(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    monkeypatch.chdir(folder)
    told = CliRunner().invoke(main, ["init", *words], env={"COLUMNS": "200"})
    return told.exit_code, told.output


def test_a_written_experiment_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "main.py").write_text(FALCON)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n\n[tool.other]\na = 1\n')
    code, told = init(tmp_path, monkeypatch)
    assert code == 0, told
    assert "it answers 410" in told
    parsed = tomllib.loads((tmp_path / "pyproject.toml").read_text())
    assert parsed["tool"]["other"] == {"a": 1}
    experiment, root = load_experiment(tmp_path)
    assert root == tmp_path
    assert [(lane.name, lane.path) for lane in experiment.lanes] == [("things-number/app", "/things/1")]
    assert (experiment.server.interface, experiment.server.factory) == ("wsgi", True)
    text = (tmp_path / "pyproject.toml").read_text()
    assert "# [tool.hotlap.scenarios.gone]" in text
    assert "# [tool.hotlap.scenarios.things-number-post]" in text
    again, said = init(tmp_path, monkeypatch)
    assert again == 2
    assert "has a [tool.hotlap] table already" in said


def test_paths_of_ones_own_and_an_app_in_src(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "src" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "main.py").write_text(STARLETTE)
    code, told = init(tmp_path, monkeypatch, "--app", "shop.main:app", "--path", "/v1/hello?name=x")
    assert code == 0, told
    experiment, _ = load_experiment(tmp_path)
    assert [(lane.scenario, lane.path) for lane in experiment.lanes] == [("v1-hello", "/v1/hello?name=x")]
    assert experiment.server.env == {"PYTHONPATH": "src"}


def taken_in(folder: Path) -> list[str]:
    """Take in what was left out, as the comments say: the lanes are named."""
    file = folder / "hotlap.toml"
    lines = file.read_text().splitlines()
    first = next((at for at, line in enumerate(lines) if line.startswith("# Left out")), len(lines))
    opened = [line.removeprefix("# ") for line in lines[first:] if not line.startswith("# Left out")]
    file.write_text("\n".join([*lines[:first], *opened]))
    experiment, _ = load_experiment(folder)
    return experiment.names()


def answers(folder: Path) -> dict[str, int]:
    """Serve what the table says and ask for each lane: all answer as it says."""
    experiment, _ = load_experiment(folder)
    with served(experiment) as running:
        return {lane.name: verify(running, lane).status for lane in experiment.lanes if not lane.steps}


def test_fastapi_is_asked_with_what_its_document_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parameters and bodies are made from their schemas; what may change something waits for its #."""
    (tmp_path / "main.py").write_text(FASTAPI)
    monkeypatch.setenv("USERNAME", "someone")
    monkeypatch.setenv("PASSWORD", "of a login")
    code, told = init(tmp_path, monkeypatch)
    assert code == 0, told
    assert "main:app: fastapi, asgi; 1 of 3 routes" in told
    assert "GET /private: it answers 401: log in, and give it the headers that say so" in told
    assert "hotlap run (about" in told
    experiment, _ = load_experiment(tmp_path)
    assert [(lane.name, lane.path) for lane in experiment.lanes] == [
        ("items-number-size/app", "/items/7/small?word=string")
    ]
    assert (
        "# number, word: made up, give them a value that is there" in (tmp_path / "hotlap.toml").read_text()
    )
    assert taken_in(tmp_path) == ["items-number-size/app", "private/app", "items-post/app"]
    experiment, _ = load_experiment(tmp_path)
    login, private = experiment.lane("private/app").steps
    assert (login.method, login.path, login.once) == ("POST", "/login", True)
    assert login.body == '{"username": "someone", "password": "of a login"}'
    assert (private.path, private.headers) == ("/private", {"Authorization": "Bearer {token}"})
    post = experiment.lane("items-post/app")
    assert (post.method, post.expect.statuses) == ("POST", (201,))
    assert json.loads(post.body or "") == {"name": "string", "price": 0.5, "bought": "2024-01-31"}
    assert answers(tmp_path) == {"items-number-size/app": 200, "items-post/app": 201}


def test_litestar_from_a_factory_in_src(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "src" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "main.py").write_text(LITESTAR)
    code, told = init(tmp_path, monkeypatch)
    assert code == 0, told
    assert "shop.main:create_app: litestar, asgi; 1 of 2 routes" in told
    assert taken_in(tmp_path) == ["orders-number/app", "orders-post/app"]
    assert answers(tmp_path) == {"orders-number/app": 200, "orders-post/app": 201}


def test_a_server_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``--command`` nothing is imported: the server's document tells its routes, or ``--path`` does."""
    (tmp_path / "main.py").write_text(FASTAPI)
    words = "python -m uvicorn main:app --port {port} --log-level warning"
    code, told = init(tmp_path, monkeypatch, "--command", words)
    assert code == 0, told
    assert "1 of 3 routes" in told
    assert f'command = "{words}"' in (tmp_path / "hotlap.toml").read_text()
    assert answers(tmp_path) == {"items-number-size/app": 200}
    (tmp_path / "hotlap.toml").unlink()
    (tmp_path / "main.py").write_text(STARLETTE)
    code, told = init(tmp_path, monkeypatch, "--command", words)
    assert code == 2
    assert "the page / answers 404" in told
    assert "name some with --path /PATH" in told
    code, told = init(tmp_path, monkeypatch, "--command", words, "--path", "/v1/hello")
    assert code == 0, told
    assert answers(tmp_path) == {"v1-hello/app": 200}


def test_where_no_route_answers_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "main.py").write_text(STARLETTE.replace('"hello")\napp', '"gone", 404)\napp'))
    code, told = init(tmp_path, monkeypatch)
    assert code == 0, told
    assert "no route answers by itself: take one in there" in told
    assert "# [scenarios.v1-hello]" in (tmp_path / "hotlap.toml").read_text()


def test_an_answer_without_an_end_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "main.py").write_text(ENDLESS)
    monkeypatch.setattr("hotlap.serving.restarting.ANSWER_TIMEOUT_S", 0.5)
    code, told = init(tmp_path, monkeypatch)
    assert code == 0, told
    (line,) = [line for line in told.splitlines() if "/events" in line]
    assert line == "– GET /events: no answer (the answer did not end in time)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "from fastapi import FastAPI\nimport no_such_package\napp = FastAPI()",
            "name the app's with --python",
        ),
        (
            "from fastapi import FastAPI\nimport shelf.books\napp = FastAPI()",
            "in the folder that the app is started in",
        ),
        (
            "from fastapi import FastAPI\napp = FastAPI()\n1 / 0",
            "division by zero; or name another app with --app",
        ),
        ("app = 3\n", "it is no app, but of type int"),
    ],
)
def test_an_app_that_cannot_be_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    backend = tmp_path / "backend"
    (backend / "shelf").mkdir(parents=True)
    (backend / "shelf" / "books.py").write_text("")
    (backend / "main.py").write_text(text)
    code, told = init(tmp_path, monkeypatch, "--app", "backend.main:app")
    assert code == 2
    assert said in " ".join(told.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--command", "uvicorn main:app"), "must have {port}"),
        (("--command", "x {port}", "--app", "main:app"), "give no --app"),
        (("--command", "no-such-server {port}", "--path", "/"), "cannot be started"),
        ((), "name it with --app MODULE:OBJECT"),
        (("--app", "nothing:app"), "nothing:app cannot be imported"),
        (("--path", "x"), "a path starts with /"),
    ],
)
def test_what_cannot_be_found_out_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    code, told = init(tmp_path, monkeypatch, *words)
    assert code == 2
    assert said in told
    assert not (tmp_path / "hotlap.toml").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import os; os._exit(0)", "main:app cannot be imported: it ended without an answer"),
        ("import os; print('goodbye', flush=True); os._exit(0)", "it ends with the words 'goodbye'"),
    ],
)
def test_an_app_that_ends_while_it_is_imported_is_said_to(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "main.py").write_text(text)
    with pytest.raises(discover.DiscoverError, match=told):
        discover.ask("main:app", tmp_path)


HANGING = """
import time
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def hang(request):
    time.sleep(600)

async def well(request):
    return PlainTextResponse("well")

app = Starlette(routes=[Route("/hangs", hang), Route("/well", well)])
"""


def test_a_route_after_which_nothing_is_answered_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "main.py").write_text(HANGING)
    monkeypatch.setattr("hotlap.serving.restarting.ANSWER_TIMEOUT_S", 0.5)
    code, told = init(tmp_path, monkeypatch)
    assert code == 0, told
    assert "✓ GET /well" in told.splitlines()
    assert "– GET /hangs: its server answers nothing after it" in told.splitlines()
