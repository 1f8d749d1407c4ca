"""The index page and the OpenAPI document, both derived from the registry."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import falcon
import msgspec
from falcon.asgi import Request, Response

from pyapp.openapi import document
from pyapp.scenarios import Scenario, lanes
from pyapp.settings import Settings


class IndexResource:
    """A page that lists the lanes."""

    def __init__(self, scenarios: Sequence[Scenario[Any, Any]]) -> None:
        rows = "".join(
            f'<tr><td><a href="{path}">{path}</a></td><td>{escape(scenario.summary)}</td></tr>'
            for scenario, variant in lanes(scenarios)
            for path in [escape(scenario.path(variant))]
        )
        others = " · ".join(
            f'<a href="{path}">{path}</a>'
            for path in ("/clients", "/python/clients", "/healthz", "/metrics", "/openapi.json")
        )
        self._page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>pyapp</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            "<style>:root{color-scheme:light dark}body{font:16px system-ui;margin:2rem auto;max-width:60rem;"
            "padding:0 1rem}td{padding:.3rem 1rem .3rem 0;vertical-align:top}</style>"
            f"<h1>pyapp</h1><table>{rows}</table><p>{others}</p></html>"
        ).encode()

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answers with the page."""
        resp.data = self._page
        resp.content_type = falcon.MEDIA_HTML


class OpenApiResource:
    """The service's OpenAPI document."""

    def __init__(
        self, scenarios: Sequence[Scenario[Any, Any]], stores: Sequence[str], settings: Settings
    ) -> None:
        self._document = msgspec.json.encode(document(scenarios, stores, settings))

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answers with the document."""
        resp.data = self._document
