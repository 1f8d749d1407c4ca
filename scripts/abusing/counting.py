"""A server that counts in a file what comes, so that its count outlives it: ``python counting.py PORT FILE``."""

from __future__ import annotations

import asyncio
import mmap
import struct
import sys
from pathlib import Path

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n\r\n6"


class Counting(asyncio.Protocol):
    """A connection: requests have no body, and are answered after 5 ms."""

    def __init__(self, count: mmap.mmap) -> None:
        self._count = count
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for _ in whole:
            self._count[:8] = struct.pack("=Q", struct.unpack("=Q", self._count[:8])[0] + 1)
            asyncio.get_running_loop().call_later(0.005, self._transport.write, ANSWER)


def received(file: Path) -> int:
    """How many requests have come."""
    return int(struct.unpack("=Q", file.read_bytes()[:8])[0])


async def _serve(port: int, file: Path) -> None:
    with file.open("r+b") as handle, mmap.mmap(handle.fileno(), 8) as count:
        server = await asyncio.get_running_loop().create_server(lambda: Counting(count), "127.0.0.1", port)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
