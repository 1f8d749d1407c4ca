"""Records what a real client sends and gets as a HAR file, with everything in it, as a browser saves it for oneself."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import httpx


class Recorder:
    """Clients whose exchanges are noted in one recording, in their order; redirects are requests of their own."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self.page: str | None = None
        """The page that a browser would show."""

    def client(self, url: str) -> httpx.Client:
        """A new client, with cookies of its own."""
        return httpx.Client(
            base_url=url,
            follow_redirects=True,
            event_hooks={"request": [self._began], "response": [self._note]},
        )

    def _began(self, request: httpx.Request) -> None:
        request.extensions["began"] = datetime.datetime.now(datetime.UTC)

    def _note(self, response: httpx.Response) -> None:
        request = response.request
        response.read()
        kind = request.headers.get("content-type", "")
        posted = {"postData": {"mimeType": kind, "text": request.content.decode()}} if request.content else {}
        entry = {
            "startedDateTime": request.extensions["began"].isoformat(),
            "request": {
                "method": request.method,
                "url": str(request.url),
                "httpVersion": "HTTP/1.1",
                "headers": _pairs(request.headers),
                **posted,
            },
            "response": {
                "status": response.status_code,
                "headers": _pairs(response.headers),
                "content": {"mimeType": response.headers.get("content-type", ""), "text": response.text},
            },
        }
        self._entries.append(entry | ({"pageref": self.page} if self.page is not None else {}))

    def write(self, file: Path) -> None:
        """Write what was recorded."""
        pages = [
            {"id": page} for page in dict.fromkeys(entry.get("pageref") for entry in self._entries) if page
        ]
        log = {"version": "1.2", "creator": {"name": "test"}, "pages": pages, "entries": self._entries}
        file.write_text(json.dumps({"log": log}, indent=1))


def _pairs(headers: httpx.Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.multi_items()]
