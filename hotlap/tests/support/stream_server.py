"""A server of event streams with known delays that keeps a log of its own: python stream_server.py PORT LOG.

Each stream has eight events: the first after 20 ms to 1.02 s, each further one after 10 to 210 ms, evenly spread over
all streams. The log has a line for each event: ``first`` or ``gap``, and the microseconds since the request came or
the event before was sent. ``GET /received`` tells how many streams have begun.
"""

from __future__ import annotations

import asyncio
import sys
import time
from itertools import count
from pathlib import Path

EVENTS = 8
GOLDEN = 0.6180339887498949


async def main(port: int, log: Path) -> None:
    """Serve until the process is ended."""
    streams, gaps = count(1), count(1)
    begun = 0
    lines: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal begun
        while head := await reader.readuntil(b"\r\n\r\n"):
            came_s = time.perf_counter()
            if head.startswith(b"GET /received "):
                text = str(begun).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(text), text))
                continue
            begun += 1
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            due_s = came_s + 0.02 + next(streams) * GOLDEN % 1
            for number in range(EVENTS):
                await asyncio.sleep(due_s - time.perf_counter())
                writer.write(b"9\r\ndata: %d\n\n\r\n" % number)
                now_s = time.perf_counter()
                lines.append(f"{'gap' if number else 'first'} {round(1e6 * (now_s - came_s))}\n")
                came_s = now_s
                due_s = now_s + 0.01 + 0.2 * (next(gaps) * GOLDEN % 1)
            writer.write(b"0\r\n\r\n")

    async def write() -> None:
        while True:
            await asyncio.sleep(0.1)
            with log.open("a") as file:
                file.writelines(lines)
            lines.clear()

    async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(quiet, "127.0.0.1", port, backlog=4096)
    async with server:
        await write()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
