"""How a command is put together, without an interpreter that has to be asked."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from hotlap.experiment import Server
from hotlap.serving.ways import ServeError, command_of, environment_of, way_of


def test_a_commands_placeholders_are_filled(tmp_path: Path) -> None:
    server = Server(command=("serve", "--bind={host}:{port}", "--with={python}"))
    assert command_of(server, tmp_path, 8123) == [
        "serve",
        "--bind=127.0.0.1:8123",
        f"--with={sys.executable}",
    ]


@pytest.mark.parametrize("first", ["python", "python3", "{python}"])
def test_a_command_that_is_python_is_run_by_the_interpreter(tmp_path: Path, first: str) -> None:
    server = Server(command=(first, "-m", "shop", "{port}"))
    assert command_of(server, tmp_path, 8123, python_args=["-X", "perf"], wrapper=["nice"]) == [
        *("nice", sys.executable, "-X", "perf", "-m", "shop", "8123"),
    ]


def test_arguments_for_the_interpreter_need_a_command_that_is_python(tmp_path: Path) -> None:
    with pytest.raises(ServeError, match="does not start with python"):
        command_of(Server(command=("serve", "{port}")), tmp_path, 1, python_args=["-X", "perf"])


def test_a_missing_interpreter_is_said_of_a_command_and_of_an_app(tmp_path: Path) -> None:
    for server in (
        Server(command=("serve", "{port}"), python="env/python"),
        Server(app="a:b", python="env/python"),
    ):
        with pytest.raises(ServeError, match=r'^python = "env/python": there is no file'):
            command_of(server, tmp_path, 1)


def test_of_a_server_that_runs_already_and_a_command_nothing_is_known(tmp_path: Path) -> None:
    url = way_of(Server(url="http://127.0.0.1:1", python="not/there"), tmp_path)
    assert (url.evidence.server, url.evidence.python, url.lacks("memray")) == ("url", None, None)
    command = way_of(Server(command=("serve", "{port}")), tmp_path)
    assert (command.evidence.server, command.evidence.python, command.lacks("memray")) == (
        "command",
        None,
        None,
    )


def test_variables_of_the_server_come_after_the_interpreters_and_before_a_profilers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/present")
    monkeypatch.setenv("FLAG", "present")
    own = Server(app="a:b", env={"FLAG": "own", "PYTHONPATH": "src"})
    assert environment_of(own, tmp_path)["PYTHONPATH"] == "src"
    made = environment_of(own, tmp_path, {"PYTHONPATH": "/probe", "HOTLAP_PROBE": "x"})
    assert (made["PYTHONPATH"], made["FLAG"], made["HOTLAP_PROBE"]) == (f"/probe{os.pathsep}src", "own", "x")
    bare = environment_of(Server(app="a:b"), tmp_path, {"PYTHONPATH": "/probe"})
    assert bare["PYTHONPATH"] == f"/probe{os.pathsep}/present"
