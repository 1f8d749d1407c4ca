"""Requests with values: real servers that remember what they were asked, and the whole way of ``run`` and ``swarm``."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command import hotlap

from hotlap.analysis import judge
from hotlap.analysis.judged import JudgedRun
from hotlap.experiment import ExperimentError
from hotlap.experiment.config import load_experiment
from hotlap.serving.server import free_port, served, stop

SHOP = """
import json, os, pathlib
from urllib.parse import unquote

folder = pathlib.Path(__file__).parent
log = os.open(folder / os.environ.get("LOG", "log"), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
made = set()

def app(environ, start):
    path, body = environ["RAW_PATH"] if "RAW_PATH" in environ else environ["PATH_INFO"], b""
    if path == "/":
        start("200 OK", [])
        return [b""]
    if environ["REQUEST_METHOD"] == "POST":
        body = environ["wsgi.input"].read()
    os.write(log, json.dumps([path, environ["QUERY_STRING"], body.decode()]).encode() + b"\\n")
    status = "200 OK"
    number = int(path.rsplit("/", 1)[1])
    if body:
        name = json.loads(body)["name"]
        status = "409 Conflict" if name in made else "201 Created"
        made.add(name)
        answer = {"name": name}
    else:
        answer = {"id": number + (number == int(os.environ.get("WRONG", "-1")))}
    start(status, [("content-type", "application/json")])
    return [json.dumps(answer).encode()]
"""
EXPERIMENT = """
app = "shop:app"
interface = "wsgi"

[scenarios.item]
path = "/items/{id}"
data = { file = "rows.csv", order = "unique" }
expect.json = { "/id" = "{id}" }
load = { users = 4 }
profiles = []
"""
ROWS = 400
ASKED = 5 * 4
"""How often the pages of five rows are asked for before any load."""


@pytest.fixture
def shop(tmp_path: Path) -> Callable[[str], Path]:
    """A folder with the app, its rows and an experiment."""

    def write(experiment: str) -> Path:
        (tmp_path / "shop.py").write_text(SHOP)
        (tmp_path / "rows.csv").write_text("id\n" + "".join(f"{row}\n" for row in range(ROWS)))
        (tmp_path / "hotlap.toml").write_text(experiment)
        return tmp_path

    return write


def lines(folder: Path, name: str = "log") -> list[list[str]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def run(folder: Path, *words: str) -> JudgedRun:
    done = hotlap(folder, "run", "--out", "run", "--profiles", "none", *words)
    assert (folder / "run" / "run.json").exists(), done.stdout + done.stderr
    return judge.read(folder / "run")


@pytest.mark.parametrize(("engine", "processes"), [("native", 1), ("native", 2), ("http", 1), ("http", 2)])
def test_unique_rows_are_sent_once_by_all_processes(
    shop: Callable[[str], Path], engine: str, processes: int
) -> None:
    folder = shop(EXPERIMENT)
    words = ("--engine", engine, "--processes", str(processes), "--users", "4", "--time", "5", "--headless")
    done = hotlap(folder, "swarm", "item/app", *words, "--json", "out.json")
    assert done.returncode == 0, done.stderr
    assert "what the experiment expects in them" in done.stderr
    counts = Counter(path for path, *_ in lines(folder)[ASKED:])
    assert counts == {f"/items/{row}": 1 for row in range(ROWS)}
    found: dict[str, Any] = json.loads((folder / "out.json").read_text())
    assert found["locust"]["requests"] == ROWS
    if engine == "native":
        total = found["total"]
        assert (total["started"], total["answered"], total["parsed"]) == (ROWS, ROWS, ROWS)


@pytest.fixture
def group() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts swarms that are ended with the test."""
    with contextlib.ExitStack() as stack:

        def start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "hotlap", "swarm", "item/app", *words]
            process = subprocess.Popen(command, cwd=folder, start_new_session=True)
            stack.callback(stop, process)
            return process

        yield start


