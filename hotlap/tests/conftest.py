"""What the lab's tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> None:
    """Let Ctrl-C reach what the tests start: a shell that starts them in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def need() -> Callable[[bool, str], None]:
    """Skip with a reason where the machine lacks something, or fail where nothing may skip."""

    def check(condition: bool, reason: str) -> None:
        if not condition:
            (pytest.fail if os.environ.get("HOTLAP_TESTS_NO_SKIP") == "1" else pytest.skip)(reason)

    return check
