"""Streams over real servers: their figures, thresholds on them, and what is said of those that end too early."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from bisect import bisect_left, bisect_right
from pathlib import Path

import pytest
from command import hotlap
from swarming import quantile_us, until

from hotlap._engine import Behaviour, Request, Swarm
from hotlap.analysis import judge
from hotlap.analysis.judged import JudgedLane
from hotlap.experiment import Stream
from hotlap.serving.server import free_port, stop

APP = """
import asyncio

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"]
    kind = {"/lines": b"application/x-ndjson", "/token": b"application/json"}.get(path, b"text/event-stream")
    if path == "/token":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        return await send({"type": "http.response.body", "body": b'{"token": "t"}'})
    if path == "/private" and (b"authorization", b"Bearer t") not in scope["headers"]:
        await send({"type": "http.response.start", "status": 401, "headers": []})
        return await send({"type": "http.response.body", "body": b""})
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await asyncio.sleep(0.05)
    number = 0
    while number < 5 or path == "/endless":
        text = b'{"n": %d}\\n' % number if path == "/lines" else b"data: %d\\n\\n" % number
        await send({"type": "http.response.body", "body": text, "more_body": True})
        await asyncio.sleep(0.01)
        number += 1
    await send({"type": "http.response.body", "body": b""})
"""
EXPERIMENT = """
app = "shop:app"
interface = "asgi"
ready_path = "/token"
fail_if = ["* first_event p50 > 10s", "* events < 1"]

[variants.app]
[variants.uvicorn]
command = "{python} -m uvicorn shop:app --port {port} --log-level warning"

[scenarios.chat]
path = "/chat"
stream = true
load = { users = 8 }

[scenarios.lines]
path = "/lines"
stream = { events = 3 }
expect.contains = '{"n": 0}'
load = { users = 8 }

[scenarios.login]
load = { users = 4 }
[[scenarios.login.steps]]
name = "token"
once = true
path = "/token"
capture = { token = "json:/token" }
[[scenarios.login.steps]]
name = "ask"
path = "/private"
headers = { Authorization = "Bearer {token}" }
stream = { each = "event" }

[scenarios.endless]
suite = "wrong"
path = "/endless"
stream = true
load = { timeout_s = 1 }

