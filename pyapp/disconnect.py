"""Giving up the work of a request whose client has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class ClientGoneError(Exception):
    """The client has closed its connection: nobody waits for the answer."""


async def until_gone(work: Coroutine[Any, Any, T] | asyncio.Future[T], receive: Receive) -> T:
    """The result of ``work``, which is cancelled when the client goes before it is done.

    Args:
        work: what is done for the client.
        receive: the request's ASGI events; the request's body must have been read.

    Raises:
        ClientGoneError: the client has gone.
    """
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        watching.result()
        raise ClientGoneError
    finally:
        # Whoever is first ends the other, and so does a cancellation of both.
        working.cancel()
        watching.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