def test_a_master_and_its_workers_share_the_rows(
    shop: Callable[[str], Path],
    group: Callable[..., subprocess.Popen[bytes]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder, port = shop(EXPERIMENT), str(free_port())
    away = tmp_path_factory.mktemp("elsewhere")
    for name in ("hotlap.toml", "shop.py"):
        (away / name).write_bytes((folder / name).read_bytes())
    (away / "rows.csv").write_text("id\n" + "".join(f"{1000 + row}\n" for row in range(ROWS)))
    master = ("--master", "--master-port", port, "--expect-workers", "2", "--users", "4", "--time", "5")
    leading = group(folder, *master, "--headless", "--json", "out.json")
    # A worker elsewhere reads its own copy of the rows.
    for place in (folder, away):
        group(place, "--worker", "--master-port", port)
    assert leading.wait(120) == 0
    sent = [int(path.rsplit("/", 1)[1]) for path, *_ in lines(folder)[ASKED:]]
    assert sorted(row % 1000 for row in sent) == list(range(ROWS))
    assert {row >= 1000 for row in sent} == {True, False}


def test_both_variants_get_the_same_sequence(shop: Callable[[str], Path]) -> None:
    experiment = EXPERIMENT.replace("unique", "zipf").replace('"/items/{id}"', '"/items/{id}?x={hex:8}"')
    variants = '[variants.one]\nenv = { LOG = "one" }\n[variants.two]\nenv = { LOG = "two" }\n'
    folder = shop(experiment.replace("users = 4", "users = 1") + variants)
    made = run(folder, "--time", "1")
    assert [lane.evidence.error for lane in made.lanes] == [None, None]
    assert [lane.trials[0].evidence.failures for lane in made.lanes] == [0, 0]
    one, two = lines(folder, "one"), lines(folder, "two")
    assert len(one) > 100
    assert len({path for path, *_ in one}) > 20
    # Another trial of a lane begins with the first row again; the last request of the first one may not have come.
    drawn = [lane.trials[0].evidence.drawn or 0 for lane in made.lanes]
    both = ASKED + min(drawn) - 1
    assert one[:both] == two[:both]
    trial = made.lanes[0].trials[0].evidence
    assert trial.parsed == trial.requests
    assert trial.drawn is not None
    assert trial.requests is not None
    assert trial.drawn >= trial.requests


def test_an_answer_to_another_request_is_found(shop: Callable[[str], Path]) -> None:
    folder = shop(EXPERIMENT.replace("unique", "in-turn") + 'env = { WRONG = "100" }\n')
    (lane,) = run(folder, "--time", "1").lanes
    assert lane.verdict.status == "void"
    (error,) = lane.trials[0].evidence.errors
    assert error == 'another value at /id than expected: the first time, "101" instead of "100"'


def test_a_wrong_answer_to_the_first_rows_is_not_loaded(shop: Callable[[str], Path]) -> None:
    folder = shop(EXPERIMENT + 'env = { WRONG = "3" }\n')
    (lane,) = run(folder, "--time", "1").lanes
    assert lane.evidence.error is not None
    assert (
        'GET /items/{id} answered another value at /id than expected: "4" instead of "3"'
        in lane.evidence.error
    )
    assert not lane.trials


def test_rows_that_run_out_void_the_lane(shop: Callable[[str], Path]) -> None:
    (lane,) = run(shop(EXPERIMENT), "--time", "1").lanes
    assert lane.verdict.status == "void"
    (said,) = [rule.sentence for rule in lane.verdict.rules if rule.name == "out-of-data"]
    assert "after 400 requests with values no row was left" in said
    assert lane.trials[0].evidence.out_of_data == 4


ORDERS = """
[scenarios.order]
method = "POST"
path = "/orders/1"
body = '{"name": "{name}", "quoted": "{name}"}'
data = { file = "names.jsonl", order = "unique" }
expect = { status = 201, json = { "/name" = "{name}" } }
load = { users = 2, wait_s = 0.02 }
profiles = []
"""
MAKE = """
import json
with open("names.jsonl", "w") as file:
    for number in range(5000):
        print(json.dumps({"name": f'"{number}"\\n'}), file=file)
"""


def test_what_may_be_sent_once_has_a_row_for_each(shop: Callable[[str], Path]) -> None:
    folder = shop(f'app = "shop:app"\ninterface = "wsgi"\nsetup = "{sys.executable} make.py"\n{ORDERS}')
    (folder / "make.py").write_text(MAKE)
    (lane,) = run(folder, "--time", "1").lanes
    assert lane.evidence.error is None
    assert lane.trials[0].evidence.requests
    assert lane.trials[0].evidence.failures == 0
    names = [json.loads(body)["name"] for *_, body in lines(folder)]
    assert names[0] == '"0"\n'


def test_a_server_that_runs_on_is_sent_each_row_once(shop: Callable[[str], Path]) -> None:
    folder = shop(f'app = "shop:app"\ninterface = "wsgi"\n{ORDERS}')
    (folder / "make.py").write_text(MAKE)
    subprocess.run([sys.executable, "make.py"], cwd=folder, check=True)
    experiment, _ = load_experiment(folder)
    with served(experiment) as running:
        (folder / "hotlap.toml").write_text(f'url = "{running.url}"\n{ORDERS}')
        (lane,) = run(folder, "--time", "1", "--repeat", "2").lanes
    assert lane.evidence.error is None
    measured = [trial.evidence for trial in lane.trials]
    assert len(measured) >= 2
    assert sum(trial.failures or 0 for trial in measured) == 0
    counts = Counter(body for *_, body in lines(folder))
    assert set(counts.values()) == {1}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "{id}",
            "{no}",
            r"hotlap.toml:6: scenarios.item.path: \{no\} stands for no value: data has id; what is",
        ),
        ('"{id}" }', '"{x}" }', r"hotlap.toml:8: scenarios.item.expect.json./id: \{x\} stands for no value"),
        (
            "rows.csv",
            "none.csv",
            r"hotlap.toml:7: scenarios.item.data: there is no file .*none.csv: make it, or let setup",
        ),
        (
            '"/id" = "{id}"',
            '"id" = 1',
            r'hotlap.toml:8: scenarios.item.expect.json: "id" is not a JSON pointer',
        ),
        (
            "expect.json",
            'expect.matches = "("\nexpect.json',
            r'scenarios.item.expect.matches: "\(" is not a pattern',
        ),
        (
            "expect.json",
            "expect.size_bytes = [5, 1]\nexpect.json",
            r"scenarios.item.expect.size_bytes: .* cannot be",
        ),
        ("{id}", "{int:2..1}", r"scenarios.item.path: \{int:2..1\}: 2 is above 1"),
        ('"unique"', '"any"', r"scenarios.item.data"),
        ('"rows.csv"', '"shop.py"', r"values come from a .csv, .tsv, .jsonl or .ndjson file"),
    ],
)
def test_what_stands_for_nothing_is_told_with_key_and_line(
    shop: Callable[[str], Path], old: str, new: str, said: str
) -> None:
    folder = shop(EXPERIMENT.replace(old, new, 1))
    with pytest.raises(ExperimentError, match=said):
        load_experiment(folder)


def test_braces_of_a_body_are_braces(shop: Callable[[str], Path]) -> None:
    body = '{"name": "{{id}", "deep": {"a": {}}, "query": "{ id { name } }"}'
    keys = f"method = \"POST\"\nbody = '{body}'\nexpect = {{ status = [201, 409], varies = true }}\n"
    folder = shop(EXPERIMENT.replace('expect.json = { "/id" = "{id}" }\n', keys).replace("/{id}", "/1"))
    done = hotlap(folder, "swarm", "item/app", "--headless", "--users", "1", "--time", "1")
    assert "status alone" in done.stderr
    assert json.loads(lines(folder)[0][2]) == json.loads(body.replace("{{", "{"))
