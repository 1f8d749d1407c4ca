"""``hotlap init``: what it finds out about apps, and the experiment that it writes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from hotlap import discover
from hotlap.cli import main
from hotlap.config import load_experiment

FALCON = """
import falcon

class Thing:
    def on_get(self, req, resp, number=0):
        resp.text = "ok"

    def on_post(self, req, resp, number=0):
        resp.text = "made"

class Gone:
    def on_get(self, req, resp):
        raise falcon.HTTPGone()

def create_app():
    app = falcon.App()
    app.add_route("/things/{number:int}", Thing())
    app.add_route("/gone", Gone())
    return app
"""
FASTAPI = """
from fastapi import FastAPI, Path
from enum import Enum
app = FastAPI()

class Size(str, Enum):
    small = "small"

@app.get("/items/{number}/{size}")
async def item(size: Size, number: int = Path(ge=7)):
    return {"number": number}
"""
STARLETTE = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
async def hello(request):
    return PlainTextResponse("hello")
app = Starlette(routes=[Mount("/v1", routes=[Route("/hello", hello)])])
"""


@pytest.mark.parametrize(
    ("text", "app", "told"),
    [
        (
            FALCON,
            "main:create_app",
            {
                "interface": "wsgi",
                "factory": True,
                "framework": "falcon",
                "routes": [
                    ["GET", "/gone"],
                    ["GET", "/things/{number:int}"],
                    ["POST", "/things/{number:int}"],
                ],
            },
        ),
        (
            FASTAPI,
            "main:app",
            {
                "interface": "asgi",
                "factory": False,
                "framework": "fastapi",
                "routes": [["GET", "/items/7/small"]],
            },
        ),
        (
            STARLETTE,
            "main:app",
            {
                "interface": "asgi",
                "factory": False,
                "framework": "starlette",
                "routes": [["GET", "/v1/hello"], ["HEAD", "/v1/hello"]],
            },
        ),
    ],
)
def test_what_an_app_tells(tmp_path: Path, text: str, app: str, told: dict[str, object]) -> None:
    (tmp_path / "main.py").write_text(text)
    assert discover.objects(tmp_path) == [app]
    assert discover.ask(app, tmp_path) == told


def test_the_likeliest_app_comes_first(tmp_path: Path) -> None:
    package = tmp_path / "src" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "main.py").write_text(STARLETTE)
    (package / "other.py").write_text(STARLETTE)
    (tmp_path / "broken.py").write_text("def (")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "app.py").write_text(STARLETTE)
    assert discover.objects(tmp_path) == ["shop.main:app", "shop.other:app"]


def init(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    monkeypatch.chdir(folder)
    told = CliRunner().invoke(main, ["init", *words], env={"COLUMNS": "200"})
    return told.exit_code, told.output


def test_a_written_experiment_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "main.py").write_text(FALCON)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n\n[tool.other]\na = 1\n')
    code, told = init(tmp_path, monkeypatch)
    assert code == 0, told
    assert "it answers 410" in told
    parsed = tomllib.loads((tmp_path / "pyproject.toml").read_text())
    assert parsed["tool"]["other"] == {"a": 1}
    experiment, root = load_experiment(tmp_path)
    assert root == tmp_path
    assert [(lane.name, lane.path) for lane in experiment.lanes] == [("things-number-int/app", "/things/1")]
    assert (experiment.server.interface, experiment.server.factory) == ("wsgi", True)
    text = (tmp_path / "pyproject.toml").read_text()
    assert "# [tool.hotlap.scenarios.gone]" in text
    assert "# [tool.hotlap.scenarios.things-number-int-post]" in text
    again, said = init(tmp_path, monkeypatch)
    assert again == 2
    assert "has a [tool.hotlap] table already" in said


def test_paths_of_ones_own_and_an_app_in_src(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "src" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "main.py").write_text(STARLETTE)
    code, told = init(tmp_path, monkeypatch, "--app", "shop.main:app", "--path", "/v1/hello?name=x")
    assert code == 0, told
    experiment, _ = load_experiment(tmp_path)
    assert [(lane.scenario, lane.path) for lane in experiment.lanes] == [("v1-hello", "/v1/hello?name=x")]
    assert experiment.server.env == {"PYTHONPATH": "src"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name it with --app MODULE:OBJECT"),
        (("--app", "nothing:app"), "nothing:app cannot be imported"),
        (("--path", "x"), "a path starts with /"),
    ],
)
def test_what_cannot_be_found_out_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    code, told = init(tmp_path, monkeypatch, *words)
    assert code == 2
    assert said in told
    assert not (tmp_path / "hotlap.toml").exists()
