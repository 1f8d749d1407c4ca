"""``hotlap init`` on servers as they are: odd answers, pages instead of a document, routes that end their server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command import hotlap

from hotlap.analysis import judge
from hotlap.experiment import Experiment, Server
from hotlap.experiment.config import load_experiment
from hotlap.serving.server import served
from hotlap.serving.ways import ServeError

QUICK = ("run", "--quick", "--profiles", "none", "--time", "0.3", "--out", "out")
BY_COMMAND = "python -m granian --interface asgi --host 127.0.0.1 --port {port} --no-ws main:app"

PAGES = """
import json
from pathlib import Path
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.routing import Route

async def answer(request):
    with Path(__file__).with_name("asked").open("a") as file:
        file.write(f"{request.method} {request.url.path}?{request.url.query}\\n")
    path = request.url.path
    if path == "/":
        return RedirectResponse("/shop")
    if path == "/shop":
        items = "".join(f"<a href=/items/{n}>item {n}</a>" for n in range(40))
        return HTMLResponse(f'''{items} <a href="http://example.org/away">away</a> <a href=/api>api</a> <a href=/gone>gone</a>
            <a href=/logout>bye</a> <a href=/shop>Cancel</a>
            <a href=/late>late</a> <a href=/late>Approve</a> <a href=/basket/3?do=remove>x</a> <a href=/costly rel=nofollow>x</a>
            <form action=/search><input name=q value=tea><button>Go</button></form>
            <form action=/login method=post><input name=user><input type=password name=password></form>
            {"".join(f"<a href=/pages/{word}/>{word}</a><a href=/drop/{word}/>x</a>" for word in WORDS)}
            <a href=/static/logo.png>logo</a>''')
    if path == "/api":
        return JSONResponse({"self": str(request.url), "all": str(request.url_for("of", rest="api/all"))})
    if path.startswith("/items/"):
        return HTMLResponse("<a href=details>details</a>" if path.count("/") == 2 else "details")
    return HTMLResponse("", 404 if path == "/gone" else 200)

WORDS = [f"{a}{b}" for a in "abcdefgh" for b in ("ro", "sa", "ti", "lu", "me")]
app = Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "POST"], name="of")])
"""
ODD = """
async def app(scope, receive, send):
    status = {"/well": 200, "/gone": 404, "/asks": 401}.get(scope.get("path"), 500)
    if scope["type"] == "http":
        headers = [(b"www-authenticate", b'Basic realm="x"')] if status == 401 else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"odd"})
"""
KILLING = """
import os
import threading
from flask import Flask, Response

app = Flask(__name__)

@app.get("/first")
def first():
    return "first"

@app.get("/status")
def status():
    return Response("x", status=1)

@app.get("/exits")
def exits():
    os._exit(3)

@app.get("/second")
def second():
    return "second"

@app.get("/later")
def later():
    threading.Timer(0.05, os._exit, (4,)).start()
    return "soon"

@app.get("/third")
def third():
    return "third"
"""
CALLABLE = """
import gzip
import os

def app(environ, start_response):
    if environ["PATH_INFO"] == "/dies":
        os._exit(5)
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Encoding", "gzip")])
    return [gzip.compress(b"<a href=/dies>dies</a> <a href=/about>about</a>")]
"""
MANY = """
def app(environ, start_response):
    is_document = environ["PATH_INFO"].endswith(".json")
    start_response("200 OK", [("Content-Type", "application/json" if is_document else "text/html")])
    pages = [f"<a href=/{part}/{word}>x</a>" for part in ("one", "two") for word in "abcdefghijklmno"]
    return [b'{"paths": {"/x": 3}}' if is_document else "".join(pages).encode()]
