"""Names that look like markup: each command shows them as they are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hotlap.run import result

NAME, SCENARIO, TITLE = "[/red][bold]", "[/dim][blink]:fire:", "[/]:bomb: \x1b[31m&amp; <b>it</b>"
SAID = "[/bold][red] port [/red] taken :warning:"
A, B = f"{SCENARIO}/[link=x]a", f"{SCENARIO}/[/link]b"
DEAD = "[dead]/[/dead]"

APP = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"a"})

"""

EXPERIMENT = f"""
import sys

from hotlap.experiment import Experiment, Lane, Load, Server

LOAD = Load(users=2)
DYING = (sys.executable, "-c", "import sys; sys.exit({SAID!r})", "{{port}}")

experiment = Experiment(
    name={NAME!r},
    server=Server(app="tiny:app", env={{"GREETING": "[/green]"}}),
    lanes=(
        Lane(scenario={SCENARIO!r}, variant="[link=x]a", path="/?[red]", load=LOAD, title={TITLE!r}),
        Lane(scenario={SCENARIO!r}, variant="[/link]b", path="/?[/red]", load=LOAD),
        Lane(scenario="[dead]", variant="[/dead]", path="/", server=Server(command=DYING), load=LOAD),
    ),
    baseline="[link=x]a",
    candidate="[/link]b",
    fail_if=("* p99 < 0.0001 ms",),
)
"""

STYLED = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;.*?\x1b\\")


def hotlap(folder: Path, *words: str, code: int = 0) -> str:
    """What a command prints on a terminal with colours, without these."""
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    done = subprocess.run(
        [sys.executable, "-m", "hotlap.cli", *words],
        cwd=folder,
        env={**environment, "COLUMNS": "250", "FORCE_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    shown = STYLED.sub("", done.stdout + done.stderr)
    assert done.returncode == code, shown[-3000:]
    assert "Traceback" not in shown
    return shown


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment whose names look like markup, and a run of it in ``[run]``."""
    made = tmp_path_factory.mktemp("[bold]")
    (made / "tiny.py").write_text(APP)
    (made / "tiny_experiment.py").write_text(EXPERIMENT)
    (made / "hotlap.toml").write_text('experiment = "tiny_experiment:experiment"\n')
    shown = hotlap(made, "run", "--quick", "--profiles", "on-cpu", "--out", "[run]", code=1)
    (made / "shown").write_text(shown)
    return made


def test_a_run_shows_names_and_the_servers_words_whole(folder: Path) -> None:
    shown = (folder / "shown").read_text()
    for text in (f"{NAME}: ", A, B, DEAD, SAID, "[run]/report.html", "fail if * p99 < 0.0001 ms"):
        assert text in shown
    run = result.read(folder / "[run]")
    for name in (A, B):
        lane = run.lane(name)
        assert lane is not None
        assert lane.error is None
        [trial], [profile] = lane.of_role(), lane.profiles
        assert (folder / "[run]" / str(trial.histogram)).is_file()
        assert (folder / "[run]" / str(profile.svg)).parent.parent == folder / "[run]" / "profiles"


def test_lists_and_plans_show_them_whole(folder: Path) -> None:
    listed = hotlap(folder, "list")
    for text in (NAME, A, B, "GET /?[red]", TITLE.replace("\x1b", "\ufffd")):
        assert text in listed
    planned = hotlap(folder, "run", "--dry-run")
    for text in (f"{NAME}: 3 lanes", A, B, DEAD):
        assert text in planned


def test_reports_histories_and_comparisons_show_them_whole(folder: Path) -> None:
    assert "[run]/report.html" in hotlap(folder, "report", "[run]")
    assert "&lt;b&gt;it&lt;/b&gt;" in (folder / "[run]" / "report.html").read_text()
    history = hotlap(folder, "history", ".", "--lane", A)
    assert A in history
    assert "[run]" in history
    words = ("--fail-if", "* rps > 0.001x", "--junit", "gates.xml", "--markdown", "summary.md")
    compared = hotlap(folder, "compare", "[run]", *words, code=1)
    for text in ("[run]: [link=x]a → [run]: [/link]b", B, "fail if * rps > 0.001x"):
        assert text in compared
    assert ElementTree.parse(folder / "gates.xml").getroot()[0].get("classname") == (
        "[run]: [link=x]a → [run]: [/link]b"
    )
    assert r"\[/link\]b" in (folder / "summary.md").read_text()


def test_flame_graphs_and_differences_show_them_whole(folder: Path) -> None:
    drawn = hotlap(folder, "flame", A, "--time", "1", "-o", "[red].svg")
    assert f"{A}: on-cpu" in drawn
    assert "[red].svg" in drawn
    changed = hotlap(folder, "diff", f"[run]:{A}", f"[run]:{B}", "-o", "[bold].svg")
    for text in (f"[run]:{A}", f"[run]:{B}", "[bold].svg"):
        assert text in changed
    (folder / "[a]").write_text("[/red]work (x.py:1);[bold]inner:fire: (x.py:2) 10\n")
    changed = hotlap(folder, "diff", "[a]", "[a]", "-o", "[bold].svg")
    for text in ("[/red]work", "[bold]inner:fire:"):
        assert text in changed


def test_a_swarm_shows_them_whole(folder: Path) -> None:
    shown = hotlap(folder, "swarm", A, "--headless", "--time", "1", "--json", "[swarm].json")
    assert f"{A} at http://127.0.0.1:" in shown
    assert (folder / "[swarm].json").is_file()


def test_errors_show_them_whole(folder: Path) -> None:
    assert f"there are: {A}, {B}, {DEAD}" in hotlap(folder, "run", "[/none]", code=2)
