"""An HTTP server with known delays that keeps a log of its own: python delay_server.py PORT MODE LOG.

MODE: ``constant`` (20 ms), ``bimodal`` (100 ms, each tenth request 400 ms), ``pause`` (50 ms, and once, when
400 requests have come, none is answered for 2 s), ``spread`` (evenly over 30 ms to 3.03 s), ``slow`` (2 s),
``unfair`` (20 ms, but the first 12 never), ``none`` (at once), ``never``. The log has a line for each answer:
how long it took, in microseconds from the request's arrival. ``GET /received`` tells how many requests have
come, itself not counted.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TextIO


class Delays:
    """When each request is answered."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.received = 0
        self._until_s = 0.0

    def answer_at(self, now_s: float) -> float:
        """When a request that came now is answered."""
        self.received += 1
        match self.mode:
            case "constant":
                return now_s + 0.02
            case "bimodal":
                return now_s + (0.4 if self.received % 10 == 0 else 0.1)
            case "pause":
                if self.received == 400:
                    self._until_s = now_s + 2.0
                return max(now_s + 0.05, self._until_s)
            case "spread":
                # Multiples of the golden section fill the range evenly, neighbours far apart.
                return now_s + 0.03 + 3 * (self.received * 0.6180339887498949 % 1)
            case "slow":
                return now_s + 2.0
            case "unfair":
                return now_s + (3600 if self.received <= 12 else 0.02)
            case "never":
                return now_s + 3600
        return now_s


class Answering(asyncio.Protocol):
    """A connection: requests have no body."""

    def __init__(self, delays: Delays, log: TextIO) -> None:
        self._delays = delays
        self._log = log
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        now_s = time.perf_counter()
        *whole, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for head in whole:
            if head.startswith(b"GET /received "):
                self._say(str(self._delays.received).encode())
                continue
            at_s = self._delays.answer_at(now_s)
            if at_s <= now_s:
                self._answer(now_s)
            else:
                asyncio.get_running_loop().call_later(at_s - time.perf_counter(), self._answer, now_s)

    def _answer(self, came_s: float) -> None:
        self._say(b"6")
        self._log.write(f"{round((time.perf_counter() - came_s) * 1e6)}\n")

    def _say(self, body: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))


async def main(host: str, port: int, mode: str, log: Path) -> None:
    """Serve until the process is ended."""
    delays = Delays(mode)
    with log.open("a", buffering=1) as lines:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Answering(delays, lines), host, port, backlog=4096, reuse_address=True
        )
        async with server:
            await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(
        main(
            sys.argv[4] if len(sys.argv) > 4 else "127.0.0.1",
            int(sys.argv[1]),
            sys.argv[2],
            Path(sys.argv[3]),
        )
    )
