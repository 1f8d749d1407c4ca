"""``hotlap swarm --replay``: recorded requests are sent at their times, to a server that notes what came when."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from swarming import until

BEGAN = datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.UTC)
NOTING = """
import json, os, pathlib, time

log = os.open(pathlib.Path(__file__).with_name("noted"), os.O_CREAT | os.O_APPEND | os.O_WRONLY)

async def app(scope, receive, send):
    assert scope["type"] == "http"
    now_s = time.monotonic()
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    path, query = scope["path"], scope["query_string"].decode()
    whole = f"{path}?{query}" if query else path
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    if path != "/ready":
        noted = [now_s, scope["method"], whole, headers.get("x-kept"), body.decode()]
        os.write(log, json.dumps(noted).encode() + b"\\n")
    status = 404 if path.startswith("/gone") else 200
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"noted"})
"""
EXPERIMENT = """
app = "noting:app"
ready_path = "/ready"

[scenarios.one]
path = "/never"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the app and an experiment."""
    (tmp_path / "noting.py").write_text(NOTING)
    (tmp_path / "hotlap.toml").write_text(EXPERIMENT)
    return tmp_path


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "hotlap", "swarm", *words]


def swarm(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), cwd=folder, capture_output=True, text=True, timeout=120)


def noted(folder: Path) -> list[list[Any]]:
    """What came: when, method, path with query, a header, body."""
    file = folder / "noted"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def result(folder: Path) -> dict[str, Any]:
    """The result, whose accounts are whole."""
    found: dict[str, Any] = json.loads((folder / "out.json").read_text())
    for row in (found["total"], *found["routes"]):
        assert row["started"] == row["answered"] + row["failed"] + row["aborted"], row
        assert row["in_flight"] == 0
    assert sum(row["started"] for row in found["routes"]) == found["total"]["started"]
    return found


def line(after_s: float, path: str, method: str = "GET", status: int = 200) -> str:
    at = BEGAN + datetime.timedelta(seconds=after_s)
    return f'1.1.1.1 - - [{at.isoformat(timespec="milliseconds")}] "{method} {path} HTTP/1.1" {status} 1\n'


def test_what_a_log_has_is_sent_once_and_counted_by_its_routes(folder: Path) -> None:
    sent = [(f"/items/{number}?q={{x}}%20{number}", 200) for number in range(200)]
    sent += [(f"/gone/{number}", 404) for number in range(30)] + [("/about", 200)] * 10
    lines = [line(number / 200, path, status=status) for number, (path, status) in enumerate(sent)]
    lines[7:7] = ["Listening\n", line(0.01, "/items", "POST", 201), '{"cut":\n', "\n", "more\n", "and more\n"]
    (folder / "access.log").write_text("".join(lines))
    done = swarm(folder, "--replay", "access.log", "--json", "out.json", "--speed", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert Counter(path for _, _, path, _, _ in noted(folder)) == Counter(path for path, _ in sent)
    found = result(folder)
    rows = {(row["method"], row["name"]): row["answered"] for row in found["routes"]}
    assert rows == {("GET", "/items/{}"): 200, ("GET", "/gone/{}"): 30, ("GET", "/about"): 10}
    assert (found["requests"], found["unread"], found["total"]["not_offered"]) == (240, 4, 0)
    assert found["rate"] == pytest.approx(400, rel=0.01)
    assert found["total"]["lag_ms"]["p50"] is not None
    assert (
        "4 lines were not read, the first of them: line 8: 'Listening'; line 10: '{\"cut\":'" in done.stderr
    )
    assert "POST may change what is stored" in done.stderr
    assert "240 of 240 requests sent, due at " in " ".join(done.stdout.split())
    assert [claim["name"] for claim in found["verdict"]][-1] == "rate"


@pytest.mark.measures
@pytest.mark.parametrize("speed", [1.0, 2.0])
def test_each_is_sent_at_its_time_whatever_the_answers_do(folder: Path, speed: float) -> None:
    due_s = [0.0, 0.5, 0.6, 1.5, 3.0]
    (folder / "access.log").write_text("".join(line(at_s, f"/{number}") for number, at_s in enumerate(due_s)))
    done = swarm(folder, "--replay", "access.log", "--speed", str(speed), "--json", "out.json")
    assert done.returncode == 0, done.stdout + done.stderr
    came = noted(folder)
    assert [path for _, _, path, _, _ in came] == [f"/{number}" for number in range(len(due_s))]
    for (came_s, *_), wanted_s in zip(came, due_s, strict=True):
        assert came_s - came[0][0] == pytest.approx(wanted_s / speed, abs=0.2)
    assert result(folder)["length_s"] == pytest.approx(3 / speed)


def test_a_har_file_is_sent_with_its_headers_and_bodies(folder: Path) -> None:
    entries = [
        {
            "startedDateTime": f"2023-11-14T22:13:20.{number:03}Z",
            "request": {
                "method": method,
                "url": f"http://shop/items/{number}",
                "headers": [{"name": "X-Kept", "value": f"of {number}"}],
                "postData": {"mimeType": "application/json", "text": f'{{"n": {number}}}'},
            },
            "response": {"status": 201},
        }
        for number, method in enumerate(["POST", "PUT", "DELETE"])
    ]
    (folder / "shop.har").write_text(json.dumps({"log": {"entries": entries}}))
    done = swarm(folder, "one/app", "--replay", "shop.har", "--json", "out.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(came[1:] for came in noted(folder)) == [
        ["DELETE", "/items/2", "of 2", '{"n": 2}'],
        ["POST", "/items/0", "of 0", '{"n": 0}'],
        ["PUT", "/items/1", "of 1", '{"n": 1}'],
    ]
    assert {row["name"] for row in result(folder)["routes"]} == {"/items/{}"}


def test_an_answer_that_is_worse_than_the_recorded_one_has_failed(folder: Path) -> None:
    (folder / "access.log").write_text(
        line(0, "/gone/1") + line(0.01, "/gone/2", status=404) + line(0.02, "/a", status=500)
    )
    done = swarm(folder, "--replay", "access.log", "--json", "out.json")
    assert done.returncode == 1
    assert "1 of 3 requests failed" in done.stderr
    total = result(folder)["total"]
    assert (total["answered"], total["failed"]) == (2, 1)


def test_where_it_is_ended_early_its_accounts_are_whole(folder: Path) -> None:
    lines = (line(number / 50, f"/items/{number}") for number in range(50 * 60))
    (folder / "access.log").write_text("".join(lines))
    words = command("--replay", "access.log", "--json", "out.json")
    process = subprocess.Popen(words, cwd=folder, start_new_session=True)
    until("requests have come", lambda: len(noted(folder)) > 20)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 0
    found = result(folder)
    assert found["total"]["answered"] <= len(noted(folder)) <= found["total"]["started"] < 3000
    assert "cut-short" in {claim["name"] for claim in found["verdict"]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("one/app", "--speed", "2"), "give --replay FILE with it"),
        ((), "name a LANE"),
        (("--replay", "access.log", "--users", "3"), "leave --users out"),
        (("--replay", "access.log", "--processes", "2"), "leave --processes out"),
        (("--replay", "nowhere.log"), "does not exist"),
    ],
)
def test_what_does_not_go_together_is_refused(folder: Path, words: tuple[str, ...], said: str) -> None:
    (folder / "access.log").write_text(line(0, "/"))
    done = swarm(folder, *words)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert noted(folder) == []


def test_without_an_experiment_there_is_the_url(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text("nothing\n")
    done = swarm(tmp_path, "--replay", "access.log", "--url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "has no request that can be sent at its time" in done.stderr
