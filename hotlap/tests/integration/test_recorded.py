"""``hotlap init --from``: recorded traffic becomes an experiment that runs, and no credential is in its files."""

from __future__ import annotations

import contextlib
import datetime
import json
import random
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import environments
import httpx
import pytest
from command import hotlap
from environments import Need
from har_recorder import Recorder
from places import APPS

from hotlap.analysis import judge
from hotlap.analysis.judged import JudgedRun
from hotlap.evidence.load import Trial
from hotlap.experiment import Experiment, Interface, Server
from hotlap.serving.server import served

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


def measured(folder: Path, **environment: str) -> JudgedRun:
    """Run the experiment for a second a lane: nothing failed."""
    done = hotlap(
        folder, "run", "--out", "run", "--time", "1", "--profiles", "none", timeout_s=280, **environment
    )
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
    done = hotlap(tmp_path, "init", "--from", "access.log", timeout_s=280, COLUMNS="200")
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
    done = hotlap(tmp_path, "init", "--from", "as-copied.txt", timeout_s=280, COLUMNS="200")
    assert done.returncode == 0, done.stdout + done.stderr
    text = (tmp_path / "hotlap.toml").read_text()
    for name in ("API_KEY", "TOKEN", "COOKIE", "X_API_KEY", "PASSWORD"):
        assert f"${{{name}}}" in text
        assert f"{name} stands for a credential" in done.stdout
    secrets = ("key-of-ann", "token-of-ann", "cookie-of-ann", "password-of-ann")
    assert_in_no_file(tmp_path, *secrets, but=(command,))
    assert not any(secret in done.stdout + done.stderr for secret in secrets)


FASTAPI = ["fastapi", "sqlalchemy", "python-multipart", "uvicorn"]
DJANGO = ["django", "gunicorn"]


