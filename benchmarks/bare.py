"""A bare RSGI callable that answers ``/healthz`` and ``/fast`` as the service does: what nothing can be faster than."""

from __future__ import annotations

import asyncio
from typing import Any

from pyapp.garbage import GarbageSettings
from pyapp.native import Store, fast
from pyapp.settings import Settings

_SETTINGS = Settings()
_TEXT = [("content-type", "text/plain; charset=utf-8")]
_HTML = [("content-type", "text/html")]


class Bare:
    """Two paths, and no framework."""

    def __init__(self) -> None:
        self._store = Store()

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Sets the collector as the service does."""
        loop.run_until_complete(GarbageSettings().process_startup({}, {}))

    async def __rsgi__(self, rsgi: Any, proto: Any) -> None:
        """Answers."""
        if rsgi.path == "/fast":
            proto.response_str(200, _HTML, str(await fast(self._store, _SETTINGS)))
        else:
            proto.response_str(200, _TEXT, "ok")


app = Bare()
