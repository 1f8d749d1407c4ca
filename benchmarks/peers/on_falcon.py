"""The peer on Falcon, for uvicorn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import falcon
import falcon.asgi
import work


class Endpoint:
    """One of the service's functions."""

    def __init__(self, function: Callable[[], Awaitable[str]]) -> None:
        self._function = function

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answers with what it gives."""
        resp.text = await self._function()
        resp.content_type = falcon.MEDIA_HTML


app = falcon.asgi.App()
for name, function in work.ENDPOINTS.items():
    app.add_route(f"/{name}", Endpoint(function))
