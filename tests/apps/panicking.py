"""Serves the service with one more scenario, whose native function panics: ``panicking.py PORT``."""

from __future__ import annotations

import sys
from typing import Any

from granian.constants import Interfaces
from granian.server import Server

from pyapp import _core
from pyapp.app import create_app
from pyapp.scenarios import SCENARIOS, Scenario, sum_of_ids
from pyapp.settings import Settings


def panicking(store: object, settings: Settings) -> int:
    """Panics in the core."""
    _core._panic("on purpose")
    return 0


scenario: Scenario[Any, Any] = Scenario(
    name="panicking",
    title="A panic",
    summary="panics",
    answer=sum_of_ids,
    python=None,
    native=panicking,
    suite="test",
)


def make_app() -> object:
    """The app with that scenario."""
    return create_app(Settings(wait_ms=1), [*SCENARIOS, scenario])


if __name__ == "__main__":
    Server(f"{__file__}:make_app", factory=True, port=int(sys.argv[1]), interface=Interfaces.ASGI).serve()
