"""The ladder in pure Python: locks from the widest to none, and the loop from copies to a formula."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from ladder.shared_lock import SharedLock
from pyapp import python as service
from pyapp.clients import SEED, Client
from pyapp.python import add_up, ids_of
from pyapp.settings import Settings

_NAME = next(iter(SEED))
"""The client that is written: set to what it is, so that every answer stays the same."""


class Snapshot:
    """Clients in a dict that is never changed: a writer puts another in its place, readers take no lock."""

    def __init__(self, clients: Iterable[tuple[str, Client]]) -> None:
        self._clients = dict(clients)

    def put(self, name: str, client: Client) -> None:
        """Sets a client: copies the dict."""
        self._clients = {**self._clients, name: client}

    def delete(self, name: str) -> None:
        """Removes a client, if there is one: copies the dict."""
        self._clients = {each: client for each, client in self._clients.items() if each != name}

    def user_ids(self) -> list[str]:
        """The user ids as strings, all of one moment."""
        return ids_of(self._clients.values())


class Store(service.Store):
    """The service's clients, and what the rungs keep beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.exclusive_rung = asyncio.Lock()
        self.shared_rung = SharedLock()
        self.snapshot = Snapshot(SEED.items())

    async def put(self, name: str, client: Client) -> bool:
        """Sets a client in both maps; whether it is new. Raises as the service's does."""
        new = await super().put(name, client)
        # Nothing else runs on the event loop since the lock was let go.
        self.snapshot.put(name, client)
        return new

    async def delete(self, name: str) -> bool:
        """Removes a client from both maps; whether there was one."""
        known = await super().delete(name)
        self.snapshot.delete(name)
        return known

    def write(self) -> int:
        """Sets a client, under whatever lock the caller holds; the sum of all ids then."""
        if (client := self.get(_NAME)) is not None:
            self._clients[_NAME] = client
        return add_up(self.user_ids())


async def _added_up(ids: list[str], settings: Settings) -> int:
    await asyncio.sleep(settings.wait_s)
    return add_up(ids)


async def lock_exclusive_held(store: Store, settings: Settings) -> int:
    """Waits with the exclusive lock held."""
    async with store.exclusive_rung:
        return await _added_up(store.user_ids(), settings)


async def lock_exclusive_released(store: Store, settings: Settings) -> int:
    """Lets the exclusive lock go before the wait."""
    async with store.exclusive_rung:
        ids = store.user_ids()
    return await _added_up(ids, settings)


async def lock_exclusive_write(store: Store, settings: Settings) -> int:
    """Writes under the exclusive lock."""
    async with store.exclusive_rung:
        return store.write()


async def lock_rw_held(store: Store, settings: Settings) -> int:
    """Waits with the read side of a read-write lock held."""
    async with store.shared_rung.read():
        return await _added_up(store.user_ids(), settings)


async def lock_rw_released(store: Store, settings: Settings) -> int:
    """Lets the read side go before the wait."""
    async with store.shared_rung.read():
        ids = store.user_ids()
    return await _added_up(ids, settings)


async def lock_rw_write(store: Store, settings: Settings) -> int:
    """Writes under the write side, which waits for every reader before it."""
    async with store.shared_rung.write():
        return store.write()


async def lock_snapshot(store: Store, settings: Settings) -> int:
    """Reads the map of the moment, without a lock."""
    return await _added_up(store.snapshot.user_ids(), settings)


async def lock_snapshot_write(store: Store, settings: Settings) -> int:
    """Puts another map in the place of the one that is read."""
    if (client := store.get(_NAME)) is not None:
        store.snapshot.put(_NAME, client)
    return add_up(store.snapshot.user_ids())


def loop_parse_once(store: Store, settings: Settings) -> int:
    """Parses each id once, before the loop."""
    values = [int(user_id) for user_id in reversed(store.user_ids())]
    total = 0
    for i in range(settings.iterations):
        folded = i
        for value in values:
            folded += value
        total += folded
    return total


def loop_closed_form(store: Store, settings: Settings) -> int:
    """Computes the loop's sum by its formula."""
    n = settings.iterations
    return n * (n - 1) // 2 + n * add_up(store.user_ids())
