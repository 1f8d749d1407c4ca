"""The interpreter that an experiment names: where it is looked for, and what is said of one that will not do."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

import hotlap
from hotlap.experiment.interpreter import (
    InterpreterError,
    beside,
    examine,
    interpreter_from,
    is_own,
    path_of,
    variables,
)

LAB = str(Path(hotlap.__path__[0]).parent)
"""The folder that the lab's package lies in."""


def environment_in(folder: Path) -> Path:
    """A virtual environment as far as its files tell; its interpreter is a link that leads to this one's."""
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text("")
    (folder / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    return folder / "bin" / "python"


def test_a_path_starts_at_the_experiments_folder_and_keeps_its_links(tmp_path: Path) -> None:
    python = environment_in(tmp_path / ".venv")
    assert path_of(".venv/bin/python", tmp_path) == str(python)
    assert Path(path_of(".venv/bin/python", tmp_path)).is_symlink()
    assert path_of(str(python), Path("/elsewhere")) == str(python)
    assert path_of(None, tmp_path) == sys.executable
    assert not is_own(str(python))
    assert is_own(sys.executable)
    assert is_own(str(Path(sys.prefix) / "bin" / "python3"))


def test_a_home_folder_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_of("~/env/bin/python", Path("/x")) == str(tmp_path / "env" / "bin" / "python")


def test_the_variables_are_the_apps_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment_in(tmp_path / ".venv")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([LAB, "/other"]))
    monkeypatch.setenv("PYTHONHOME", "/lab")
    monkeypatch.setenv("VIRTUAL_ENV", "/lab")
    monkeypatch.setenv("PATH", "/usr/bin")
    made = variables(".venv/bin/python", tmp_path)
    assert made["PYTHONPATH"] == "/other"
    assert "PYTHONHOME" not in made
    assert made["VIRTUAL_ENV"] == str(tmp_path / ".venv")
    assert made["PATH"] == os.pathsep.join([str(tmp_path / ".venv" / "bin"), "/usr/bin"])
    assert variables(None, tmp_path) == dict(os.environ)


def test_an_interpreter_outside_of_an_environment_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "/lab")
    (tmp_path / "bin").mkdir()
    assert "VIRTUAL_ENV" not in variables("bin/python", tmp_path)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (".venv/bin/python", "there is no file {folder}/.venv/bin/python: make the app's environment there"),
        ("gone", "{folder}/gone leads to /no/such/python, which is gone: make the app's environment anew"),
        ("env", "{folder}/env is a folder: name the interpreter in it, such as env/bin/python"),
        ("notes.txt", "{folder}/notes.txt is not executable"),
        ("notes.txt/python", "there is no file"),
        ("x" * 300, "cannot be looked at|there is no file"),
    ],
)
def test_a_path_that_will_not_do_is_said(tmp_path: Path, given: str, said: str) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "gone").symlink_to("/no/such/python")
    with pytest.raises(InterpreterError) as raised:
        examine(given, tmp_path)
    assert str(raised.value).startswith(f'python = "{given}": ')
    assert any(one in str(raised.value) for one in said.format(folder=tmp_path).split("|"))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "complaint", "said"),
    [
        ("", "", "does not answer as Python does (asked for its version, it said: nothing)"),
        ("GNU bash, version 5\n", "", "it said: GNU bash, version 5)"),
        ("", "a line\nls: cannot access 'x'\n", "it said: ls: cannot access 'x')"),
        ('{"other": 1}', "", "does not answer as Python does"),
        ("[1]", "", "does not answer as Python does"),
        (
            json.dumps({"version": [2, 7, 18], "implementation": "", "packages": {}}),
            "",
            "is Python 2.7.18, and hotlap serves apps with Python 3.9 or later: make the app's environment",
        ),
        (
            json.dumps({"version": [3, 8, 20], "implementation": "", "packages": {}}),
            "",
            "is Python 3.8.20",
        ),
    ],
)
def test_what_is_not_python_or_too_old_is_said(answer: str, complaint: str, said: str) -> None:
    with pytest.raises(InterpreterError) as raised:
        interpreter_from("/x/python", 'python = "x"', answer, complaint)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_interpreter_says_how_to_install_into_it() -> None:
    told = {"version": [3, 9, 1], "implementation": "CPython", "packages": {"pip": "24.2"}}
    # What the environment's start prints before is not the answer.
    with_pip = interpreter_from("/x/python", "", f"hello\n{json.dumps(told)}\n", "")
    assert with_pip.version_text == "3.9.1"
    assert with_pip.install("memray") == "/x/python -m pip install memray"
    without = interpreter_from("/x/python", "", json.dumps({**told, "packages": {}}), "")
    assert without.install("memray") == "uv pip install --python /x/python memray"


def test_the_environment_nearest_to_the_apps_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "src" / "shop" / "web").mkdir(parents=True)
    (tmp_path / "src" / "shop" / "web" / "main.py").write_text("")
    (tmp_path / "src" / "shop" / "__init__.py").write_text("")
    assert beside(tmp_path, "shop.web.main:app") is None
    environment_in(tmp_path / "venv")
    assert beside(tmp_path, "shop.web.main:app") == "venv/bin/python"
    assert beside(tmp_path, None) == "venv/bin/python"
    environment_in(tmp_path / ".venv")
    assert beside(tmp_path, "not.there:app") == ".venv/bin/python"
    environment_in(tmp_path / "src" / "shop" / ".venv")
    assert beside(tmp_path, "shop.web.main:app") == "src/shop/.venv/bin/python"
    assert beside(tmp_path, "shop:app") == "src/shop/.venv/bin/python"
    assert beside(tmp_path, None) == ".venv/bin/python"


def test_the_labs_own_environment_is_not_named(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    assert beside(tmp_path, None) is None
