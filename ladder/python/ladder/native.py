"""The ladder in Rust: locks from the widest to none, the loop from copies to a formula, and the boundary."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from ladder import _rungs
from pyapp import _core
from pyapp import native as service
from pyapp.clients import SEED, Client
from pyapp.native import cpualloc
from pyapp.settings import Settings

MANY_THREADS = 64
"""Of a pool that is wide where it need not be."""
_NAME = next(iter(SEED))
"""The client that is written: set to what it is, so that every answer stays the same."""


class Store(service.Store):
    """The service's clients, and what the rungs keep beside them; pools start no thread before there is work."""

    def __init__(self) -> None:
        super().__init__()
        self.exclusive_rung = _core.ExclusiveLock()
        self.shared_rung = _rungs.SharedLock()
        self.sharded = _rungs.ShardedMap()
        self.snapshot = _rungs.SnapshotMap()
        for name, client in SEED.items():
            self.sharded.put(name, client.user_id)
            self.snapshot.put(name, client.user_id)
        self.wide_pool = ThreadPoolExecutor(MANY_THREADS, thread_name_prefix="wide")
        self._rust_pool: _rungs.RustPool | None = None

    async def put(self, name: str, client: Client) -> bool:
        """Sets a client in every map; whether it is new. Raises as the service's does."""
        new = await super().put(name, client)
        # Nothing else runs on the event loop since the lock was let go.
        self.sharded.put(name, client.user_id)
        self.snapshot.put(name, client.user_id)
        return new

    async def delete(self, name: str) -> bool:
        """Removes a client from every map; whether there was one."""
        known = await super().delete(name)
        self.sharded.delete(name)
        self.snapshot.delete(name)
        return known

    def write(self) -> int:
        """Sets a client, under whatever lock the caller holds; the sum of all ids then."""
        if (client := self.map.get(_NAME)) is not None:
            self.map.put(_NAME, client)
        return self.map.user_ids().sum()

    def user_ids(self) -> _rungs.Ids:
        """The user ids, as the functions of ``_rungs`` take them."""
        return _rungs.Ids(self.map.user_ids().to_list())

    @property
    def rust_pool(self) -> _rungs.RustPool:
        """Threads of Rust's own, as many as there are cores; started when it is first asked for."""
        if self._rust_pool is None:
            self._rust_pool = _rungs.RustPool(len(os.sched_getaffinity(0)))
        return self._rust_pool


async def _added_up(ids: _core.Ids, settings: Settings) -> int:
    await asyncio.sleep(settings.wait_s)
    return ids.sum()


async def lock_exclusive_held(store: Store, settings: Settings) -> int:
    """Waits with the exclusive lock held."""
    with await store.exclusive_rung.acquire():
        return await _added_up(store.map.user_ids(), settings)


async def lock_exclusive_released(store: Store, settings: Settings) -> int:
    """Lets the exclusive lock go before the wait."""
    with await store.exclusive_rung.acquire():
        ids = store.map.user_ids()
    return await _added_up(ids, settings)


async def lock_exclusive_write(store: Store, settings: Settings) -> int:
    """Writes under the exclusive lock."""
    with await store.exclusive_rung.acquire():
        return store.write()


async def lock_rw_held(store: Store, settings: Settings) -> int:
    """Waits with the read side of a read-write lock held."""
    with await store.shared_rung.read():
        return await _added_up(store.map.user_ids(), settings)


async def lock_rw_released(store: Store, settings: Settings) -> int:
    """Lets the read side go before the wait."""
    with await store.shared_rung.read():
        ids = store.map.user_ids()
    return await _added_up(ids, settings)


async def lock_rw_write(store: Store, settings: Settings) -> int:
    """Writes under the write side, which waits for every reader before it."""
    with await store.shared_rung.write():
        return store.write()


async def lock_sharded(store: Store, settings: Settings) -> int:
    """Reads a map in shards, each with a lock of its own."""
    return await _added_up(store.sharded.user_ids(), settings)


async def lock_sharded_write(store: Store, settings: Settings) -> int:
    """Writes to one shard."""
    if (client := store.map.get(_NAME)) is not None:
        store.sharded.put(_NAME, client.user_id)
    return store.sharded.user_ids().sum()


async def lock_snapshot(store: Store, settings: Settings) -> int:
    """Reads the map of the moment, without a lock."""
    return await _added_up(store.snapshot.user_ids(), settings)


async def lock_snapshot_write(store: Store, settings: Settings) -> int:
    """Puts another map in the place of the one that is read."""
    if (client := store.map.get(_NAME)) is not None:
        store.snapshot.put(_NAME, client.user_id)
    return store.snapshot.user_ids().sum()


def loop_parse_once(store: Store, settings: Settings) -> int:
    """Parses each id once, before the loop."""
    return _rungs.fold_parsed(store.user_ids(), settings.iterations)


def loop_closed_form(store: Store, settings: Settings) -> int:
    """Computes the loop's sum by its formula."""
    return _rungs.fold_closed(store.user_ids(), settings.iterations)


def loop_attached(store: Store, settings: Settings) -> int:
    """Computes attached to the interpreter: no other Python thread runs meanwhile."""
    return _rungs.fold_attached(store.user_ids(), settings.iterations)


async def where_loop(store: Store, settings: Settings) -> int:
    """Computes on the event loop's own thread, which serves nobody meanwhile."""
    return cpualloc(store, settings)


async def where_wide_pool(store: Store, settings: Settings) -> int:
    """Computes in a pool of many threads, all of which compute at once."""
    return await asyncio.get_running_loop().run_in_executor(store.wide_pool, cpualloc, store, settings)


async def where_rust_pool(store: Store, settings: Settings) -> int:
    """Computes in threads of Rust's own, as many as there are cores."""
    return await store.rust_pool.fold_clone(store.user_ids(), settings.iterations)
