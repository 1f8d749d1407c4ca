"""Falcon's features answer alike over ASGI and over RSGI."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from granian_service import Service, command, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

APPS = str(Path(__file__).parent / "apps")
Pair = tuple[Service, Service]
EXPIRES = re.compile("expires=([^;]+)")


def eventually(what: Callable[[], bool], within_s: float = 30) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + within_s
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def served(app: str) -> Iterator[Pair]:
    """An app under ASGI and under RSGI."""
    with ExitStack() as stack:
        asgi, rsgi = (
            stack.enter_context(serve(interface, f"rsgi_features:{app}", {"PYTHONPATH": APPS}))
            for interface in ("asgi", "rsgi")
        )
        yield asgi, rsgi


@pytest.fixture(scope="module")
def independent() -> Iterator[Pair]:
    """The app with everything."""
    yield from served("independent")


@pytest.fixture(scope="module")
def dependent() -> Iterator[Pair]:
    """The app with dependent middleware."""
    yield from served("dependent")


@pytest.fixture(scope="module")
def custom() -> Iterator[Pair]:
    """The app with custom types and options."""
    yield from served("custom")


@pytest.fixture(scope="module")
def wrapping() -> Iterator[Pair]:
    """The app with a ``__call__`` of its own."""
    yield from served("wrapping")


def raw(service: Service, request: bytes) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status line, headers and body, dates and ports taken out."""
    head, _, body = service.raw(request.replace(b"PORT", str(service.port).encode())).partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = sorted(tuple(line.split(": ", 1)) for line in lines if not line.startswith("date: "))
    body = body.replace(str(service.port).encode(), b"PORT")
    timeless = [(name, EXPIRES.sub(_just_now, value)) for name, value in headers]
    return status, [(name, value.replace(str(service.port), "PORT")) for name, value in timeless], body


def _just_now(found: re.Match[str]) -> str:
    """A cookie that is taken back expired a second ago: which second that was differs."""
    ago = datetime.now(UTC) - parsedate_to_datetime(found[1])
    return "expires=NOW" if abs(ago) < timedelta(minutes=1) else found[0]


def request(method: str, path: str, *headers: str, body: bytes = b"", version: str = "1.1") -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/{version}", "Host: 127.0.0.1:PORT", "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def assert_alike(pair: Pair, message: bytes) -> tuple[str, list[tuple[str, str]], bytes]:
    """Both answer alike, and note the same; the answer."""
    answers, logs = [], []
    for service in pair:
        service.client.delete("/log")
        answers.append(raw(service, message))
        logs.append(service.get("/log"))
    if b"/broken_stream" in message and b"first" in answers[0][2]:
        # ASGI breaks the connection off; RSGI has no way to, and the answer looks complete.
        assert (answers[0][2], answers[1][2]) == (b"5\r\nfirst\r\n", b"5\r\nfirst\r\n0\r\n\r\n")
    else:
        assert answers[1] == answers[0]
    if b"/scheduled" not in message:
        assert logs[1] == logs[0]
    assert answers[0][0].startswith("HTTP/1.")
    return answers[0]


def kinds() -> list[str]:
    """The kinds of answers that the app knows."""
    source = (Path(APPS) / "rsgi_features.py").read_text()
    answers = source[source.index("class Answer") : source.index("class OwnError")]
    return re.findall(r"async def (?!on_)(\w+)\(self, req", answers)


TARGETS = [
    *("/", "/nowhere", "/echo", "/echo?", "/echo?a=1&b=%20x&a=2&c=1,2&empty=&%C3%A4=%C3%B6", "/echo?a&b"),
    *(
        "/%65cho",
        "/echo/",
        "//echo",
        "/versions",
        "/versions/a%2Fb",
        "/versions/%C3%A4?x=%zz",
        "/sink/a/b?c=d",
    ),
    *("/hooked/5/2020-01-02T03:04:05Z", "/hooked/2/2020-01-02T03:04:05Z", "/hooked/x/y"),
    *(
        "/static/rsgi_features.py",
        "/static/none.txt",
        "/static/../test_parity.py",
        "/static/%2e%2e/test_parity.py",
    ),
    *("/answer/text?x=" + "y" * 3000, "/shout", "/shout/"),
]


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_every_kind_of_answer(independent: Pair, method: str, kind: str) -> None:
    assert_alike(independent, request(method, f"/answer/{kind}"))


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_answer_with_custom_types(custom: Pair, kind: str) -> None:
    assert_alike(custom, request("GET", f"/answer/{kind}", "Origin: http://elsewhere"))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "TRACE"])
def test_every_target(independent: Pair, custom: Pair, method: str, target: str) -> None:
    assert_alike(independent, request(method, target))
    assert_alike(custom, request(method, target, "Origin: http://elsewhere"))