[scenarios.short]
suite = "wrong"
path = "/chat"
stream = { events = 6 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    (folder / "shop.py").write_text(APP)
    (folder / "hotlap.toml").write_text(EXPERIMENT)
    return folder


def lanes(folder: Path, *words: str, out: str, code: int = 0) -> dict[str, JudgedLane]:
    """Measure lanes, and look at what is said of their streams."""
    words = ("run", *words, "--profiles", "none", "--time", "1.5", "--out", out)
    done = hotlap(folder, *words)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("events/s; first event after" in done.stdout) is (code == 0)
    return {lane.name: lane for lane in judge.read(folder / out).lanes}


@pytest.mark.parametrize("variant", ["app", "uvicorn"])
def test_streams_have_their_own_figures(folder: Path, variant: str) -> None:
    found = lanes(folder, f"*/{variant}", "--suite", "default", out=variant)
    chat, lines, login = (found[f"{name}/{variant}"] for name in ("chat", "lines", "login"))
    for lane in (chat, lines, login):
        assert lane.evidence.error is None
        assert lane.trials[0].evidence.failures == 0
    for lane, events in ((chat, 5), (lines, 3)):
        seen = lane.trials[0].evidence
        assert seen.stream is not None
        assert seen.requests is not None
        # Streams that the window cuts have events without being requests.
        assert abs(seen.stream.events - events * seen.requests) <= events * 16
        assert seen.stream.server_cpu_us_per_event
        first, gap = seen.stream.first_event_ms.p50, seen.stream.gap_ms.p50
        assert first is not None
        assert first >= 50
        assert gap is not None
        assert gap >= 9
        assert seen.latency_ms.p50 is not None
        assert seen.latency_ms.p50 >= first
    step = login.trials[0].evidence.by_name["ask"]
    assert step.stream is not None
    assert step.stream.first_event_ms.p50 is not None
    assert login.trials[0].evidence.by_name["token"].stream is None
    page = (folder / variant / "report.html").read_text()
    assert "first event p50, ms" in page
    assert "server CPU, µs/event" in page


def test_thresholds_and_comparisons_speak_of_events(folder: Path) -> None:
    lanes(folder, "chat/app", "login/app", out="gated")
    crossed = ("chat/app first_event p50 > 1ms", "login/app:ask gap p50 > 1ms", "*/app cpu_event < 900ms")
    for text in crossed:
        held = hotlap(folder, "compare", "gated", "gated", "--fail-if", text)
        assert held.returncode == 1, held.stdout + held.stderr
        assert text in held.stderr
    assert "First event, median" in (folder / "gated" / "compare-gated.html").read_text()


def test_an_objective_may_be_of_the_first_event(folder: Path) -> None:
    done = hotlap(
        folder,
        *("capacity", "lines/app", "--slo", "first_event p50 < 10 s", "--time", "1", "--out", "capacity"),
        *("--start", "30", "--highest", "30", "--repeats", "1"),
    )
    (lane,) = judge.read(folder / "capacity").lanes
    assert lane.evidence.capacity is not None, done.stdout + done.stderr
    assert lane.evidence.capacity.rate == 30
    assert lane.trials[0].evidence.stream is not None


def test_a_stream_that_never_ends_and_one_that_ends_too_early_are_told_before_any_load(folder: Path) -> None:
    found = lanes(folder, "*/app", "--suite", "wrong", out="wrong", code=1)
    endless, short = found["endless/app"].evidence.error, found["short/app"].evidence.error
    assert endless is not None
    assert "the stream did not end within 1 s; say when it is over: stream = { events = 10 }" in endless
    assert short is not None
    assert "the stream ended after fewer than 6 events" in short


def test_a_swarm_tells_the_figures_of_streams(folder: Path) -> None:
    words = ("--headless", "--users", "4", "--time", "2", "--json", "swarm.json")
    done = hotlap(folder, "swarm", "chat/app", *words)
    assert done.returncode == 0, done.stderr
    total = json.loads((folder / "swarm.json").read_text())["total"]
    assert total["failed"] == 0
    assert total["events"] >= 5 * total["answered"] > 0
    assert total["first_event_ms"]["p50"] >= 50
    assert total["started"] == total["answered"] + total["failed"] + total["aborted"] + total["in_flight"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("stream = { events = 0 }", "stream"),
        ("stream = { each = 'byte' }", "stream"),
        ('stream = true\nexpect.json = { "/a" = 1 }', "of a stream, json cannot be expected"),
        ('stream = true\nexpect.body = "x"', "of a stream, body cannot be expected"),
    ],
)
def test_what_cannot_be_said_of_a_stream(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "hotlap.toml").write_text(f'app = "shop:app"\n[scenarios.a]\npath = "/"\n{line}\n')
    done = hotlap(tmp_path, "run", "--dry-run")
    assert done.returncode == 2
    assert said in done.stderr
    stock = hotlap(tmp_path, "run", "--dry-run", "--engine", "http")
    assert stock.returncode == 2


POINTS = 0.005
SLACK_US = 3_000
"""What may lie between the two clocks: the rank of a value is that of one up to so much less."""


@pytest.mark.measures
def test_percentiles_have_their_rank_in_the_servers_log(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    script = Path(__file__).parent.parent / "support" / "stream_server.py"
    process = subprocess.Popen([sys.executable, str(script), str(port), str(log)], start_new_session=True)
    try:

        def begun() -> int:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/received", timeout=10) as answer:
                    return int(answer.read())
            except OSError:
                return -1

        until("the server answers", lambda: begun() >= 0)
        swarm = Swarm(f"http://127.0.0.1:{port}")
        request = Request("GET", "/", stream=Stream())
        user = swarm.declare(Behaviour([request], model="open", max_in_flight=5000))
        swarm.add(user, rate=150.0)
        until("enough have begun", lambda: begun() > 2500)
        swarm.stop(grace_s=30.0)
        (figures,) = swarm.take()
        assert figures.failed == 0, figures.errors
        until("all are logged", lambda: len(log.read_text().splitlines()) == figures.events)
    finally:
        stop(process)
    logged: dict[str, list[int]] = {"first": [], "gap": []}
    for line in log.read_text().splitlines():
        kind, took_us = line.split()
        logged[kind].append(int(took_us))
    for kind, histogram in (("first", figures.first_event), ("gap", figures.gap)):
        known = sorted(logged[kind])
        assert histogram.count == len(known)
        for quantile in (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99):
            value_us = quantile_us(histogram, quantile)
            low = bisect_left(known, value_us - SLACK_US) / len(known)
            high = bisect_right(known, (value_us + SLACK_US) * 1.001) / len(known)
            assert low - POINTS <= quantile <= high + POINTS, (kind, quantile, value_us, low, high)
