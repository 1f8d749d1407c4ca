"""The article's service in pure Python, without the framework that serves it: the peers share it."""

from __future__ import annotations

import asyncio

WAIT_S = 0.05
ITERATIONS = 1_000_000
CLIENTS = {
    "87-89-34": (1, ["cats", "dogs"]),
    "22-38-21": (2, ["cats", "reptiles"]),
    "12-67-22": (3, ["mice", "birds", "snakes"]),
}
_exclusive = asyncio.Lock()


def _ids() -> list[str]:
    return [str(user_id) for user_id, _ in CLIENTS.values()]


async def read() -> str:
    """Waits with the exclusive lock held, then adds up the ids."""
    async with _exclusive:
        ids = _ids()
        await asyncio.sleep(WAIT_S)
        return str(sum(int(one) for one in reversed(ids)))


async def fast() -> str:
    """Waits without a lock, then adds up the ids."""
    ids = _ids()
    await asyncio.sleep(WAIT_S)
    return str(sum(int(one) for one in reversed(ids)))


def _cpualloc() -> str:
    ids, total = _ids(), 0
    for folded in range(ITERATIONS):
        for one in reversed(ids):
            folded += int(bytearray(one, "ascii"))  # a copy of the string
        total += folded
    return str(total)


def _cpu() -> str:
    ids, total = _ids(), 0
    for folded in range(ITERATIONS):
        for one in reversed(ids):
            folded += int(one)
        total += folded
    return str(total)


async def cpualloc() -> str:
    """Folds over the ids again and again, copying each, in a thread."""
    return await asyncio.to_thread(_cpualloc)


async def cpu() -> str:
    """Folds over the ids again and again, in a thread."""
    return await asyncio.to_thread(_cpu)


async def empty() -> str:
    """Nothing to be done."""
    return "ok"


ENDPOINTS = {"empty": empty, "read": read, "fast": fast, "cpualloc": cpualloc, "cpu": cpu}
