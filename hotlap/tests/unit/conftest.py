"""What keeps the unit tests fast: nothing that they call may start a process."""

from __future__ import annotations

import subprocess
from typing import NoReturn

import pytest


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that starts one: it belongs to the integration tests."""

    def refuse(_: object, words: object, *__: object, **___: object) -> NoReturn:
        pytest.fail(f"a unit test started a process: {words}; move the test to hotlap/tests/integration")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
