"""The app class: ASGI's ``__call__`` from Falcon, and RSGI's beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, ClassVar

import falcon.asgi
from granian._granian import RSGIWebsocketScope  # type: ignore[attr-defined]  # missing from its stub

from falcon_rsgi import fast, websocket
from falcon_rsgi import scope as scopes
from falcon_rsgi.http import Events, has_body, unanswered
from falcon_rsgi.lifespan import Lifespan
from falcon_rsgi.routes import Routes


class App(falcon.asgi.App):  # type: ignore[type-arg]
    """A Falcon app that is served over ASGI or RSGI.

    Granian calls ``__rsgi__`` for each request with ``--interface rsgi``. Requests without a body take
    the fast path; others, and WebSockets, go through ASGI as Falcon knows it.
    """

    fast_path: ClassVar[bool] = True
    """Whether requests without a body may pass by ``__call__``; no, where a class has one of its own,
    unless that class says otherwise."""

    _lifespan: Lifespan | None = None
    _state: dict[str, Any] = {}  # noqa: RUF012  # read-only until the lifespan gives one

    def __init__(self, *args: Any, **options: Any) -> None:
        self._routes = Routes()
        super().__init__(*args, **options)

    def add_route(self, *args: Any, **options: Any) -> None:
        """Adds a route, as Falcon's app does."""
        super().add_route(*args, **options)
        self._routes.clear()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__call__" in vars(cls) and "fast_path" not in vars(cls):
            cls.fast_path = False

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts the app up, before the first request.

        Raises:
            LifespanError: a middleware's ``process_startup`` failed.
        """
        self._lifespan = Lifespan(self)
        loop.run_until_complete(self._lifespan.startup())
        self._state = self._lifespan.state

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Shuts the app down, after the last request.

        Raises:
            LifespanError: a middleware's ``process_shutdown`` failed.
        """
        if self._lifespan is not None:
            loop.run_until_complete(self._lifespan.shutdown())

    async def __call__(  # type: ignore[override]  # the WSGI app, its base class, is called otherwise
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Mapping[str, Any]]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Serves a request, a WebSocket or the lifespan over ASGI."""
        if scope.get("http_version") in scopes.VERSIONS:
            scope["http_version"] = scopes.VERSIONS[scope["http_version"]]
        await super().__call__(scope, receive, send)

    # Not a coroutine itself: one less is made, kept and resumed for every request.
    def __rsgi__(self, rsgi: Any, proto: Any) -> Coroutine[Any, Any, None]:
        """Serves a request or a WebSocket."""
        if type(rsgi) is RSGIWebsocketScope:
            connection = websocket.Events(proto)
            return self(scopes.websocket(rsgi, self._state), connection.receive, connection.send)
        if not self.fast_path:
            return self._carried(rsgi, proto, body=has_body(rsgi))
        method = rsgi.method
        # Looking for a body costs: its headers are copied. Falcon's own request looks when it is asked.
        looks = method != "GET" or self._request_type is not falcon.asgi.Request
        if looks and has_body(rsgi):
            return self._carried(rsgi, proto, body=True)
        return fast.answer(self, self._state, self._routes, rsgi, proto, method)

    async def _carried(self, rsgi: Any, proto: Any, *, body: bool) -> None:
        """Serves a request over ASGI."""
        events = Events(rsgi, proto, body=body)
        try:
            await self(scopes.http(rsgi, self._state), events.receive, events.send)
        except BaseException:
            unanswered(proto)
            raise
        if body:
            # Falcon leaves a request whose body is broken off without an answer.
            unanswered(proto)
