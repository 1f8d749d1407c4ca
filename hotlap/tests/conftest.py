"""What the lab's tests share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
BROWSER_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def need() -> Callable[[bool, str], None]:
    """Skip with a reason where the machine lacks something, or fail where nothing may skip."""

    def check(condition: bool, reason: str) -> None:
        if not condition:
            (pytest.fail if os.environ.get("HOTLAP_TESTS_NO_SKIP") == "1" else pytest.skip)(reason)

    return check


@pytest.fixture(scope="module")
def browser(
    need: Callable[[bool, str], None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    """A real Chromium with a profile of its own."""
    need(Path(CHROMIUM).exists(), "no Chromium here: apt install chromium")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("chromium")),
            executable_path=CHROMIUM,
            args=list(BROWSER_FLAGS),
            chromium_sandbox=False,
            viewport={"width": 1280, "height": 800},
        )
        context.set_default_timeout(60_000)  # a busy machine is no failure
        expect.set_options(timeout=60_000)
        yield context
        context.close()
