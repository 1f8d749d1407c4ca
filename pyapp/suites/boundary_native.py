"""The interpreter and the threads around one loop in Rust."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from pyapp import _core
from pyapp.native import Store, cpu, cpualloc
from pyapp.settings import Settings

MANY_THREADS = 64
"""Of a pool that is wide where it need not be."""

loop_detached = cpu
where_pool = cpualloc


def loop_attached(store: Store, settings: Settings) -> int:
    """Computes attached to the interpreter: no other Python thread runs meanwhile."""
    return store.map.user_ids().fold_attached(settings.iterations)


async def where_loop(store: Store, settings: Settings) -> int:
    """Computes on the event loop's own thread, which serves nobody meanwhile."""
    return cpualloc(store, settings)


async def where_wide_pool(store: Store, settings: Settings) -> int:
    """Computes in a pool of many threads, all of which compute at once."""
    pool = store.rung("wide pool", lambda: ThreadPoolExecutor(MANY_THREADS, thread_name_prefix="wide"))
    return await asyncio.get_running_loop().run_in_executor(pool, cpualloc, store, settings)


async def where_rust_pool(store: Store, settings: Settings) -> int:
    """Computes in threads of Rust's own, as many as there are cores."""
    pool = store.rung("rust pool", lambda: _core.RustPool(len(os.sched_getaffinity(0))))
    return await pool.fold_clone(store.map.user_ids(), settings.iterations)