@pytest.mark.parametrize("wish", ["complete", "http", "status", "other"])
@pytest.mark.parametrize("hook", ["request", "resource", "response"])
@pytest.mark.parametrize("step", ["outer", "inner"])
def test_middleware_in_order(independent: Pair, dependent: Pair, step: str, hook: str, wish: str) -> None:
    for pair in (independent, dependent):
        for path in ("/answer/text", "/answer/stream", "/answer/own", "/answer/crash", "/nowhere", "/sink/x"):
            assert_alike(pair, request("GET", f"{path}?{step}.{hook}={wish}"))
        assert_alike(pair, request("POST", f"/echo?{step}.{hook}={wish}", body=b"abc"))


def test_middleware_is_noted(independent: Pair) -> None:
    assert_alike(independent, request("GET", "/answer/text"))
    lines = json.loads(independent[1].get("/log"))
    assert lines[:4] == ["outer.request", "inner.request", "outer.resource", "inner.resource"]
    assert lines[4:] == [
        *("succeeded=True resource=Answer", "inner.response"),
        *("succeeded=True resource=Answer", "outer.response"),
    ]


HEADERS = [
    ("X-One: 1", "X-One: 2", "Accept: text/xml, application/json;q=0.1"),
    ("Cookie: a=1; b=2", "User-Agent: me", 'If-None-Match: W/"x"', "Range: bytes=0-1"),
    ("X-Forwarded-For: 1.2.3.4, 5.6.7.8", "X-Forwarded-Proto: https", "X-Forwarded-Host: example.org"),
    ("Forwarded: for=9.9.9.9;proto=https;host=h", "Content-Type: text/x", "X-Empty:"),
    ("Expect: 100-continue", "Accept-Encoding: gzip", "Content-Length: 0"),
    ("Accept: application/xml",),
]


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_request_headers(independent: Pair, headers: tuple[str, ...], version: str) -> None:
    for path in ("/answer/text", "/static/rsgi_features.py", "/answer/half"):
        assert_alike(independent, request("GET", path, *headers))
    for path in ("/echo", "/answer/stream", "/answer/data"):
        status, _, _ = assert_alike(independent, request("GET", path, *headers, version=version))
        assert status == f"HTTP/{version} 200 OK"


def test_http_1_0_is_answered_where_falcon_alone_fails(independent: Pair, wrapping: Pair) -> None:
    for pair in (independent, wrapping):
        for message in (
            request("GET", "/echo", version="1.0"),
            request("HEAD", "/answer/text", version="1.0"),
            request("POST", "/echo", version="1.0", body=b"abc"),
            b"GET /echo HTTP/1.0\r\n\r\n",
        ):
            status, _, _ = assert_alike(pair, message)
            assert status == "HTTP/1.0 200 OK"
    with serve("asgi", "rsgi_features:stock", {"PYTHONPATH": APPS}) as alone:
        assert raw(alone, request("GET", "/healthz"))[0] == "HTTP/1.1 200 OK"
        assert (
            raw(alone, request("GET", "/healthz", version="1.0"))[0] == "HTTP/1.0 500 Internal Server Error"
        )


def test_cors(custom: Pair) -> None:
    preflight = (
        "Origin: http://a",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: X-A",
    )
    _, headers, _ = assert_alike(custom, request("OPTIONS", "/echo", *preflight))
    assert dict(headers)["access-control-allow-origin"] == "*"
    assert_alike(custom, request("GET", "/echo", "Origin: http://a"))


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("path", ["/echo", "/pieces", "/small", "/unread", "/media", "/answer/text"])
def test_bodies(independent: Pair, wrapping: Pair, method: str, path: str) -> None:
    big = bytes(range(256)) * 4096
    for pair in (independent, wrapping):
        for body in (b"x", b'{"a": [1, 2]}', b"{broken", big):
            assert_alike(pair, request(method, path, "Content-Type: application/json", body=body))
            head = request(method, path, "Content-Type: application/json", "Transfer-Encoding: chunked")
            assert_alike(pair, head + chunked(body[:100000], b"tail"))
            assert_alike(pair, head + chunked(body))
        assert_alike(pair, request(method, path))
        assert_alike(pair, request(method, path, "Content-Length: 0"))
        trailers = request(method, path, "Transfer-Encoding: chunked", "Trailer: X-Sum")
        assert_alike(pair, trailers + chunked(b"abc", end=b"0\r\nX-Sum: 3\r\n\r\n"))


BROKEN = b"zz\r\nabc\r\n0\r\n\r\n"


@pytest.mark.parametrize("path", ["/echo", "/pieces", "/media"])
def test_broken_bodies(independent: Pair, path: str) -> None:
    head = request("POST", path, "Content-Type: application/json", "Transfer-Encoding: chunked")
    assert_alike(independent, head + BROKEN)


