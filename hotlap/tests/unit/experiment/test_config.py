"""Experiments in TOML: what they become, and what is said of one that is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import jsonschema
import pytest

from hotlap.experiment import ExperimentError, Load, Server
from hotlap.experiment.config import load_experiment
from hotlap.experiment.toml import schema
from hotlap.experiment.toml_lines import line_of
from hotlap.serving.request import requests_of
from hotlap.serving.server import served
from hotlap.serving.ways import ServeError

SHOP = """
name = "shop"
app = "shop.main:app"
fail_if = ["basket/new p99 > 1.10x"]
setup = "python seed.py --rows 10"

[variants.old]
env = {FLAG = "off"}

[variants.new]
env = {FLAG = "on"}

[scenarios.basket]
title = "What is in the basket"
method = "POST"
path = "/basket"
headers = {Accept = "text/plain"}
body_file = "basket.json"
expect = {status = 201, same_as = "old"}
load = {users = 8, wait_s = [0.1, 0.3]}

[scenarios.basket.variants.new]
path = "/v2/basket"
headers = {X-New = "1"}

[scenarios.search]
suite = "slow"
path = "/search?q=x"
profiles = ["on-cpu", "await"]
[scenarios.search.load]
model = "open"
rate = 50
arrivals = "exponential"
[scenarios.search.variants.other]
cwd = "../other"
command = "uvicorn shop.main:app --port {port}"
"""


def write(folder: Path, text: str, name: str = "hotlap.toml") -> Path:
    (folder / name).write_text(text)
    (folder / "basket.json").write_text('{"a": 1}')
    return folder


def test_a_table_becomes_lanes(tmp_path: Path) -> None:
    experiment, folder = load_experiment(write(tmp_path, SHOP))
    assert folder == tmp_path
    assert experiment.names() == ["basket/old", "basket/new", "search/old", "search/new", "search/other"]
    assert (experiment.baseline, experiment.candidate) == ("old", "other")
    assert experiment.setup == ("python", "seed.py", "--rows", "10")
    old, new = experiment.lane("basket/old"), experiment.lane("basket/new")
    assert (old.path, new.path) == ("/basket", "/v2/basket")
    assert (old.method, old.body, old.expect.statuses) == ("POST", '{"a": 1}', (201,))
    assert old.headers == {"Accept": "text/plain"}
    assert new.headers == {"Accept": "text/plain", "X-New": "1"}
    assert (old.expect.same_as, new.expect.same_as) == (None, "old")
    assert old.load == Load(users=8, wait_s=(0.1, 0.3))
    assert old.server == Server(app="shop.main:app", env={"FLAG": "off"})
    search = experiment.lane("search/other")
    assert search.load == Load(model="open", rate=50.0, arrivals="exponential")
    assert search.profiles == ("on-cpu", "await")
    command = ("uvicorn", "shop.main:app", "--port", "{port}")
    assert search.server == Server(command=command, cwd="../other")
    assert [lane.name for lane in experiment.select(suite="slow")] == [
        "search/old",
        "search/new",
        "search/other",
    ]


def test_the_same_table_in_pyproject_is_found_from_below(tmp_path: Path) -> None:
    text = SHOP.replace("[variants", "[tool.hotlap.variants").replace("[scenarios", "[tool.hotlap.scenarios")
    write(tmp_path, "[tool.hotlap]" + text, "pyproject.toml")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    experiment, folder = load_experiment(below)
    assert folder == tmp_path
    assert len(experiment.lanes) == 5


def test_a_scenario_can_have_a_share_of_writes(tmp_path: Path) -> None:
    (tmp_path / "client.json").write_text('{"user_id": 1}')
    (tmp_path / "hotlap.toml").write_text(
        'app = "shop:app"\n[scenarios.list]\npath = "/clients"\n'
        '[scenarios.list.writes]\nshare = 0.05\npath = "/clients/1"\nbody_file = "client.json"\nstatus = 201\n'
    )
    experiment, _ = load_experiment(tmp_path)
    read, write = requests_of(experiment.lanes[0])
    assert (read.method, read.path, read.weight) == ("GET", "/clients", 9500)
    assert (write.method, write.path, write.weight, write.statuses) == ("PUT", "/clients/1", 500, [201])
    assert write.body == b'{"user_id": 1}'
    assert write.name == "list/app (write)"


def test_a_scenario_without_variants_is_one_lane(tmp_path: Path) -> None:
    experiment, _ = load_experiment(write(tmp_path, 'app = "a:b"\n[scenarios.home]\npath = "/"\n'))
    (lane,) = experiment.lanes
    assert (lane.name, lane.server) == ("home/app", None)


def test_a_python_object_can_stand_for_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_lanes.py").write_text(
        "from hotlap.experiment import *\n"
        "def make():\n    return Experiment(name='own', server=Server(app='a:b'), lanes=())\n"
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    experiment, _ = load_experiment(write(tmp_path, 'experiment = "own_lanes:make"\n'))
    assert (experiment.name, experiment.root) == ("own", str(tmp_path))
    with pytest.raises(ExperimentError, match="cannot be imported"):
        load_experiment(write(tmp_path, 'experiment = "own_lanes:missing"\n'))


BASE = 'app = "a:b"\n[scenarios.home]\npath = "/"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            BASE + "load = {uesrs = 3}\n",
            r"toml:4: scenarios\.home\.load\.uesrs: it is not a key here; known: .*users",
        ),
        (BASE + "[scenarios.home.load]\nusers = 0\n", r"toml:5: scenarios\.home\.load\.users: .*>= 1"),
        (
            BASE + "[scenarios.home.load]\nmodel = 'open'\n",
            r"toml:4: scenarios\.home\.load\.rate: .*need a rate",
        ),
        (BASE + "[scenarios.home.load]\nmodel = 'paced'\n", r"wait_s: paced users need a period"),
        (BASE + "[scenarios.home.load]\nusers = 100000000\n", r"toml:5: .*users: .*<= 100000"),
        (BASE + "[scenarios.home.load]\nmodel = 'open'\nrate = inf\n", r"toml:6: .*rate: "),
        (BASE + "[scenarios.home.load]\nmodel = 'open'\nrate = nan\n", r"toml:6: .*rate: "),
        (BASE + "[scenarios.home.load]\ntimeout_s = inf\n", r"toml:5: .*timeout_s: "),
        (BASE + "[scenarios.home.load]\nwait_s = inf\n", r"toml:5: .*wait_s: "),
        (BASE + "[scenarios.home.load]\nwait_s = [2, 1]\n", r"toml:5: .*low not above high"),
        (
            BASE + "body_file = 'none.txt'\n",
            r"toml:4: scenarios\.home\.body_file: there is no file none\.txt",
        ),
        (BASE + "locustfile = 'none.py'\n", r"there is no file none\.py"),
        (BASE + "expect = {same_as = 'old'}\n", r"toml:4: .*there is no variant 'old'"),
        (
            BASE + "[scenarios.home.variants.x]\nport = 3\n",
            r"toml:5: scenarios\.home\.variants\.x\.port: it is not",
        ),
        ('app = "a:b"\n[scenarios.home]\ntitle = "x"\n', r"toml:2: scenarios\.home\.path: .*has no path"),
        ('app = "a:b"\n', "no .*scenarios"),
        ('app = "ab"\n', r"toml:1: app: .*regex"),
        ('command = "x"\n[scenarios.home]\npath = "/"\n', r"toml:1: command: it must have \{port\}"),
        ('url = "http://x"\n' + BASE, "toml:1: url: app and url exclude each other"),
        ('[scenarios.home]\npath = "/"\n', "one of app, command and url"),
        ("app = \n", r"cannot be read: .*line 1"),
        ('experiment = "nonsense"\n', "module:object"),
    ],
)
def test_an_error_names_the_key_and_the_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ExperimentError, match=said):
        load_experiment(write(tmp_path, text))


def test_a_folder_without_an_experiment_points_to_init(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="hotlap init"):
        load_experiment(tmp_path)


def test_the_schema_takes_what_is_right_and_refuses_what_is_not() -> None:
    import tomllib

    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    assert list(validator.iter_errors(tomllib.loads(SHOP))) == []
    for wrong in (
        BASE + "load = {uesrs = 3}",
        BASE + "[scenarios.home.variants.x]\nport = 3",
        "name = 3\n" + BASE,
    ):
        assert list(validator.iter_errors(tomllib.loads(wrong))), wrong


@pytest.mark.parametrize(
    ("path", "line"),
    [(("a", "b"), 2), (("a", "c", "d"), 3), (("a", "q", "x"), 5), (("a", "zz"), 1), (("none",), None)],
)
def test_lines_are_found(path: tuple[str, ...], line: int | None) -> None:
    text = '[a]\nb = 1\nc.d = 2 # no\n["a".q] # here\n"x" = {y = 1}\n'
    assert line_of(text, path) == line


def test_a_server_elsewhere_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    text = 'url = "http://192.0.2.1:9"\nready_timeout_s = 0.2\n[scenarios.home]\npath = "/"\n'
    experiment, _ = load_experiment(write(tmp_path, text))
    with pytest.raises(ServeError, match="--allow-remote"), served(experiment):
        pytest.fail("it was accepted")


def test_the_interpreter_is_kept_as_written_and_changed_by_a_variant(tmp_path: Path) -> None:
    """Whether it is there is asked when it is to serve: a report or a worker of a swarm does not need it."""
    text = """
app = "main:app"
python = ".venv/bin/python"
[variants.now]
[variants.next]
python = ".venv-3.13/bin/python"
[variants.command]
command = "gunicorn main:app --bind 127.0.0.1:{port}"
[scenarios.s]
path = "/"
"""
    experiment, _ = load_experiment(write(tmp_path, text))
    served_by = {lane.variant: lane.server or experiment.server for lane in experiment.lanes}
    assert {name: server.python for name, server in served_by.items()} == {
        "now": ".venv/bin/python",
        "next": ".venv-3.13/bin/python",
        "command": ".venv/bin/python",
    }
    assert served_by["command"].app is None
    write(tmp_path, text.replace('".venv/bin/python"', '""'))
    with pytest.raises(ExperimentError, match="python"):
        load_experiment(tmp_path)
