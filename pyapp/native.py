"""The variant in Rust: its store, and a function for each scenario."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pyapp import _core
from pyapp.clients import SEED, Client, StoreFullError
from pyapp.settings import Settings


class Store:
    """Clients in the Rust map, behind its read-write lock and the fair exclusive lock."""

    def __init__(self) -> None:
        self.map = _core.ClientMap()
        self.lock = _core.ExclusiveLock()
        for name, client in SEED.items():
            self.map.put(name, _core.Client(client.user_id, client.subscribed_topics))

    def get(self, name: str) -> Client | None:
        """The client of that name."""
        found = self.map.get(name)
        return None if found is None else Client(found.user_id, found.subscribed_topics)

    def all(self) -> dict[str, Client]:
        """All clients, sorted by name."""
        return {name: Client(found.user_id, found.subscribed_topics) for name, found in self.map.items()}

    def count(self) -> int:
        """How many clients there are."""
        return len(self.map)

    async def put(self, name: str, client: Client) -> bool:
        """Sets a client; whether it is new.

        Raises:
            StoreFullError: it would be one too many; the store is then as it was.
        """
        with await self.lock.acquire():
            try:
                return self.map.put(name, _core.Client(client.user_id, client.subscribed_topics))
            except _core.FullError as error:
                raise StoreFullError from error

    async def delete(self, name: str) -> bool:
        """Removes a client; whether there was one."""
        with await self.lock.acquire():
            return self.map.delete(name)

    def timings(self) -> Sequence[tuple[str, str, _core.Histogram]]:
        """For each lock its name, ``wait`` or ``hold``, and the times seen."""
        exclusive = [("exclusive", kind, times) for kind, times in self.lock.timings()]
        return [*exclusive, *((f"map_{side}", kind, times) for side, kind, times in self.map.timings())]


async def read(store: Store, settings: Settings) -> int:
    """Waits with the exclusive lock held, then adds up the ids collected before the wait."""
    with await store.lock.acquire():
        ids = store.map.user_ids()
        await asyncio.sleep(settings.wait_s)
        return ids.sum()


async def fast(store: Store, settings: Settings) -> int:
    """Collects the ids, waits without any lock, then adds them up."""
    ids = store.map.user_ids()
    await asyncio.sleep(settings.wait_s)
    return ids.sum()


def cpualloc(store: Store, settings: Settings) -> int:
    """Folds over the ids again and again, cloning each before it is parsed."""
    return store.map.user_ids().fold_clone(settings.iterations)


def cpu(store: Store, settings: Settings) -> int:
    """Folds over the ids again and again."""
    return store.map.user_ids().fold(settings.iterations)
