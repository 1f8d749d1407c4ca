"""What answers must be is learnt before it is held against them: real Flask on Granian, and raw sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hotlap.analysis import judge
from hotlap.analysis.judged import JudgedRun
from hotlap.experiment import Experiment, Lane, Server
from hotlap.experiment.config import load_experiment
from hotlap.run.result import LaneResult
from hotlap.serving.answers import Answers, ask_again, learn
from hotlap.serving.server import served

SHOP = """
import gzip, os, pathlib, time, uuid
from flask import Flask, Response, jsonify, request

app = Flask(__name__)
starts = pathlib.Path(__file__).with_name("starts")
starts.write_text(starts.read_text() + "x" if starts.exists() else "x")
made = pathlib.Path(__file__).with_name("made")

@app.get("/next")
def next_page():
    return jsonify(next=request.host_url + "page?p=2")

@app.get("/now")
def now():
    return jsonify(now=int(time.time()))

@app.get("/packed")
def packed():
    return Response(gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"})

@app.get("/random")
def random():
    return str(uuid.uuid4())

@app.get("/fixed")
def fixed():
    return "fixed"

@app.get("/headers")
def headers():
    return jsonify(sorted(request.headers))

@app.get("/changes")
def changes():
    return "before" if len(starts.read_text()) <= int(os.environ["CHANGES_AFTER"]) else "beyond"

@app.post("/orders")
def order():
    if made.exists():
        return "there is one", 409
    made.touch()
    return jsonify(id=1), 201
"""


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., Path]:
    """A folder with the app, and an experiment of some of its pages, each a scenario with further keys."""

    def write(top: str = "", **pages: str) -> Path:
        (tmp_path / "shop.py").write_text(SHOP)
        tables = "".join(
            f'[scenarios.{name}]\npath = "/{name}"\nprofiles = []\nload = {{ users = 2 }}\n{keys}\n'
            for name, keys in pages.items()
        )
        (tmp_path / "hotlap.toml").write_text(
            f'app = "shop:app"\ninterface = "wsgi"\nready_path = "/fixed"\n{top}\n{tables}'
        )
        return tmp_path

    return write


def hotlap(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hotlap.cli", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", **env},
    )


def run(folder: Path, *words: str, **env: str) -> tuple[JudgedRun, str]:
    """A short run, read again, and what the command said."""
    done = hotlap(
        folder, "run", "--quick", "--profiles", "none", "--time", "0.3", "--out", "out", *words, **env
    )
    assert (folder / "out" / "report.html").exists(), done.stdout + done.stderr
    return judge.read(folder / "out"), done.stdout


def lanes(found: JudgedRun) -> dict[str, LaneResult]:
    return {lane.evidence.scenario: lane.evidence for lane in found.lanes}


@pytest.mark.parametrize("engine", ["native", "http"])
def test_honest_pages_are_not_void(shop: Callable[..., Path], engine: str) -> None:
    folder = shop(next="", now="", packed="", random="", fixed="", headers="")
    found, said = run(folder, "--engine", engine)
    void = {
        lane.evidence.scenario
        for lane in found.lanes
        for rule in lane.verdict.rules
        if rule.name == "failures"
    }
    assert void == set(), said
    seen = {name: lane.verified for name, lane in lanes(found).items()}
    told = {name: (one.constant, one.holds_port, one.held) for name, one in seen.items() if one is not None}
    assert told == {
        "next": (True, True, "body"),
        "now": (False, False, "status"),
        "packed": (False, False, "status"),
        "random": (False, False, "status"),
        "fixed": (True, False, "body"),
        "headers": (True, True, "body"),
    }
    for name in ("now", "packed"):
        assert seen[name] is not None
        assert seen[name].difference is not None
        assert f"{name}/app: each answer's status alone is held" in said
    assert seen["random"] is not None
    assert seen["random"].varies == "requests"
    page = (folder / "out" / "report.html").read_text()
    assert "the body differs from request to request" in page
    assert "but for the server&#39;s own port" in page


def test_a_page_that_changes_between_trials_is_void_with_its_first_difference(
    shop: Callable[..., Path],
) -> None:
    """It was the same on both servers that were asked before, and is another on that of the trial."""
    folder = shop(changes="")
    found, said = run(folder, CHANGES_AFTER="2")
    (lane,) = found.lanes
    assert lane.verdict.status == "void", said
    assert 'after 2 equal bytes came "beyond" instead of "before"' in said
    assert 'expect = { body = "any" }' in said
    assert "after 2 equal bytes" in (folder / "out" / "report.html").read_text()


def test_any_body_is_said_by_hand(shop: Callable[..., Path]) -> None:
    found, said = run(shop(changes='expect = { body = "any" }'), CHANGES_AFTER="1")
    (lane,) = found.lanes
    assert lane.evidence.verified is not None
    assert lane.evidence.verified.held == "status"
    assert lane.evidence.trials[0].failures == 0, said
    assert "the experiment expects any body" in said


ORDER = 'method = "POST"\nexpect = { status = 201 }'


def test_a_request_that_is_taken_only_once_is_verified_once(shop: Callable[..., Path]) -> None:
    folder = shop(orders=ORDER)
    experiment, _ = load_experiment(folder)
    (lane,) = experiment.lanes
    seen = learn(lane, lambda lane, port: served(experiment, lane, port=port)).verified
    assert (seen.status, seen.once, seen.answers, seen.held) == (201, True, 1, "status")


def test_a_setup_that_resets_the_data_lets_it_be_verified_again(shop: Callable[..., Path]) -> None:
    reset = "import pathlib; pathlib.Path('made').unlink(missing_ok=True)"
    folder = shop(f'setup = ["{sys.executable}", "-c", "{reset}"]', orders=ORDER)
    experiment, _ = load_experiment(folder)
    (lane,) = experiment.lanes
    answers = learn(lane, lambda lane, port: served(experiment, lane, port=port))
    seen = answers.verified
    assert (seen.status, seen.once, seen.answers, seen.held) == (201, False, 2, "body")
    with served(experiment, lane) as server:
        assert answers.body_at(server) == b'{"id":1}\n'


def test_a_swarm_judges_as_a_run_does(shop: Callable[..., Path]) -> None:
    folder = shop(next="", changes="")
    done = hotlap(folder, "swarm", "next/app", "--headless", "--time", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the server's own port put in" in done.stderr
    (folder / "starts").unlink()
    done = hotlap(folder, "swarm", "changes/app", "--headless", "--time", "1", CHANGES_AFTER="2")
    assert done.returncode == 1
    assert 'after 2 equal bytes came "beyond" instead of "before"' in done.stdout + done.stderr


def test_a_token_of_the_environment_is_never_shown(shop: Callable[..., Path]) -> None:
    folder = shop(random='headers = { Authorization = "Bearer ${SHOP_TOKEN}" }')
    unset = hotlap(folder, "run", "--quick")
    assert unset.returncode != 0
    assert (
        "hotlap.toml:9: scenarios.random.headers.Authorization: the variable SHOP_TOKEN is not set"
        in unset.stderr
    )
    (folder / "shop.py").write_text(
        (folder / "shop.py")
        .read_text()
        .replace("return str(uuid", "return request.headers['Authorization'], 500; (")
        .replace("(.uuid4())", "()")
    )
    found, said = run(folder, SHOP_TOKEN="s3cret-of-the-shop")
    (lane,) = found.lanes
    assert lane.evidence.error is not None
    assert "Bearer ${SHOP_TOKEN}" in lane.evidence.error
    for text in (
        said,
        (folder / "out" / "run.json").read_text(),
        (folder / "out" / "report.html").read_text(),
    ):
        assert "s3cret-of-the-shop" not in text


Answering = Callable[..., int]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Starts a server on a raw socket that says the same bytes to each request; its port."""
    sockets: list[socket.socket] = []

    def converse(connection: socket.socket, says: bytes) -> None:
        # Who asks may be gone without a farewell.
        with connection, contextlib.suppress(ConnectionError):
            while connection.recv(65536):
                connection.sendall(says)

    def accept(listener: socket.socket, says: bytes) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=converse, args=(connection, says), daemon=True).start()

    def start(says: bytes, host: str = "127.0.0.1") -> int:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, 0), family=family)
        sockets.append(listener)
        threading.Thread(target=accept, args=(listener, says), daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    yield start
    for each in sockets:
        each.shutdown(socket.SHUT_RDWR)
        each.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"


def at(folder: Path, url: str) -> tuple[Experiment, Lane]:
    lane = Lane(scenario="x", variant="app", path="/", profiles=())
    return Experiment(name="x", server=Server(url=url), lanes=(lane,), root=str(folder)), lane


def test_interim_answers_are_passed_over(answering: Answering, tmp_path: Path) -> None:
    port = answering(PROCESSING + HINTS + OK)
    experiment, lane = at(tmp_path, f"http://127.0.0.1:{port}")
    seen = learn(lane, lambda lane, port: served(experiment, lane, port=port)).verified
    assert (seen.status, seen.size, seen.constant) == (200, 5, True)


@pytest.mark.parametrize("name", ["localhost", "[::1]"])
def test_a_server_at_ipv6_is_found_by_verification_and_engine(
    answering: Answering, tmp_path: Path, need: Callable[[bool, str], None], name: str
) -> None:
    need(Path("/proc/net/if_inet6").exists(), "no IPv6 here")
    port = answering(HINTS + OK, "::1")
    text = f'url = "http://{name}:{port}/api"\n[scenarios.x]\npath = "/"\nprofiles = []\nload = {{ users = 2 }}\n'
    (tmp_path / "hotlap.toml").write_text(text)
    found, said = run(tmp_path)
    (lane,) = found.lanes
    assert lane.evidence.error is None, said
    assert lane.evidence.trials[0].requests
    assert lane.evidence.trials[0].failures == 0


def test_a_command_that_listens_at_ipv6_alone_is_found(
    tmp_path: Path, need: Callable[[bool, str], None]
) -> None:
    need(Path("/proc/net/if_inet6").exists(), "no IPv6 here")
    server = Server(command=("python", "-m", "http.server", "{port}", "--bind", "::1"))
    experiment = Experiment(name="x", server=server, lanes=(), root=str(tmp_path))
    with served(experiment) as running:
        assert running.url == f"http://[::1]:{running.port}"
        answers = Answers(Lane(scenario="x", variant="app", path="/"))
        answers.ask(running)
        assert answers.verified.status == 200


def test_a_path_of_the_address_comes_before_each_request(shop: Callable[..., Path], tmp_path: Path) -> None:
    folder = shop()
    with served(
        Experiment(
            name="x",
            server=Server(app="shop:app", interface="wsgi", ready_path="/fixed"),
            lanes=(),
            root=str(folder),
        )
    ) as running:
        top = f'url = "{running.url}/static/.."\n[scenarios.fixed]\npath = "/fixed"\nprofiles = []\nload = {{ users = 2 }}\n'
        own = tmp_path / "own"
        own.mkdir()
        (folder / "static").mkdir()
        (folder / "static" / "fixed").write_text("a file")
        (own / "hotlap.toml").write_text(top.replace("/static/..", "/static"))
        found, said = run(own)
    (lane,) = found.lanes
    assert lane.evidence.error is None, said
    assert lane.evidence.verified is not None
    assert lane.evidence.verified.size == len("a file")
    assert lane.evidence.trials[0].failures == 0


def test_what_cannot_be_sent_is_a_sentence_at_once(shop: Callable[..., Path]) -> None:
    found, _ = run(shop(fixed='headers = { Connection = "close" }'))
    (lane,) = found.lanes
    assert lane.evidence.error is not None
    assert 'the header "Connection" is the engine\'s own: leave it out' in lane.evidence.error
    assert "Traceback" not in lane.evidence.error


def test_lanes_share_the_second_server_and_the_wait(shop: Callable[..., Path]) -> None:
    experiment, _ = load_experiment(shop(next="", now="", fixed="", orders=ORDER))
    ports: list[tuple[str, int | None]] = []

    def serve(lane: Lane, port: int | None):  # type: ignore[no-untyped-def]
        ports.append((lane.scenario, port))
        return served(experiment, lane, port=port)

    learnt = [Answers(lane) for lane in experiment.lanes]
    with served(experiment) as first:
        for one in learnt:
            one.ask(first)
    assert ask_again(learnt, serve) == {}
    # Those that change nothing share one; what may change something has its own.
    assert [scenario for scenario, _ in ports] == ["next", "orders"]
    assert first.port not in [port for _, port in ports]
    assert {one.lane.scenario: one.verified.varies for one in learnt} == {
        "next": None,
        "now": "servers",
        "fixed": None,
        "orders": None,
    }
