"""Apps whose shares are known, and a small load for them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

BURNS = '''
import os, time

def burn(parts):
    """So long that a request takes many looks: a part is a hundredth of it. What it took is put down."""
    began_s, used_s = time.perf_counter(), time.thread_time()
    value = 0
    for number in range(30_000 * parts):
        value += number * number % 7
    took_s, used_s = time.perf_counter() - began_s, time.thread_time() - used_s
    with open(os.path.join(os.path.dirname(__file__), f"burnt-{os.getpid()}.txt"), "a") as account:
        account.write(f"{parts} {took_s} {used_s}\\n")
    return value

def sixty():
    return burn(60)

def thirty():
    return burn(30)

def ten():
    return burn(10)
'''
ASGI = """
import asyncio

class Gate:
    free = None

async def inside():
    await asyncio.sleep(0.5)

async def queued():
    Gate.free = Gate.free or asyncio.Semaphore(10)
    async with Gate.free:
        await inside()

async def naps():
    await asyncio.sleep(0.5)

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"].endswith("shutdown"):
                return
    match scope["path"]:
        case "/burns":
            sixty()
            thirty()
            ten()
        case "/queued":
            await queued()
        case "/naps":
            await naps()
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})
"""
"""An ASGI app: ``/burns`` burns 60, 30 and 10 parts; ``/queued`` waits for one of ten places and then in it, ``/naps``
for a timer as long."""
WSGI = """
def app(environ, start):
    sixty()
    thirty()
    ten()
    start("200 OK", [("content-length", "2")])
    return [b"ok"]
"""
MANY_WAIT = {"/queued": 140, "/naps": 60}
"""With two workers, of each hundred tasks 60 wait for a place, 10 in one, and 30 for a timer."""


def burnt(folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """The shares of the three functions, by the clock and by the processor's time, as a planted app put them down."""
    took: Counter[str] = Counter()
    used: Counter[str] = Counter()
    names = {"60": "sixty", "30": "thirty", "10": "ten"}
    for account in folder.glob("burnt-*.txt"):
        # The last line may not be whole.
        for line in account.read_text().splitlines()[:-1]:
            parts, took_s, used_s = line.split()
            took[names[parts]] += float(took_s)
            used[names[parts]] += float(used_s)
    return (
        {name: took[name] / took.total() for name in names.values()},
        {name: used[name] / used.total() for name in names.values()},
    )


async def _asks(port: int, path: str, over: asyncio.Event) -> None:
    while not over.is_set():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            continue
        with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError):
            while not over.is_set():
                writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line[15:])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                )
                await reader.readexactly(length)
                if b"connection: close" in head.lower():
                    break
        writer.close()


@contextlib.contextmanager
def loaded(port: int, connections: dict[str, int]) -> Iterator[None]:
    """Connections by path that each ask again as soon as they have an answer, until the block ends."""
    ready, loop, over = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def load() -> None:
        loop.call_soon(ready.set)
        asked = [
            asyncio.ensure_future(_asks(port, path, over))
            for path, count in connections.items()
            for _ in range(count)
        ]
        await over.wait()
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(load()))
    thread.start()
    try:
        assert ready.wait(30)
        yield
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
