"""A fair read-write lock for the tasks of an event loop, as asyncio has none."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class SharedLock:
    """Held by any number of readers or by one writer; who asks first has it first."""

    def __init__(self) -> None:
        self._readers = 0
        self._written = False
        self._queue: deque[tuple[bool, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[None]:
        """Holds the side that readers share."""
        await self._take(write=False)
        try:
            yield
        finally:
            self._readers -= 1
            self._wake()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[None]:
        """Holds the side that a writer has alone."""
        await self._take(write=True)
        try:
            yield
        finally:
            self._written = False
            self._wake()

    async def _take(self, *, write: bool) -> None:
        place = (write, asyncio.get_running_loop().create_future())
        self._queue.append(place)
        self._wake()
        try:
            await place[1]
        except asyncio.CancelledError:
            if place in self._queue:
                self._queue.remove(place)
            elif write:
                # Its turn had come already.
                self._written = False
            else:
                self._readers -= 1
            self._wake()
            raise

    def _wake(self) -> None:
        """Gives the lock to those at the head of the queue who can have it."""
        while self._queue and not self._written and not (self._queue[0][0] and self._readers):
            write, turn = self._queue.popleft()
            if turn.cancelled():
                continue
            if write:
                self._written = True
            else:
                self._readers += 1
            turn.set_result(None)