def test_a_broken_body_of_a_get_is_seen_by_who_reads_it(independent: Pair) -> None:
    """Over ASGI the app is not asked at all, as Falcon looks for a body before anything else."""
    for path, expected in (("/unread", "200 OK"), ("/media", "400 Bad Request")):
        message = (
            request("GET", path, "Content-Type: application/json", "Transfer-Encoding: chunked") + BROKEN
        )
        statuses = [raw(service, message)[0] for service in independent]
        assert statuses == ["HTTP/1.1 500 Internal Server Error", f"HTTP/1.1 {expected}"]


def test_forms(independent: Pair) -> None:
    body = b"a=1&b=%C3%A4&a=2"
    assert_alike(
        independent, request("POST", "/media", "Content-Type: application/x-www-form-urlencoded", body=body)
    )
    part = 'Content-Disposition: form-data; name="{}"; filename="{}.txt"\r\nContent-Type: text/plain\r\n\r\n{}\r\n'
    parts = [part.format(name, name, name * size) for name, size in (("a", 1), ("b", 300_000))]
    form = ("--limit\r\n" + "--limit\r\n".join(parts) + "--limit--\r\n").encode()
    kind = "Content-Type: multipart/form-data; boundary=limit"
    _, _, answer = assert_alike(independent, request("POST", "/form", kind, body=form))
    assert json.loads(answer)[1] == ["b", "b.txt", "text/plain", 300_000]
    assert_alike(independent, request("POST", "/form", kind, body=form[:-20]))


def test_a_call_of_its_own_is_not_passed_by(wrapping: Pair) -> None:
    _, _, body = assert_alike(wrapping, request("GET", "/echo"))
    assert json.loads(body)["headers"]["x-wrapped"] == "yes"


def test_connections_are_kept_and_pipelined(independent: Pair) -> None:
    def all_of(service: Service) -> list[bytes]:
        host = f"Host: 127.0.0.1:{service.port}\r\n".encode()
        two = b"GET /versions HTTP/1.1\r\n" + host + b"\r\n"
        post = b"POST /echo HTTP/1.1\r\n" + host + b"Content-Length: 3\r\n\r\nabc"
        answer = service.raw(
            two + post + b"GET /answer/stream HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n"
        )
        return [line for line in answer.split(b"\r\n") if not line.startswith(b"date: ")]

    assert all_of(independent[1]) == all_of(independent[0])


def test_scheduled_callbacks_run(independent: Pair) -> None:
    for service in independent:
        service.client.delete("/log")
        service.get("/answer/scheduled")
        assert eventually(lambda: {"scheduled", "scheduled_sync"} <= set(json.loads(service.get("/log"))))  # noqa: B023


def test_a_client_that_goes_is_noticed(independent: Pair) -> None:
    for service in independent:
        service.client.delete("/log")
        with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
            connection.sendall(b"GET /gone HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        assert eventually(lambda: "gone" in json.loads(service.get("/log")))  # noqa: B023


def converse(service: Service, kind: str, *messages: str | bytes) -> list[object]:
    """What a WebSocket answers, and its log."""
    service.client.delete("/log")
    answers: list[object] = []
    try:
        with connect(f"ws://127.0.0.1:{service.port}/socket/{kind}", open_timeout=30) as connection:
            for message in messages:
                connection.send(message)
                answers.append(connection.recv(timeout=30))
            if kind not in ("text", "data"):
                connection.recv(timeout=30)
    except InvalidStatus as refused:
        answers.append(refused.response.status_code)
    except ConnectionClosed:
        answers.append("closed")
    wanted = kind in ("text", "data")
    assert eventually(lambda: not wanted or "disconnected" in service.get("/log"))
    return [*answers, service.get("/log")]


@pytest.mark.parametrize(
    ("kind", "messages"),
    [
        ("text", ("abc", "ä")),
        ("data", (b"abc", bytes(70_000))),
        ("media", ('{"a": 1}',)),
        ("crash", ()),
        ("refused", ()),
        ("closed", ()),
    ],
)
def test_websockets(independent: Pair, kind: str, messages: tuple[str | bytes, ...]) -> None:
    asgi, rsgi = (converse(service, kind, *messages) for service in independent)
    assert rsgi == asgi


def test_lifespan(independent: Pair) -> None:
    for service in served_once("independent"):
        assert json.loads(service.get("/log"))[:2] == ["outer.startup", "inner.startup"]
        assert json.loads(service.get("/echo"))["state"] == {"started": "inner"}
        service.process.terminate()
        service.process.wait(30)
        log = service.log()
        assert log.index("inner.shutdown") < log.index("outer.shutdown")


def served_once(app: str) -> Iterator[Service]:
    """An app under each interface in turn."""
    for interface in ("asgi", "rsgi"):
        with serve(interface, f"rsgi_features:{app}", {"PYTHONPATH": APPS}) as service:
            yield service


@pytest.mark.parametrize("interface", ["asgi", "rsgi"])
def test_a_failed_startup_ends_the_server(interface: str) -> None:
    done = subprocess.run(
        command(interface, "rsgi_features:failing", 0),
        env={"PYTHONPATH": APPS, "WHAT": "disk"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "no disk" in done.stdout + done.stderr
