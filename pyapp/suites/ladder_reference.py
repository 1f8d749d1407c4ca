"""The ladder in pure Python: locks from the widest to none, and the loop from copies to a formula."""

from __future__ import annotations

import asyncio

from pyapp.clients import SEED
from pyapp.reference import Snapshot, Store, add_up, cpu, cpualloc
from pyapp.settings import Settings
from pyapp.suites.shared_lock import SharedLock

loop_clone, loop_borrow = cpualloc, cpu

_NAME = next(iter(SEED))
"""The client that is written: set to what it is, so that every answer stays the same."""


def _exclusive(store: Store) -> asyncio.Lock:
    return store.rung("exclusive", asyncio.Lock)


def _shared(store: Store) -> SharedLock:
    return store.rung("shared", SharedLock)


async def _added_up(ids: list[str], settings: Settings) -> int:
    await asyncio.sleep(settings.wait_s)
    return add_up(ids)


def _write(store: Store) -> int:
    client = store.get(_NAME)
    if client is not None:
        store.set(_NAME, client)
    return add_up(store.user_ids())


async def lock_exclusive_held(store: Store, settings: Settings) -> int:
    """Waits with the exclusive lock held."""
    async with _exclusive(store):
        return await _added_up(store.user_ids(), settings)


async def lock_exclusive_released(store: Store, settings: Settings) -> int:
    """Lets the exclusive lock go before the wait."""
    async with _exclusive(store):
        ids = store.user_ids()
    return await _added_up(ids, settings)


async def lock_exclusive_held_write(store: Store, settings: Settings) -> int:
    """Writes under the exclusive lock."""
    async with _exclusive(store):
        return _write(store)


lock_exclusive_released_write = lock_exclusive_held_write


async def lock_rw_held(store: Store, settings: Settings) -> int:
    """Waits with the read side of a read-write lock held."""
    async with _shared(store).read():
        return await _added_up(store.user_ids(), settings)


async def lock_rw_released(store: Store, settings: Settings) -> int:
    """Lets the read side go before the wait."""
    async with _shared(store).read():
        ids = store.user_ids()
    return await _added_up(ids, settings)


async def lock_rw_held_write(store: Store, settings: Settings) -> int:
    """Writes under the write side, which waits for every reader before it."""
    async with _shared(store).write():
        return _write(store)


lock_rw_released_write = lock_rw_held_write


async def lock_snapshot(store: Store, settings: Settings) -> int:
    """Reads the map of the moment, without a lock."""
    return await _added_up(store.mirror("snapshot", Snapshot).user_ids(), settings)


async def lock_snapshot_write(store: Store, settings: Settings) -> int:
    """Puts another map in the place of the one that is read."""
    clients = store.mirror("snapshot", Snapshot)
    client = store.get(_NAME)
    if client is not None:
        clients.put(_NAME, client)
    return add_up(clients.user_ids())


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
