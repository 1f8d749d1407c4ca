"""ASGI's lifespan, over the two calls that RSGI has for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from falcon_rsgi.scope import ASGI

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class LifespanError(RuntimeError):
    """The app could not start up or shut down: the message is the app's own."""


class Lifespan:
    """An app's lifespan task: begun before the first request, ended after the last."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self.state: dict[str, Any] = {}
        """What the app keeps for its requests: each gets a copy."""
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answers: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Starts the app up.

        Raises:
            LifespanError: it failed.
        """
        scope = {"type": "lifespan", "asgi": ASGI, "state": self.state}
        running = self._application(scope, self._events.get, self._answers.put)
        self._task = asyncio.ensure_future(running)
        await self._pass("startup")

    async def shutdown(self) -> None:
        """Shuts the app down.

        Raises:
            LifespanError: it failed.
        """
        self.state.clear()
        await self._pass("shutdown")

    async def _pass(self, step: str) -> None:
        assert self._task is not None
        await self._events.put({"type": f"lifespan.{step}"})
        answer = asyncio.ensure_future(self._answers.get())
        await asyncio.wait((answer, self._task), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            self._task.result()
            raise LifespanError(f"the app ended without an answer to lifespan.{step}")
        message = answer.result()
        if message["type"] != f"lifespan.{step}.complete":
            raise LifespanError(message.get("message") or f"{step} failed")
