"""The fixtures that the tests of the service share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from serving import Service, need, serve

__all__ = ["need"]

FLAGS = ("--iterations", "1000", "--wait-ms", "20")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A service for a whole module, with fewer iterations than it has by default."""
    with serve(*FLAGS) as running:
        yield running


@pytest.fixture
def fresh_service() -> Iterator[Service]:
    """A service of the test's own."""
    with serve(*FLAGS) as running:
        yield running