"""

Init = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def init(tmp_path: Path) -> Init:
    """Writes an app and calls ``hotlap init`` in its folder: the exit code, and the lines that it said."""

    def call(text: str, *words: str, env: dict[str, str] | None = None) -> tuple[int, list[str]]:
        (tmp_path / "main.py").write_text(text)
        (tmp_path / "hotlap.toml").unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "hotlap", "init", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
            env={**os.environ, **(env or {})},
        )
        return done.returncode, (done.stdout + done.stderr).splitlines()

    return call


def written(folder: Path) -> Experiment:
    experiment, _ = load_experiment(folder)
    return experiment


def starting(lines: list[str], *begins: str) -> list[str]:
    return [line for line in lines if line.startswith(begins)]


def test_any_answer_says_that_a_server_is_up(init: Init, tmp_path: Path) -> None:
    """It answers 500 to all that it does not know: that is no reason to wait."""
    code, said = init(ODD, "--command", BY_COMMAND, "--path", "/bad", "--path", "/well")
    assert code == 0, said
    assert starting(said, "✓", "–") == [
        "✓ GET /bad: it answers 500: `hotlap serve` shows what it prints, if another answer is meant",
        "✓ GET /well",
    ]
    experiment = written(tmp_path)
    assert experiment.server.ready_path == "/well"
    assert [(lane.path, lane.expect.statuses) for lane in experiment.lanes] == [
        ("/bad", (500,)),
        ("/well", (200,)),
    ]


def test_a_named_path_is_believed_whatever_it_answers(init: Init, tmp_path: Path) -> None:
    code, said = init(ODD, "--command", BY_COMMAND, "--path", "/gone", "--path", "/asks")
    assert code == 0, said
    assert "✓ GET /gone: it answers 404: give it a path that is there, if another answer is meant" in said
    assert [(lane.path, lane.expect.statuses) for lane in written(tmp_path).lanes] == [
        ("/gone", (404,)),
        ("/asks", (401,)),
    ]
    text = (tmp_path / "hotlap.toml").read_text()
    assert '# headers = { "Authorization" = "Basic ${BASIC}" }' in text
    done = hotlap(tmp_path, *QUICK, timeout_s=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [lane.trials[0].evidence.failures for lane in judge.read(tmp_path / "out").lanes] == [0, 0]


def test_routes_are_looked_for_on_pages(init: Init, tmp_path: Path) -> None:
    code, said = init(PAGES, "--command", BY_COMMAND)
    assert code == 0, said
    assert [lane.path for lane in written(tmp_path).lanes] == [
        "/shop",
        "/items/0",
        "/api",
        "/search?q=tea",
        "/pages/aro/",
        "/items/details",
        "/api/all",
    ]
    (told,) = [line for line in said if line.startswith("its pages lead to")]
    assert told.startswith("its pages lead to 9 routes (")
    assert "✓ GET /items/0: one of 40 links of its kind" in said
    assert starting(said, "–") == [
        "– GET /: it answers 307 and leads to /shop: give it a path that answers",
        "– GET /gone: it answers 404: give it a path that is there",
        "– GET /logout: its link says 'logout', so it was not followed: it may change what is stored",
        "– GET /late: its link says 'approve', so it was not followed: it may change what is stored",
        "– GET /basket/3?do=remove: its link says 'remove', so it was not followed: it may change what is stored",
        "– GET /costly: its link says 'rel=\"nofollow\"', so it was not followed: it may change what is stored",
        "– POST /login: it may change what is stored, so it was not sent: look at it, then take the # away",
        "– GET /drop/aro/: its link says 'drop', so it was not followed: it may change what is stored",
    ]
    asked = (tmp_path / "asked").read_text().splitlines()
    assert not [
        one for one in asked if "logout" in one or "remove" in one or "costly" in one or "POST" in one
    ]
    # Of forty items two were looked at, and of forty words no more than are names.
    assert len({one for one in asked if one.startswith("GET /items/") and "details" not in one}) == 2
    assert 20 <= len({one for one in asked if one.startswith("GET /pages/")}) <= 25


def test_more_routes_than_an_experiment_should_have_are_named(init: Init, tmp_path: Path) -> None:
    """And a document that is none keeps nobody from reading pages."""
    code, said = init(MANY, "--app", "main:app")
    assert code == 0, said
    assert len(written(tmp_path).lanes) == 25
    (told,) = [line for line in said if line.startswith("its pages lead to")]
    assert "6 more routes left out (/two/j, /two/k, /two/l, /two/m, /two/n, …): name them with --path" in told


def test_an_app_that_tells_no_routes_has_pages(init: Init, tmp_path: Path) -> None:
    code, said = init(CALLABLE, "--app", "main:app")
    assert code == 0, said
    assert [lane.path for lane in written(tmp_path).lanes] == ["/", "/about"]
    assert [line.split(", with")[0] for line in starting(said, "–")] == ["– GET /dies: it ended its server"]
    code, said = init(
        CALLABLE.replace("<a href=", "nothing").replace("200 OK", "404 Not there"),
        "--app",
        "main:app",
    )
    assert code == 2
    assert "the page / answers 404 with text/html, without a link that may be followed" in " ".join(said)


def test_a_route_that_ends_its_server_is_named_and_the_others_are_asked(init: Init, tmp_path: Path) -> None:
    """Also one that ends it after its answer, when the next one is asked already."""
    code, said = init(KILLING)
    assert code == 0, said
    assert starting(said, "✓") == ["✓ GET /first", "✓ GET /second", "✓ GET /third"]
    left_out = starting(said, "–")
    assert [line.split(": it ended its server, with exit code ")[0] for line in left_out] == [
        "– GET /status",
        "– GET /exits",
        "– GET /later",
    ]
    assert [lane.path for lane in written(tmp_path).lanes] == ["/first", "/second", "/third"]
    assert (tmp_path / "hotlap.toml").read_text().count("# Left out: it ended its server") == 3


def test_a_last_route_that_ends_its_server_is_named(init: Init) -> None:
    code, said = init(KILLING, "--path", "/first", "--path", "/later")
    assert code == 0, said
    assert starting(said, "✓") == ["✓ GET /first"]
    assert [line.split(":")[0] for line in starting(said, "–")] == ["– GET /later"]


def test_a_program_beside_hotlap_is_found_without_its_environment(init: Init, tmp_path: Path) -> None:
    beside = Path(sys.executable).parent
    bare = {
        "PATH": os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != str(beside))
    }
    words = "granian --interface asgi --host 127.0.0.1 --port {port} main:app"
    code, said = init(ODD, "--command", words, "--path", "/well", env=bare)
    assert code == 0, said
    assert f"({beside / 'granian'}, found beside the interpreter)" in " ".join(said)
    assert f'command = "{words}"' in (tmp_path / "hotlap.toml").read_text()
    done = hotlap(tmp_path, *QUICK, timeout_s=280, **bare)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"({beside / 'granian'}, found beside the interpreter)" in " ".join(done.stdout.split())
    code, said = init(ODD, "--command", "no-such-server {port}", env=bare)
    assert code == 2
    assert f"there is no program no-such-server on the PATH, nor in {beside}" in " ".join(said)
    code, said = init(ODD, "--command", "A=1 granian {port}", env=bare)
    assert code == 2
    assert "A=1 is no program: variables are named with the key env" in " ".join(said)
    code, said = init(ODD, "--command", "cd shop && granian {port}", env=bare)
    assert code == 2
    assert "a command is run without a shell, so write sh -c" in " ".join(said)


def test_a_command_that_listens_elsewhere_is_told_where(tmp_path: Path) -> None:
    listen = (
        "import socket, sys, time; s = socket.create_server(('127.0.0.1', 0)); time.sleep(int(sys.argv[1]))"
    )
    server = Server(command=("python", "-c", listen, "{port}"), ready_timeout_s=2.0)
    experiment = Experiment(name="x", server=server, lanes=(), root=str(tmp_path))
    with (
        pytest.raises(ServeError, match=r"it listens on port \d+: have it listen on \{port\} instead"),
        served(experiment, any_status=True),
    ):
        pass
