"""The lab on other people's apps: each has a deliberate bottleneck, and the report must point at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from places import APPS

from hotlap.analysis import judge
from hotlap.analysis.judged import JudgedRun
from hotlap.run.result import RuleHit

pytestmark = [pytest.mark.measures, pytest.mark.slow]

HOTLAP = Path(sys.executable).with_name("hotlap")
TRACING = "profiles of a running server need root or CAP_SYS_PTRACE"

Need = Callable[[bool, str], None]


def hotlap(folder: Path, *words: str, timeout_s: float = 240) -> str:
    done = subprocess.run(
        [HOTLAP, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def app(tmp_path: Path) -> Callable[[str], Path]:
    """A copy of an app in a folder of its own, far from this repo."""

    def copy(name: str) -> Path:
        folder = tmp_path / name
        shutil.copytree(APPS / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
        return folder

    return copy


def run(folder: Path, *words: str) -> JudgedRun:
    hotlap(folder, "run", "--quick", "--out", "run", *words)
    found = judge.read(folder / "run")
    errors = [lane.evidence.error for lane in found.lanes]
    assert errors == [None] * len(errors)
    assert (folder / "run" / "report.html").exists()
    return found


def said(found: JudgedRun, name: str) -> RuleHit:
    spoken = [one for one in found.findings if one.name == name]
    assert spoken, [one.sentence for one in found.findings]
    return spoken[0]


def figure(hit: RuleHit, name: str) -> float:
    """A figure that a rule rests on."""
    found = hit.evidence[name]
    assert isinstance(found, (int, float)), hit.evidence
    return found


def test_fastapi_with_a_lock_held_over_an_await(app: Callable[[str], Path]) -> None:
    """Two commands from an app to a report that names the lock, and the line that holds it."""
    folder = app("locked")
    told = hotlap(folder, "init")
    assert "shop:app: fastapi, asgi; 3 of 3 routes" in told
    found = run(folder, "book/app", "--profiles", "await")
    assert "waiting for a lock (asyncio.Lock) in book (shop.py:" in said(found, "waits-for").sentence
    alone = said(found, "one-at-a-time")
    assert figure(alone, "users") == 16
    assert {found.findings[0].name, found.findings[1].name} == {"waits-for", "one-at-a-time"}


def test_an_extension_that_is_not_ours(app: Callable[[str], Path], need: Need) -> None:
    """orjson against json: the answers are the same, the gain is said, and JSON is what json's CPU goes to."""
    need(os.geteuid() == 0, TRACING)
    folder = app("locked")
    (folder / "hotlap.toml").write_text(
        """
app = "shop:app"
granian_args = ["--loop", "uvloop"]
ready_path = "/openapi.json"

[variants.json]
path = "/json/1"
[variants.orjson]
path = "/orjson/1"
[scenarios.lines]
load = { users = 4 }
"""
    )
    found = run(folder, "--profiles", "on-cpu")
    gain = said(found, "variant-gain")
    assert gain.lane == "lines/orjson"
    assert figure(gain, "ratio") < 0.5
    work = [one for one in found.findings if one.name == "kind-of-work"]
    assert [one.lane for one in work if "standard library's JSON" in one.sentence] == ["lines/json"]
    assert "orjson" in work[0].sentence
    assert "for with_json (shop.py:" in work[0].sentence


def test_flask_with_a_query_for_each_row(app: Callable[[str], Path]) -> None:
    folder = app("rows")
    assert "shop:app: flask, wsgi; 1 of 1 routes" in hotlap(folder, "init")
    found = run(folder, "--profiles", "none")
    first = said(found, "repeated-statement")
    assert found.findings[0].name == first.name
    assert figure(first, "per_request") == 200
    assert "customer_of (shop.py:" in first.sentence
    assert "select name from customer where id = ?" in first.sentence
    page = (folder / "run" / "report.html").read_text()
    assert first.link is not None
    assert f'id="{first.link.removeprefix("#")}"' in page
    assert "<code>select name from customer where id = ?</code>" in page


