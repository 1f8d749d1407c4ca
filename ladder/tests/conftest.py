"""The fixture that the ladder's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from serving import Service, serve

SERVER = ("-m", "granian", "--interface", "rsgi", "--loop", "uvloop", "--factory", "ladder.app:create_app")


@pytest.fixture(scope="module")
def ladder() -> Iterator[Service]:
    """The ladder's app, with fewer iterations than it has by default."""
    env = {"PYAPP_ITERATIONS": "1000", "PYAPP_WAIT_MS": "20"}
    with serve(command=(*SERVER, "--host", "127.0.0.1", "--port", "{port}"), env=env) as running:
        yield running