@pytest.fixture
def own_app(tmp_path: Path, need: Need) -> Callable[[str, list[str]], Path]:
    """A copy of an app in a folder of its own, with an environment of its own beside it."""

    def make(name: str, packages: list[str]) -> Path:
        folder = tmp_path / name
        shutil.copytree(APPS / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
        environments.make(folder / ".venv", environments.OWN, packages, need)
        return folder

    return make


@contextlib.contextmanager
def running(folder: Path, app: str, interface: Interface) -> Iterator[str]:
    """The app as it runs while somebody uses it: its address. What they did is gone then."""
    server = Server(app=app, interface=interface, python=".venv/bin/python", ready_path="/openapi.json")
    experiment = Experiment(name="used", server=server, lanes=(), root=str(folder))
    there = set(folder.iterdir())
    with served(experiment) as used:
        yield used.url
    for made in set(folder.iterdir()) - there:
        if made.is_file():
            made.unlink()


def shop_used(url: str, recorder: Recorder) -> None:
    """Three look at items, two search, and one adds one, each with a login of their own."""

    def logged_in(name: str) -> httpx.Client:
        client = recorder.client(url)
        form = {"grant_type": "password", "username": name, "password": f"the password of {name}"}
        answer = client.post("/token", data=form)
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return client

    for number in range(3):
        browsing = logged_in("ann")
        browsing.get("/users/me")
        listed = browsing.get("/items/?limit=10").json()
        browsing.get(f"/items/{listed[number]['id']}")
        browsing.close()
    for word in ("item 1", "item 2"):
        searching = logged_in("bob")
        searching.get("/items/", params={"q": word})
        searching.close()
    adding = logged_in("bob")
    made = adding.post("/items/", json={"name": "A chair", "description": "of wood"})
    assert made.status_code == 201
    there = f"/items/{made.json()['id']}"
    adding.get(there)
    assert adding.put(there, json={"name": "A chair", "description": "of oak"}).status_code == 200
    adding.close()


@pytest.mark.slow
def test_an_app_of_fastapis_tutorial_is_measured_from_a_har_file(
    own_app: Callable[[str, list[str]], Path],
) -> None:
    folder = own_app("tutorial", FASTAPI)
    recorder = Recorder()
    with running(folder, "main:app", "asgi") as url:
        shop_used(url, recorder)
    har = folder / "shop.har"
    recorder.write(har)
    done = hotlap(folder, "init", "--from", "shop.har", timeout_s=280, COLUMNS="200")
    assert done.returncode == 0, done.stdout + done.stderr
    text = (folder / "hotlap.toml").read_text()
    table = tomllib.loads(text)
    mix = table["mixes"]["recorded"]
    assert mix == {
        "items-item_id": 50,
        "items": 33,
        "items-post": 17,
        "load": {"users": 16},
        "profiles": ["on-cpu"],
    }
    login, made, seen, changed = table["scenarios"]["items-post"]["steps"]
    assert login["once"] is True
    assert login["body"] == "grant_type=password&username=bob&password=${PASSWORD_2}"
    assert login["capture"] == {"access_token": "json:/access_token"}
    assert made["headers"]["authorization"] == "Bearer {access_token}"
    assert made["body"] == '{"name": "A chair-{now:ms}{hex:4}", "description": "of wood"}'
    assert made["capture"] == {"id": "json:/id"}
    assert "# name: it was a new one when it was recorded, so that another is made up each time" in text
    assert seen["path"] == changed["path"] == "/items/{id}"
    assert changed["body"] == '{"name": "A chair-{now:ms}{hex:4}", "description": "of oak"}'
    assert table["scenarios"]["items-post"]["again_on"] == [401]
    looked = table["scenarios"]["items-item_id"]["steps"]
    assert [step["path"] for step in looked] == ["/token", "/users/me", "/items/?limit=10", "/items/{id}"]
    assert table["scenarios"]["items"]["steps"][1]["path"] == "/items/?q={q}"
    assert (folder / "traffic" / "items.csv").read_text() == "q\nitem 1\nitem 2\n"
    tokens = {answer["access_token"] for answer in answers(har) if "access_token" in answer}
    assert len(tokens) == 6
    assert_in_no_file_written(folder, har, "the password of", "the%20password", "the+password", *tokens)
    run = measured(folder, PASSWORD="the password of ann", PASSWORD_2="the password of bob")
    whole = lane_of(run, "recorded")
    assert set(whole.flows) == {"items-item_id/app", "items/app", "items-post/app"}
    for flow in whole.flows.values():
        assert flow.requests
        assert flow.failures == 0


def lane_of(run: JudgedRun, scenario: str) -> Trial:
    (lane,) = [lane for lane in run.lanes if lane.evidence.scenario == scenario]
    return lane.trials[0].evidence


def answers(har: Path) -> list[Any]:
    """The JSON bodies that were recorded."""
    found = []
    for entry in json.loads(har.read_text())["log"]["entries"]:
        with contextlib.suppress(ValueError):
            found.append(json.loads(entry["response"]["content"]["text"]))
    return found


def assert_in_no_file_written(folder: Path, har: Path, *secrets: str) -> None:
    """None of them is in what the lab has written."""
    written = [folder / "hotlap.toml", *(folder / "traffic").glob("*"), *(folder / "run").rglob("*")]
    for file in written:
        if file.is_file():
            content = file.read_bytes()
            for secret in secrets:
                assert secret.encode() not in content, f"{secret} is in {file}"


def site_used(url: str, recorder: Recorder) -> None:
    """One browser: a login, and pages: a search, a note out of the list, and a new note that is changed."""

    def token(answer: httpx.Response) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', answer.text)
        assert found is not None, answer.text
        return found[1]

    with recorder.client(url) as browser:

        def show(path: str) -> httpx.Response:
            pages.append(f"page_{len(pages) + 1}")
            recorder.page = pages[-1]
            return browser.get(path)

        def send(path: str, shown: httpx.Response, **fields: str) -> httpx.Response:
            pages.append(f"page_{len(pages) + 1}")
            recorder.page = pages[-1]
            answer = browser.post(path, data={"csrfmiddlewaretoken": token(shown), **fields})
            assert answer.status_code == 200, answer.text
            return answer

        pages: list[str] = []
        send("/login/", show("/login/"), username="ann", password="the password of ann")
        show("/notes/?q=note%201")
        show("/notes/")
        show("/notes/3/")
        made = send("/notes/new/", show("/notes/new/"), title="Of today", text="It rains.")
        edit = re.search(r'href="([^"]+edit/)"', made.text)
        assert edit is not None
        send(edit[1], show(edit[1]), title="Of today", text="It rained.")
        show("/notes/?q=note%202")


@pytest.mark.slow
def test_a_django_site_is_measured_from_a_har_file(own_app: Callable[[str, list[str]], Path]) -> None:
    folder = own_app("notes", DJANGO)
    recorder = Recorder()
    with running(folder, "site_app:app", "wsgi") as url:
        site_used(url, recorder)
    har = folder / "site.har"
    recorder.write(har)
    done = hotlap(folder, "init", "--from", "site.har", timeout_s=280, COLUMNS="200")
    assert done.returncode == 0, done.stdout + done.stderr
    table = tomllib.loads((folder / "hotlap.toml").read_text())
    weights = {name: weight for name, weight in table["mixes"]["recorded"].items() if isinstance(weight, int)}
    assert weights == {"notes": 50, "notes-note_id": 25, "notes-new-post": 25}
    form, login, *steps = table["scenarios"]["notes-new-post"]["steps"]
    assert (form["once"], login["once"], login["follow"]) == (True, True, True)
    assert login["body"] == "csrfmiddlewaretoken={csrfmiddlewaretoken}&username=ann&password=${PASSWORD}"
    assert [(step.get("method", "GET"), step["path"]) for step in steps] == [
        ("GET", "/notes/new/"),
        ("POST", "/notes/new/"),
        ("GET", "/notes/{note_id}/edit/"),
        ("POST", "/notes/{note_id}/edit/"),
    ]
    assert steps[1]["body"] == (
        "csrfmiddlewaretoken={csrfmiddlewaretoken_2}&title=Of%20today-{now:ms}{hex:4}&text=It%20rains."
    )
    # Cookies go along by themselves.
    assert not any("cookie" in step.get("headers", {}) for step in steps)
    run = measured(folder, PASSWORD="the password of ann")
    whole = lane_of(run, "recorded")
    assert len(whole.flows) == 3
    for flow in whole.flows.values():
        assert flow.requests
        assert flow.failures == 0
    cookies = {
        value.partition("=")[2].partition(";")[0]
        for entry in json.loads(har.read_text())["log"]["entries"]
        for value in [pair["value"] for pair in entry["response"]["headers"] if pair["name"] == "set-cookie"]
    }
    assert len(cookies) >= 3
    assert_in_no_file_written(folder, har, "the password of", *cookies)
