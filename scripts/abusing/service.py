"""Malformed requests over raw sockets, against the real service under both interfaces."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from pathlib import Path

from abusing.malformed import requests
from abusing.owned import PATIENCE_S, are_gone, start, waited
from abusing.tables import Table
from hotlap.serving.server import free_port

AT_ONCE = 16
SILENCE_S = 0.3
"""Half a request is not answered: the connection is closed after so long without a byte."""
STATUS = re.compile(rb"HTTP/1\.[01] (\d)\d\d ")
STARTED = re.compile(r"^pyapp_start_time_seconds (\S+)$", re.MULTILINE)
HEADS = (
    "interface",
    "requests",
    "2xx, 3xx",
    "4xx",
    "5xx",
    "without answer",
    "maps changed",
    "workers lost",
    "traces",
)


def abuse(chance: random.Random, times: int) -> Table:
    """Half of the requests under each interface."""
    rows, clean = [], True
    for interface, share in (("rsgi", times - times // 2), ("asgi", times // 2)):
        row, is_clean = _under(interface, chance, share)
        rows.append(row)
        clean = clean and is_clean
    return Table("Malformed requests", HEADS, rows, clean)


def _under(interface: str, chance: random.Random, times: int) -> tuple[list[object], bool]:
    port = free_port()
    words = ["--port", str(port), "--interface", interface, "--iterations", "10", "--wait-ms", "1"]
    with tempfile.TemporaryDirectory() as scratch, Path(scratch, "log").open("w+b") as log:
        process = start(["-m", "pyapp", *words], scratch, Path(scratch), output=log)
        try:
            if not waited(lambda: _answers(port)):
                raise SystemExit(f"the service does not answer:\n{Path(scratch, 'log').read_text()}")
            before = _state(port)
            counts = asyncio.run(_send(port, chance, times))
            # A worker that died is started anew: it would answer as if nothing had been.
            lost = (
                process.poll() is not None
                or not waited(lambda: _answers(port))
                or _state(port)[0] != before[0]
            )
            changed = lost or _state(port)[1:] != before[1:]
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE_S)
            are_gone(scratch)
        said = Path(scratch, "log").read_text(errors="replace")
    traces = said.count("Traceback") + said.count("panicked")
    if traces or changed or lost:
        print(said[-6000:], file=sys.stderr)
    well = counts["2"] + counts["3"]
    row = [
        interface,
        times,
        well,
        counts["4"],
        counts["5"],
        counts["none"],
        int(changed),
        int(lost),
        traces,
    ]
    return row, not (counts["5"] or changed or lost or traces)


def _get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_S) as answer:
        return str(answer.read().decode())


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        return _get(port, "/healthz") == "ok"
    return False


def _state(port: int) -> tuple[str | None, str, str]:
    """When the worker started, and all clients of both maps."""
    started = STARTED.search(_get(port, "/metrics"))
    return started and started[1], _get(port, "/native/clients"), _get(port, "/python/clients")


async def _send(port: int, chance: random.Random, times: int) -> Counter[str]:
    """How many answers there were of each hundred, and requests without any."""
    counts: Counter[str] = Counter()
    left = requests(chance, times)

    async def some() -> None:
        for kind, data in left:
            found = STATUS.findall(await _exchange(port, data))
            counts.update([one.decode() for one in found] or ["none"])
            if b"5" in found:
                print(f"5xx for {kind}: {data[:300]!r}", file=sys.stderr)

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return counts


async def _exchange(port: int, data: bytes) -> bytes:
    """What is sent for these bytes until the connection is closed, or nothing comes any more."""
    answer = b""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(TimeoutError, ConnectionError):
        writer.write(data)
        while piece := await asyncio.wait_for(
            reader.read(65536), SILENCE_S if not answer.strip() else 5 * SILENCE_S
        ):
            answer += piece
    writer.transport.abort()
    return answer
