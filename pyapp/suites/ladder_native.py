"""The ladder in Rust: locks from the widest to none, and the loop from copies to a formula."""

from __future__ import annotations

import asyncio

from pyapp import _core
from pyapp.clients import SEED
from pyapp.native import Store, cpu, cpualloc
from pyapp.settings import Settings

loop_clone, loop_borrow = cpualloc, cpu

_NAME = next(iter(SEED))
"""The client that is written: set to what it is, so that every answer stays the same."""


def _exclusive(store: Store) -> _core.Place:
    return store.rung("exclusive", _core.ExclusiveLock).acquire()


def _shared(store: Store) -> _core.SharedLock:
    return store.rung("shared", _core.SharedLock)


async def _added_up(ids: _core.Ids, settings: Settings) -> int:
    await asyncio.sleep(settings.wait_s)
    return ids.sum()


def _write(store: Store, clients: _core.ClientMap | _core.ShardedMap | _core.SnapshotMap) -> int:
    client = store.map.get(_NAME)
    if client is not None:
        clients.put(_NAME, client)
    return clients.user_ids().sum()


async def lock_exclusive_held(store: Store, settings: Settings) -> int:
    """Waits with the exclusive lock held."""
    with await _exclusive(store):
        return await _added_up(store.map.user_ids(), settings)


async def lock_exclusive_released(store: Store, settings: Settings) -> int:
    """Lets the exclusive lock go before the wait."""
    with await _exclusive(store):
        ids = store.map.user_ids()
    return await _added_up(ids, settings)


async def lock_exclusive_held_write(store: Store, settings: Settings) -> int:
    """Writes under the exclusive lock."""
    with await _exclusive(store):
        return _write(store, store.map)


lock_exclusive_released_write = lock_exclusive_held_write


async def lock_rw_held(store: Store, settings: Settings) -> int:
    """Waits with the read side of a read-write lock held."""
    with await _shared(store).read():
        return await _added_up(store.map.user_ids(), settings)


async def lock_rw_released(store: Store, settings: Settings) -> int:
    """Lets the read side go before the wait."""
    with await _shared(store).read():
        ids = store.map.user_ids()
    return await _added_up(ids, settings)


async def lock_rw_held_write(store: Store, settings: Settings) -> int:
    """Writes under the write side, which waits for every reader before it."""
    with await _shared(store).write():
        return _write(store, store.map)


lock_rw_released_write = lock_rw_held_write


async def lock_sharded(store: Store, settings: Settings) -> int:
    """Reads a map in shards, each with a lock of its own."""
    return await _added_up(store.mirror("sharded", _core.ShardedMap).user_ids(), settings)


async def lock_sharded_write(store: Store, settings: Settings) -> int:
    """Writes to one shard."""
    return _write(store, store.mirror("sharded", _core.ShardedMap))


async def lock_snapshot(store: Store, settings: Settings) -> int:
    """Reads the map of the moment, without a lock."""
    return await _added_up(store.mirror("snapshot", _core.SnapshotMap).user_ids(), settings)


async def lock_snapshot_write(store: Store, settings: Settings) -> int:
    """Puts another map in the place of the one that is read."""
    return _write(store, store.mirror("snapshot", _core.SnapshotMap))


def loop_parse_once(store: Store, settings: Settings) -> int:
    """Parses each id once, before the loop."""
    return store.map.user_ids().fold_parsed(settings.iterations)


def loop_closed_form(store: Store, settings: Settings) -> int:
    """Computes the loop's sum by its formula."""
    return store.map.user_ids().fold_closed(settings.iterations)
