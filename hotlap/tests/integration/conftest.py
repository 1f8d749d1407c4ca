"""What the tests with real programs share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext
from watching import CHROMIUM, chromium


@pytest.fixture(scope="module")
def browser(need: Callable[[bool, str], None]) -> Iterator[BrowserContext]:
    """A real Chromium for a module's tests."""
    need(Path(CHROMIUM).exists(), "no Chromium here: apt install chromium")
    with chromium() as context:
        yield context