def test_django_with_a_template_that_asks_for_rows_one_by_one(app: Callable[[str], Path], need: Need) -> None:
    """The statements come first: they are what the template spends its time on, and no cache is recommended."""
    need(os.geteuid() == 0, TRACING)
    folder = app("lazy")
    hotlap(folder, "init")
    found = run(folder, "--profiles", "on-cpu", "--time", "5")
    first = said(found, "repeated-statement")
    assert found.findings[0].name == first.name, [one.sentence for one in found.findings]
    assert figure(first, "per_request") == 200
    assert "cache what does not change" not in " ".join(one.sentence for one in found.findings)
    work = said(found, "kind-of-work")
    assert "goes to SQL" in work.sentence
    assert "ask for what is needed in fewer" in work.sentence


def of_the_app(run: JudgedRun) -> list[RuleHit]:
    """The findings but for that on the build of the Python that runs the tests."""
    return [one for one in run.findings if one.name != "unoptimised-python"]


def test_a_server_that_the_load_leaves_idle(app: Callable[[str], Path]) -> None:
    """Users who mostly wait: the report says that the load sets the figure, and accuses nothing else."""
    folder = app("rows")
    (folder / "hotlap.toml").write_text(
        'app = "shop:app"\ninterface = "wsgi"\nready_path = "/purchases"\n[scenarios.static]\npath = "/static/no"\n'
        "expect = { status = 404 }\nload = { users = 2, wait_s = 0.2 }\n"
    )
    found = run(folder, "--profiles", "none")
    [only] = of_the_app(found)
    assert only.name == "idle-server"
    assert re.search(r"the server was idle \d+% of the time on static/app: the load, not", only.sentence)
    assert figure(only, "server_cpu_percent") < 50


def test_a_lane_that_only_sleeps(tmp_path: Path) -> None:
    """Its server sets nothing, and the finding says what it waits for."""
    (tmp_path / "shop.py").write_text(
        "import asyncio\nfrom starlette.applications import Starlette\nfrom starlette.responses import PlainTextResponse\n"
        "from starlette.routing import Route\n\nasync def nap(request):\n    await asyncio.sleep(0.05)\n"
        "    return PlainTextResponse('rested')\n\napp = Starlette(routes=[Route('/nap', nap)])\n"
    )
    (tmp_path / "hotlap.toml").write_text(
        'app = "shop:app"\ninterface = "asgi"\nready_path = "/nap"\n[scenarios.nap]\npath = "/nap"\n'
        "load = { users = 16 }\n"
    )
    found = run(tmp_path, "--profiles", "await")
    [only] = of_the_app(found)
    assert only.name == "only-waits"
    assert "requests to /nap only wait for a timer in nap (shop.py:" in only.sentence
    assert found.lanes[0].trials[0].limited_by == "load"


def test_django_with_json_in_a_loop(app: Callable[[str], Path], need: Need) -> None:
    need(os.geteuid() == 0, TRACING)
    folder = app("encoding")
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n')
    assert "shop:application: django, wsgi; 1 of 1 routes" in hotlap(folder, "init")
    assert (folder / "pyproject.toml").read_text().startswith('[project]\nname = "shop"')
    found = run(folder)
    first = found.findings[0]
    assert first.name == "kind-of-work"
    assert "the standard library's JSON, for export (shop.py:" in first.sentence


def test_starlette_with_a_call_that_blocks_the_event_loop(app: Callable[[str], Path]) -> None:
    """Served by its own command, uvicorn: nothing here is Granian's."""
    folder = app("blocking")
    found = run(folder, "--profiles", "await")
    first = found.findings[0]
    assert first.name == "blocked-loop", [one.sentence for one in found.findings]
    assert "by ask_the_bank (shop.py:" in first.sentence
    assert said(found, "one-at-a-time").lane == "pay/app"
