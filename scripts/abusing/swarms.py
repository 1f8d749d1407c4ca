"""``hotlap swarm`` against a server that counts: one of the two is stopped at a random moment, and the accounts hold."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from abusing.counting import received
from abusing.owned import PATIENCE_S, are_gone, dumped, start, waited
from abusing.tables import Table
from hotlap.serving.answers import AGAIN_TRIES, FIRST_TRIES
from hotlap.serving.server import free_port

ASKED = FIRST_TRIES + AGAIN_TRIES
"""How often a server is asked what its answers must be, before any load."""
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LONGEST_S = 3.0
"""One of the two is stopped within so long of the load's first request."""
HEADS = (
    "stopped",
    "swarms",
    "requests started",
    "accounts wrong",
    "results lost",
    "processes left",
    "files left",
)


def abuse(chance: random.Random, times: int, at_once: int) -> Table:
    """So many swarms, every other one with two processes; the server is killed under a third of them."""

    def one(number: int) -> dict[str, Any]:
        return _swarm(chance, processes=1 + number % 2, kill_server=number % 3 == 2)

    with ThreadPoolExecutor(at_once) as pool:
        all_ = list(pool.map(one, range(times)))
    rows, clean = [], True
    for stopped, swarms in (
        ("the swarm", [one for number, one in enumerate(all_) if number % 3 != 2]),
        ("the server, then the swarm", all_[2::3]),
    ):
        if not swarms:
            continue
        sums = [
            sum(one[name] for one in swarms) for name in ("started", "wrong", "lost", "processes", "files")
        ]
        rows.append([stopped, len(swarms), *sums])
        clean = clean and not any(sums[1:])
    return Table("Swarms against a server that counts", HEADS, rows, clean)


def _swarm(chance: random.Random, *, processes: int, kill_server: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        folder, tmp, port = Path(scratch), Path(scratch, "tmp"), free_port()
        tmp.mkdir()
        (folder / "hotlap.toml").write_text(f'url = "http://127.0.0.1:{port}"\n[scenarios.one]\npath = "/"\n')
        (count := folder / "count").write_bytes(bytes(8))
        server = start(
            [str(Path(__file__).with_name("counting.py")), str(port), str(count)], f"{scratch}/server", tmp
        )
        words = ["swarm", "one/app", "--headless", "--users", "8", "--json", "out.json", "--url"]
        more = ["--processes", "2"] if processes == 2 else []
        swarm = start(["-m", "hotlap", *words, f"http://127.0.0.1:{port}", *more], scratch, tmp, cwd=folder)
        try:
            begun = waited(lambda: received(count) > ASKED or swarm.poll() is not None)
            time.sleep(chance.uniform(0.0, LONGEST_S))
            if kill_server:
                server.kill()
                time.sleep(chance.uniform(0.0, 1.0))
            swarm.send_signal(chance.choice(ENDINGS))
            try:
                said = swarm.communicate(timeout=2 * PATIENCE_S)[0].decode(errors="replace")
            except subprocess.TimeoutExpired:
                said = f"it did not end:\n{dumped(scratch)}"
        finally:
            gone = are_gone(scratch)
            server.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.communicate(timeout=PATIENCE_S)
        found = {"started": 0, "wrong": 0, "lost": 0, "processes": int(not gone)}
        found["files"] = int(not waited(lambda: not list(tmp.iterdir())))
        if not begun or "Traceback" in said or not (folder / "out.json").exists():
            found["lost"] = 1
        else:
            total = json.loads((folder / "out.json").read_text())["total"]
            found["started"] = total["started"]
            whole = total["started"] == total["answered"] + total["failed"] + total["aborted"]
            came = received(count) - ASKED
            found["wrong"] = int(not (whole and total["answered"] <= came <= total["started"]))
            said += f"\n{came} came of {total}"
        if any(value for name, value in found.items() if name != "started"):
            print(f"{found}:\n{said[-4000:]}", file=sys.stderr)
        return found
