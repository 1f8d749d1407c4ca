"""Flows over real servers: a Django form with a session and CSRF, and exact accounts over processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import hotlap

from hotlap.analysis import judge
from hotlap.analysis.judged import JudgedLane
from hotlap.experiment import ExperimentError
from hotlap.experiment.config import load_experiment
from hotlap.serving.server import free_port, stop

SITE = """
import django
from django.conf import settings

settings.configure(
    SECRET_KEY="for-this-test-alone-and-long-enough-to-be-one",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, HttpResponseForbidden
from django.shortcuts import redirect
from django.template import engines
from django.urls import path

FORM = engines["django"].from_string("<form method=post>{% csrf_token %}<input name=user></form>")

def login(request):
    if request.method == "POST":
        request.session["user"] = request.POST["user"]
        return redirect("/home")
    return HttpResponse(FORM.render({}, request))

def home(request):
    user = request.session.get("user")
    return HttpResponse(f"hello {user}") if user else HttpResponseForbidden("who are you?")

urlpatterns = [path("login", login), path("home", home)]
app = get_wsgi_application()
"""
SITE_EXPERIMENT = """
app = "site_app:app"
interface = "wsgi"
ready_path = "/login"

[scenarios.member]
data = { file = "users.csv", order = "unique", at_end = "again" }
load = { users = 4 }
profiles = []

[[scenarios.member.steps]]
name = "form"
once = true
path = "/login"
capture = { csrf = 'regex:name="csrfmiddlewaretoken" value="([^"]+)"' }

[[scenarios.member.steps]]
name = "log in"
once = true
method = "POST"
path = "/login"
headers = { Content-Type = "application/x-www-form-urlencoded" }
body = "csrfmiddlewaretoken={csrf}&user={user}"
follow = true
expect.contains = "hello {user}"

[[scenarios.member.steps]]
name = "home"
path = "/home"
expect.body = "hello {user}"
"""


def measured(folder: Path, *words: str) -> JudgedLane:
    done = hotlap(folder, "run", "--out", "run", "--profiles", "none", "--time", "1", *words)
    assert (folder / "run" / "run.json").exists(), done.stdout + done.stderr
    (lane,) = judge.read(folder / "run").lanes
    return lane


@pytest.fixture
def site(tmp_path: Path) -> Callable[[str], Path]:
    """A folder with the Django site, its users and an experiment."""

    def write(experiment: str) -> Path:
        (tmp_path / "site_app.py").write_text(SITE)
        (tmp_path / "users.csv").write_text("user\n" + "".join(f"user {n}&=\n" for n in range(50)))
        (tmp_path / "hotlap.toml").write_text(experiment)
        return tmp_path

    return write


def test_a_django_form_is_filled_in_and_its_session_kept(site: Callable[[str], Path]) -> None:
    lane = measured(site(SITE_EXPERIMENT))
    assert lane.evidence.error is None
    verified = lane.evidence.verified
    assert verified is not None
    assert verified.steps is not None
    assert [(step.name, step.status) for step in verified.steps] == [
        ("form", 200),
        ("log in", 200),
        ("home", 200),
    ]
    seen = lane.trials[0].evidence
    assert seen.failures == 0
    assert seen.flows["member/app"].requests == seen.by_name["home"].requests > 100


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"home"\npath = "/home"', '"home"\npath = "/nowhere"', "in member/app, home: status 404, not 200"),
        (
            'body = "hello {user}"',
            'body = "hullo"',
            "in member/app, home: another body than expected: the first time,",
        ),
        ("([^", "x([^", "in member/app, form: its answer has no csrf (regex:"),
        ("={csrf}", "=x", "in member/app, log in: status 403, not 200"),
    ],
)
def test_a_step_that_fails_is_named_before_any_load(
    site: Callable[[str], Path], old: str, new: str, said: str
) -> None:
    assert old in SITE_EXPERIMENT
    lane = measured(site(SITE_EXPERIMENT.replace(old, new)))
    assert lane.evidence.error is not None
    assert said in lane.evidence.error
    assert not lane.trials


COUNTING = """
import json, os, pathlib

log = os.open(pathlib.Path(__file__).with_name("log"), os.O_CREAT | os.O_APPEND | os.O_WRONLY)

def app(environ, start):
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path != "/":
        os.write(log, f"{path}?{query}\\n".encode())
    start("200 OK", [("set-cookie", "seen=1")])
    return [json.dumps({"ticket": query}).encode()]
"""
COUNTED = """
app = "counting:app"
interface = "wsgi"

[scenarios.round]
load = { users = 6, wait_s = 0.001 }
profiles = []

[[scenarios.round.steps]]
name = "first"
path = "/first?{counter}"
capture = { ticket = "json:/ticket" }

[[scenarios.round.steps]]
name = "second"
path = "/second?{ticket}"
expect.json = { "/ticket" = "{ticket}" }
"""


@pytest.mark.parametrize("way", ["one process", "two processes", "a master and two workers"])
def test_the_accounts_are_exact_step_by_step(tmp_path: Path, way: str) -> None:
    (tmp_path / "counting.py").write_text(COUNTING)
    (tmp_path / "hotlap.toml").write_text(COUNTED)
    words = ("--headless", "--users", "6", "--time", "3", "--json", "out.json", "--stop-timeout", "10")
    if way == "a master and two workers":
        port = str(free_port())
        command = [sys.executable, "-m", "hotlap", "swarm", "round/app", "--master-port", port]
        workers = [
            subprocess.Popen([*command, "--worker"], cwd=tmp_path, start_new_session=True) for _ in range(2)
        ]
        try:
            done = hotlap(
                tmp_path,
                "swarm",
                "round/app",
                "--master-port",
                port,
                "--master",
                "--expect-workers",
                "2",
                *words,
            )
        finally:
            for worker in workers:
                stop(worker)
    else:
        processes = "2" if way == "two processes" else "1"
        done = hotlap(tmp_path, "swarm", "round/app", "--processes", processes, *words)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((tmp_path / "out.json").read_text())
    rows = {row["name"]: row for row in found["requests"]}
    for row in (*rows.values(), found["total"]):
        assert row["started"] == row["answered"] + row["aborted"]
        assert (row["failed"], row["in_flight"]) == (0, 0)
    assert found["total"]["started"] == rows["first"]["started"] + rows["second"]["started"]
    assert found["locust"]["requests"] == found["total"]["answered"]
    assert rows["round/app"]["answered"] == rows["second"]["answered"]
    # The first two of each are from before the load: one user was there to see what is answered.
    log = (tmp_path / "log").read_text().splitlines()[2:]
    counts = Counter(log)
    assert set(counts.values()) == {1}
    came = Counter(line.partition("?")[0] for line in log)
    assert came["/first"] == rows["first"]["started"] > 100
    assert came["/second"] == rows["second"]["started"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "/second?{ticket}",
            "/second?{tocket}",
            r"scenarios.round.steps.path: \{tocket\} stands for no value: .*ticket",
        ),
        ("/first?{counter}", "/first?{ticket}", r"\{ticket\} stands for no value"),
        ('"json:/ticket"', '"xpath:/ticket"', "step 1 captures ticket: .* write json:/POINTER"),
        ('name = "second"', 'name = "second"\nonce = true', "one step at least is not once"),
        ('name = "second"', 'name = "first"', "two steps have the name first"),
        (
            "profiles = []",
            'path = "/"',
            "scenarios.round.path: a scenario with steps has no request but these",
        ),
        (
            "profiles = []",
            "expect = { status = 201 }",
            "scenarios.round.expect: each of the steps has its own",
        ),
        ('name = "second"', 'name = "second"\nwait_s = [2, 1]', "low not above high"),
    ],
)
def test_a_flow_that_cannot_be_is_told_with_its_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in COUNTED
    (tmp_path / "hotlap.toml").write_text(COUNTED.replace(old, new))
    with pytest.raises(ExperimentError, match=said):
        load_experiment(tmp_path)


def test_flows_that_are_turned_away_are_counted(tmp_path: Path) -> None:
    slow = COUNTING.replace("import json, os", "import json, os, time").replace(
        "    if path !=", "    time.sleep(0.05)\n    if path !="
    )
    (tmp_path / "counting.py").write_text(slow)
    load = 'load = { model = "open", rate = 100, max_in_flight = 1 }'
    (tmp_path / "hotlap.toml").write_text(COUNTED.replace("load = { users = 6, wait_s = 0.001 }", load))
    lane = measured(tmp_path)
    seen = lane.trials[0].evidence
    assert seen.not_offered
    assert "saturated" in {rule.name for rule in lane.verdict.rules}
    words = ("--headless", "--time", "2", "--json", "out.json")
    assert hotlap(tmp_path, "swarm", "round/app", *words).returncode == 0
    total = json.loads((tmp_path / "out.json").read_text())["total"]
    assert total["not_offered"] > 10


MIXED = """
app = "counting:app"
interface = "wsgi"

[scenarios.fixed]
path = "/fixed"
profiles = []

[scenarios.counted]
path = "/counted?{counter}"
profiles = []

[scenarios.round]
profiles = []

[[scenarios.round.steps]]
path = "/first?{hex:4}"
capture = { ticket = "json:/ticket" }

[[scenarios.round.steps]]
path = "/second?{ticket}"

[mixes.all]
fixed = 5
counted = 3
round = 2
load = { users = 4, wait_s = 0.001 }
profiles = []
"""


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("load", ["users = 4, wait_s = 0.001", 'model = "open", rate = 200'])
def test_a_mix_has_exact_proportions(tmp_path: Path, processes: int, load: str) -> None:
    (tmp_path / "counting.py").write_text(COUNTING)
    (tmp_path / "hotlap.toml").write_text(MIXED.replace("users = 4, wait_s = 0.001", load))
    words = ("--headless", "--time", "3", "--json", "out.json", "--stop-timeout", "10")
    done = hotlap(tmp_path, "swarm", "all/app", "--processes", str(processes), *words)
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads((tmp_path / "out.json").read_text())["requests"]}
    fixed, counted, whole = (rows[name]["started"] for name in ("fixed/app", "counted/app", "round/app"))
    assert fixed > 100
    # Each process is within one turn of each.
    assert abs(3 * fixed - 5 * counted) <= 15 * processes
    assert abs(2 * fixed - 5 * whole) <= 10 * processes
    for row in rows.values():
        assert row["started"] == row["answered"] + row["aborted"]
        assert row["failed"] == 0
    log = Counter(line.partition("?")[0] for line in (tmp_path / "log").read_text().splitlines())
    asked_before = 4
    for path, name in (("/fixed", "fixed/app"), ("/first", "round: /first?{hex:4}")):
        assert 0 <= log[path] - rows[name]["started"] <= asked_before


def test_a_mix_stands_beside_its_scenarios_in_a_run(tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(COUNTING)
    (tmp_path / "hotlap.toml").write_text(MIXED)
    done = hotlap(tmp_path, "run", "--out", "run", "--profiles", "none", "--time", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    lanes = {lane.name: lane for lane in judge.read(tmp_path / "run").lanes}
    assert set(lanes) == {"fixed/app", "counted/app", "round/app", "all/app"}
    mixed = lanes["all/app"]
    assert mixed.evidence.path == "5 × fixed, 3 × counted, 2 × round"
    assert lanes["round/app"].evidence.path == "/first?{hex:4} → /second?{ticket}"
    verified = mixed.evidence.verified
    assert verified is not None
    assert verified.parts is not None
    assert {name: part.held for name, part in verified.parts.items()} == {
        "fixed": "body",
        "counted": "status",
        "round": "status",
    }
    seen = mixed.trials[0].evidence
    assert seen.failures == 0
    assert set(seen.by_name) == {
        "fixed/app",
        "counted/app",
        "round: /first?{hex:4}",
        "round: /second?{ticket}",
    }
    assert set(seen.flows) == {"round/app"}
    page = (tmp_path / "run" / "report.html").read_text()
    assert "round/app, the whole flow" in page


def test_a_wrong_answer_within_a_mix_is_a_failure(tmp_path: Path) -> None:
    counts = COUNTING.replace("def app(", "n = [0]\n\ndef app(").replace(
        "    path, query", "    n[0] += 1\n    path, query"
    )
    later = counts.replace('"ticket": query', '"ticket": query if n[0] < 60 else 7')
    assert later.count("n[0]") == 2
    (tmp_path / "counting.py").write_text(later)
    (tmp_path / "hotlap.toml").write_text(MIXED)
    lane = judge_of(tmp_path, "all/app")
    assert any(error.startswith("another body than expected") for error in lane.trials[0].evidence.errors), (
        lane.trials[0].evidence.errors
    )


def judge_of(folder: Path, name: str) -> JudgedLane:
    done = hotlap(folder, "run", name, "--out", "run", "--profiles", "none", "--time", "1")
    assert (folder / "run" / "run.json").exists(), done.stdout + done.stderr
    (lane,) = judge.read(folder / "run").lanes
    return lane


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "fixed = 5",
            "fixt = 5",
            "mixes.all.fixt: no scenario has that name; there are: fixed, counted, round",
        ),
        ("fixed = 5", "fixed = 0", "mixes.all.fixed: a weight is a whole number from 1 to"),
        ("fixed = 5", "fixed = 0.5", "mixes.all.fixed: a weight is a whole number"),
        (
            "fixed = 5\ncounted = 3\nround = 2",
            "",
            "mixes.all: it has no scenario: give some their weights, as in fixed = 8",
        ),
        ("[mixes.all]", "[mixes.round]", "mixes.round: a scenario has that name"),
    ],
)
def test_a_mix_that_cannot_be_is_told_with_its_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in MIXED
    (tmp_path / "hotlap.toml").write_text(MIXED.replace(old, new))
    with pytest.raises(ExperimentError, match=said):
        load_experiment(tmp_path)


def test_stock_users_do_not_go_through_flows(tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(COUNTING)
    (tmp_path / "hotlap.toml").write_text(COUNTED)
    done = hotlap(tmp_path, "swarm", "round/app", "--engine", "http", "--headless", "--time", "1")
    assert done.returncode != 0
    assert "is a flow, a mix or a stream: these need the native engine" in done.stderr
    assert "Traceback" not in done.stderr
