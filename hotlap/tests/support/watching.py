"""A page in a real browser that is watched for what a page of ours must not do."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, ViewportSize, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 60_000
"""A busy machine is no failure."""
LAPTOP: ViewportSize = {"width": 1280, "height": 800}


@contextmanager
def chromium() -> Iterator[BrowserContext]:
    """A real Chromium with a profile of its own."""
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=list(FLAGS), chromium_sandbox=False, viewport=LAPTOP
        )
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield context
        context.close()


class Watched:
    """A page, and whatever it did that a page of ours must not do."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("console", lambda line: line.type in ("error", "warning") and self.wrong.append(line.text))
        page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", self._asked)

    def _asked(self, request: object) -> None:
        address = str(getattr(request, "url", request))
        if not address.startswith(("file:", "data:", "blob:", "about:")):
            self.wrong.append(f"request: {address}")

    @classmethod
    @contextmanager
    def on(cls, browser: BrowserContext) -> Iterator[Watched]:
        """A new page of the browser; at its end nothing wrong may have been seen."""
        page = browser.new_page()
        page.set_viewport_size(LAPTOP)
        seen = cls(page)
        yield seen
        page.close()
        assert seen.wrong == []

    def open(self, path: Path) -> Page:
        self.page.goto(path.as_uri())
        return self.page

    def read_through(self) -> None:
        """Scroll past everything that is drawn only when seen, until it is drawn."""
        for element in self.page.locator(".chart:visible, .flame:visible").all():
            element.scroll_into_view_if_needed()
            expect(element.locator(".main-svg, iframe").first).to_be_attached()
