"""The peer on Robyn: ``on_robyn.py PORT``."""

import sys
from collections.abc import Awaitable, Callable

import work
from robyn import Headers, Response, Robyn

app = Robyn(__file__)


def answering(function: Callable[[], Awaitable[str]]) -> Callable[[], Awaitable[Response]]:
    """A handler that answers with what the function gives."""

    async def handler() -> Response:
        return Response(200, Headers({"content-type": "text/html; charset=utf-8"}), await function())

    return handler


for name, function in work.ENDPOINTS.items():
    app.get(f"/{name}")(answering(function))
app.start(host="127.0.0.1", port=int(sys.argv.pop()))
