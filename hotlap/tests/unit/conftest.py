"""What keeps the unit tests fast: a debug build of the engine, if one is given, and no processes."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib.machinery import ExtensionFileLoader
from typing import NoReturn

import pytest


def load_engine(path: str) -> None:
    """Let ``hotlap._engine`` be the library at a path: the one beside the lab's Python stays as it was built."""
    name = "hotlap._engine"
    assert name not in sys.modules, f"{name} is loaded already, so {path} would come too late"
    spec = importlib.util.spec_from_file_location(name, path, loader=ExtensionFileLoader(name, path))
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if given := os.environ.get("HOTLAP_TESTS_ENGINE"):
    load_engine(given)


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that starts one: it belongs to the integration tests."""

    def refuse(_: object, words: object, *__: object, **___: object) -> NoReturn:
        pytest.fail(f"a unit test started a process: {words}; move the test to hotlap/tests/integration")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
