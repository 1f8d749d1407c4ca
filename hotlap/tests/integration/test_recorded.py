"""``hotlap init --from``: recorded traffic becomes an experiment that runs, and no credential is in its files."""

from __future__ import annotations

import datetime
import json
import os
import random
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hotlap.analysis import judge
from hotlap.analysis.judged import JudgedRun

SHOP = """
from fastapi import FastAPI, HTTPException

app = FastAPI()

@app.get("/items/{number}")
async def item(number: int):
    if number >= 1000:
        raise HTTPException(404)
    return {"id": number}

@app.get("/search")
async def search(q: str, api_key: str):
    if api_key != "the-key-of-nobody":
        raise HTTPException(401)
    return {"q": q}

@app.get("/about")
async def about():
    return {"about": "us"}

@app.post("/orders", status_code=201)
async def order():
    return {}
"""
LINES = 100_000
KEY = "the-key-of-nobody"
BEGAN = datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.UTC)

Line = Callable[[datetime.datetime, str, str, int], str]


def _combined(at: datetime.datetime, method: str, target: str, status: int) -> str:
    return f'10.0.0.1 - ann [{at:%d/%b/%Y:%H:%M:%S %z}] "{method} {target} HTTP/1.1" {status} 12 "-" "Mozilla/5.0"'


def _granian(at: datetime.datetime, method: str, target: str, status: int) -> str:
    return f'[{at:%Y-%m-%d %H:%M:%S %z}] 127.0.0.1 - "{method} {target} HTTP/1.1" {status} 1.204'


def _caddy(at: datetime.datetime, method: str, target: str, status: int) -> str:
    asked = {"method": method, "uri": target, "headers": {"Cookie": ["REDACTED"]}}
    return json.dumps({"level": "info", "ts": at.timestamp(), "request": asked, "status": status})


def _log(line: Line) -> Iterator[str]:
    """A line for each of 100 requests a second: six items, three searches, some others; and what is no request."""
    chance = random.Random(1)
    for number in range(LINES):
        at = BEGAN + datetime.timedelta(seconds=number / 100)
        match number % 20:
            case 0:
                yield line(at, "GET", "/about", 200)
            case 1:
                yield line(at, "POST", "/orders", 201)
            case 2:
                yield line(at, "GET", f"/items/{chance.randrange(1000, 2000)}", 404)
            case 3 | 4 | 5 | 6 | 7 | 8:
                yield line(at, "GET", f"/search?q=a%20word%20{chance.randrange(50)}&api_key={KEY}", 200)
            case _:
                yield line(at, "GET", f"/items/{chance.randrange(1000)}", 200)
        if number % 10_000 == 0:
            yield "what is no request"


def hotlap(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hotlap", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, **environment},
        check=False,
    )


def measured(folder: Path, **environment: str) -> JudgedRun:
    """Run the experiment for a second a lane: nothing failed."""
    done = hotlap(folder, "run", "--out", "run", "--time", "1", "--profiles", "none", **environment)
    assert (folder / "run" / "run.json").exists(), done.stdout + done.stderr
    made = judge.read(folder / "run")
    for lane in made.lanes:
        assert lane.evidence.error is None, lane.evidence.error
        for trial in lane.trials:
            assert trial.evidence.failures == 0, (lane.name, trial.evidence.errors)
            assert trial.evidence.requests
    return made


def assert_in_no_file(folder: Path, *secrets: str, but: tuple[Path, ...] = ()) -> None:
    """None of them is in any file below the folder, beside the recordings."""
    files = [
        file for file in folder.rglob("*") if file.is_file() and file not in but and file.suffix != ".pyc"
    ]
    assert files
    for file in files:
        content = file.read_bytes()
        for secret in secrets:
            assert secret.encode() not in content, f"{secret} is in {file}"


@pytest.mark.slow
@pytest.mark.parametrize("line", [_combined, _granian, _caddy])
def test_an_access_log_becomes_a_mix_that_runs(tmp_path: Path, line: Line) -> None:
    app, log = tmp_path / "shop.py", tmp_path / "access.log"
    app.write_text(SHOP)
    log.write_text("\n".join(_log(line)) + "\n")
    done = hotlap(tmp_path, "init", "--from", "access.log", COLUMNS="200")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 lines were not read, the first of them: line 2: 'what is no request'" in done.stdout
    assert "API_KEY stands for a credential" in done.stdout
    table = tomllib.loads((tmp_path / "hotlap.toml").read_text())
    mix = table["mixes"]["recorded"]
    assert mix.pop("load") == {"model": "open", "rate": 100.0}
    assert mix.pop("profiles") == ["on-cpu"]
    assert mix == {"items-number": 63, "search": 32, "about": 5}
    assert table["scenarios"]["items-number"]["path"] == "/items/{number}"
    assert table["scenarios"]["search"]["path"] == "/search?q={q}&api_key=${API_KEY}"
    rows = (tmp_path / "traffic" / "items-number.csv").read_text().split()
    # What was answered with 404 is no value.
    assert rows[0] == "number"
    assert len(rows) - 1 == LINES * 11 // 20
    assert max(map(int, rows[1:])) < 1000
    made = measured(tmp_path, API_KEY=KEY)
    (recorded,) = [lane for lane in made.lanes if lane.evidence.scenario == "recorded"]
    assert set(recorded.trials[0].evidence.by_name) == {"items-number/app", "search/app", "about/app"}
    # The app's own code has the key that it asks for.
    assert_in_no_file(tmp_path, KEY, but=(app, log))


def test_credentials_of_a_curl_command_are_in_no_file(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    command = tmp_path / "as-copied.txt"
    command.write_text(
        "curl 'http://127.0.0.1:8000/search?q=x&api_key=key-of-ann' -H 'Authorization: Bearer token-of-ann' "
        "-b 'session=cookie-of-ann' -H 'X-Api-Key: other-key-of-ann' "
        """--json '{"password": "password-of-ann", "name": "ann"}'"""
    )
    done = hotlap(tmp_path, "init", "--from", "as-copied.txt", COLUMNS="200")
    assert done.returncode == 0, done.stdout + done.stderr
    text = (tmp_path / "hotlap.toml").read_text()
    for name in ("API_KEY", "TOKEN", "COOKIE", "X_API_KEY", "PASSWORD"):
        assert f"${{{name}}}" in text
        assert f"{name} stands for a credential" in done.stdout
    secrets = ("key-of-ann", "token-of-ann", "cookie-of-ann", "password-of-ann")
    assert_in_no_file(tmp_path, *secrets, but=(command,))
    assert not any(secret in done.stdout + done.stderr for secret in secrets)
