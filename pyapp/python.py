"""The variant in pure Python: its store, and a function for each scenario."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from time import perf_counter

from pyapp._core import Histogram
from pyapp.clients import MAX_CLIENTS, SEED, Client, StoreFullError
from pyapp.settings import Settings


def ids_of(clients: Iterable[Client]) -> list[str]:
    """Their user ids as strings."""
    return [str(client.user_id) for client in clients]


class Store:
    """Clients in a plain dict.

    Writes happen on the event loop's thread between two awaits, and readers take one snapshot of the
    dict's values (one step of the interpreter, from whichever thread): that is the read side and the
    write side of this variant's map.
    """

    def __init__(self) -> None:
        self._clients = dict(SEED)
        self._lock = asyncio.Lock()
        self._wait = Histogram()
        self._hold = Histogram()

    def get(self, name: str) -> Client | None:
        """The client of that name."""
        return self._clients.get(name)

    def all(self) -> dict[str, Client]:
        """All clients, sorted by name."""
        return dict(sorted(self._clients.items()))

    def count(self) -> int:
        """How many clients there are."""
        return len(self._clients)

    def user_ids(self) -> list[str]:
        """The user ids as strings."""
        return ids_of(list(self._clients.values()))

    async def put(self, name: str, client: Client) -> bool:
        """Sets a client; whether it is new.

        Raises:
            StoreFullError: it would be one too many; the store is then as it was.
        """
        async with self.exclusive():
            new = name not in self._clients
            if new and len(self._clients) >= MAX_CLIENTS:
                raise StoreFullError
            self._clients[name] = client
            return new

    async def delete(self, name: str) -> bool:
        """Removes a client; whether there was one."""
        async with self.exclusive():
            return self._clients.pop(name, None) is not None

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Holds the fair exclusive lock, and counts how long it was waited for and held."""
        asked = perf_counter()
        async with self._lock:
            held = perf_counter()
            self._wait.observe(held - asked)
            yield
            # One that a cancellation cut short says nothing of how long the lock is held.
            self._hold.observe(perf_counter() - held)

    def timings(self) -> Sequence[tuple[str, str, Histogram]]:
        """For each lock its name, ``wait`` or ``hold``, and the times seen."""
        return [("exclusive", "wait", self._wait), ("exclusive", "hold", self._hold)]


def add_up(ids: list[str]) -> int:
    """The sum of the ids, parsed in reverse order."""
    total = 0
    for user_id in reversed(ids):
        total += int(user_id)
    return total


def fold(ids: list[str], iterations: int) -> int:
    """For each ``i`` folds over the ids in reverse order, starting from ``i``; adds the folds up."""
    total = 0
    for i in range(iterations):
        folded = i
        for user_id in reversed(ids):
            folded += int(user_id)
        total += folded
    return total


def fold_copy(ids: list[str], iterations: int) -> int:
    """As :func:`fold`, with a copy of each string made before it is parsed.

    Python never copies a ``str`` that is asked to be copied, and shares those of one character; a
    ``bytearray`` is a copy in any case.
    """
    total = 0
    for i in range(iterations):
        folded = i
        for user_id in reversed(ids):
            folded += int(bytearray(user_id, "ascii"))
        total += folded
    return total


async def read(store: Store, settings: Settings) -> int:
    """Waits with the exclusive lock held, then adds up the ids collected before the wait."""
    async with store.exclusive():
        ids = store.user_ids()
        await asyncio.sleep(settings.wait_s)
        return add_up(ids)


async def fast(store: Store, settings: Settings) -> int:
    """Collects the ids, waits without any lock, then adds them up."""
    ids = store.user_ids()
    await asyncio.sleep(settings.wait_s)
    return add_up(ids)


def cpualloc(store: Store, settings: Settings) -> int:
    """Folds over the ids again and again, copying each before it is parsed."""
    return fold_copy(store.user_ids(), settings.iterations)


def cpu(store: Store, settings: Settings) -> int:
    """Folds over the ids again and again."""
    return fold(store.user_ids(), settings.iterations)
