"""Load generators against each other: the lab's engine, wrk, and Locust's two stock users.

``make bench-load`` runs it. Each round has every generator in turn, against the same server and from one core's
worth of threads, so that what disturbs the machine disturbs them alike. Printed are requests a second, and
requests for each second of the generator's own processor time, which is what a busy machine disturbs least.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

NULL = "import sys, time; from hotlap._engine import NullServer; s = NullServer(1); print(s.url, flush=True); sys.stdin.read()"
ENGINE = """
import sys, time
from hotlap._engine import Behaviour, Swarm
from hotlap.serving.request import Data, Request
url, path, users, wait_s, time_s = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])
data = [Data(file) for file in sys.argv[6:]]
swarm = Swarm(url)
behaviour = swarm.declare(Behaviour([Request("GET", path, data=data)], wait_s=(wait_s, wait_s)))
for _ in range(users):
    swarm.add(behaviour)
time.sleep(0.5 + wait_s)
swarm.take()
began_s, cpu_s = time.monotonic(), time.process_time()
time.sleep(time_s)
(figures,) = swarm.take()
cpu_s, passed_s = time.process_time() - cpu_s, time.monotonic() - began_s
assert not figures.failed, figures.errors
mean_ms = figures.response.mean_ms or 0
print(figures.answered / passed_s, cpu_s / passed_s, mean_ms, figures.response.quantile_ms(0.99) or 0)
"""
STOCK = """
import sys, time
import gevent
from locust import FastHttpUser, HttpUser, constant, events, task
class Asking({kind}):
    wait_time = constant({wait_s})
    @task
    def ask(self):
        self.client.get({path!r})
@events.init.add_listener
def measure(environment, runner, **_):
    def window():
        while runner.user_count < {users}:
            gevent.sleep(0.05)
        gevent.sleep(0.5 + {wait_s})
        runner.stats.reset_all()
        began_s, cpu_s = time.monotonic(), time.process_time()
        gevent.sleep({time_s})
        total = runner.stats.total
        cpu_s, passed_s = time.process_time() - cpu_s, time.monotonic() - began_s
        p99 = total.get_response_time_percentile(0.99)
        print("SAID", total.num_requests / passed_s, cpu_s / passed_s, total.avg_response_time, p99, flush=True)
        runner.quit()
    gevent.spawn(window)
"""


ENGINE_NAME, CONSTANT, VALUES = "hotlap engine", "constant, long", "two values"
_ROWS = 100_000


class Figure(NamedTuple):
    """What a generator reached."""

    rps: float
    cpu: float
    """Of a core."""
    mean_ms: float
    p99_ms: float

    @property
    def per_cpu_s(self) -> float:
        """Requests for each second of its processor time."""
        return self.rps / self.cpu


def engine(url: str, path: str, users: int, wait_s: float, time_s: float, *files: str) -> Figure:
    """The lab's engine, one thread."""
    words = [sys.executable, "-c", ENGINE, url, path, str(users), str(wait_s), str(time_s), *files]
    told = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    return Figure(*map(float, told.stdout.split()))


def values(file: Path) -> Callable[[str, str, int, float, float], Figure]:
    """The same with two values of a file in each request, beside a constant one of the same length."""

    def measure(url: str, path: str, users: int, wait_s: float, time_s: float) -> Figure:
        return engine(url, path + "?id={id}&name={name}", users, wait_s, time_s, str(file))

    return measure


def constant(url: str, path: str, users: int, wait_s: float, time_s: float) -> Figure:
    """The engine with a constant request as long as those with values."""
    return engine(url, path + "?id=12345&name=name-12345", users, wait_s, time_s)


def wrk(url: str, path: str, users: int, wait_s: float, time_s: float) -> Figure:
    """wrk with one thread; it cannot wait."""
    before = os.times()
    words = ["wrk", "-t1", f"-c{users}", f"-d{time_s:g}s", "--latency", url + path]
    told = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120).stdout
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    rps = float(re.search(r"Requests/sec:\s+([\d.]+)", told).group(1))  # type: ignore[union-attr]
    return Figure(rps, cpu_s / time_s, _ms(told, r"Latency\s+(\S+)"), _ms(told, r"99%\s+(\S+)"))


def _ms(text: str, pattern: str) -> float:
    found = re.search(pattern, text)
    assert found is not None, text
    number, unit = re.match(r"([\d.]+)(\w+)", found.group(1)).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}[unit]


def stock(kind: str) -> Callable[[str, str, int, float, float], Figure]:
    """Locust's own users, one process."""

    def measure(url: str, path: str, users: int, wait_s: float, time_s: float) -> Figure:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "locustfile.py")
            file.write_text(STOCK.format(kind=kind, path=path, users=users, wait_s=wait_s, time_s=time_s))
            words = [sys.executable, "-m", "locust", "-f", str(file), "--headless", "--only-summary"]
            words += ["--host", url, "-u", str(users), "-r", str(users)]
            told = subprocess.run(words, capture_output=True, text=True, check=False, timeout=180).stdout
        line = next(line for line in told.splitlines() if line.startswith("SAID"))
        return Figure(*map(float, line.split()[1:]))

    return measure


@contextlib.contextmanager
def null_server() -> Iterator[str]:
    """A server that does nothing but answer, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", NULL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(10)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", help="measure against this server instead of one that does nothing")
    parser.add_argument("--path", default="/")
    parser.add_argument("--users", type=int, default=64)
    parser.add_argument("--wait", type=float, default=0.0, help="seconds; wrk is left out if it is not 0")
    parser.add_argument("--time", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-stock", action="store_true", help="leave Locust's own users out")
    asked = parser.parse_args()
    generators: dict[str, Callable[[str, str, int, float, float], Figure]] = {ENGINE_NAME: engine}
    if asked.wait == 0 and shutil.which("wrk"):
        generators["wrk -t1"] = wrk
    if not asked.no_stock:
        generators |= {kind: stock(kind) for kind in ("FastHttpUser", "HttpUser")}
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.nullcontext(asked.url) if asked.url else null_server() as url,
    ):
        rows = Path(folder, "rows.csv")
        lines = (f"{number},name-{number}\n" for number in range(_ROWS))
        rows.write_text("id,name\n" + "".join(lines))
        generators |= {CONSTANT: constant, VALUES: values(rows)}
        found: dict[str, list[Figure]] = {name: [] for name in generators}
        for number in range(asked.rounds):
            for name, measure in generators.items():
                figure = measure(url, asked.path, asked.users, asked.wait, asked.time)
                found[name].append(figure)
                print(
                    f"round {number + 1}  {name:15}{figure.rps:10,.0f}/s {100 * figure.cpu:6.1f}% of a core "
                    f"{figure.per_cpu_s:10,.0f} per CPU s   mean {figure.mean_ms:8.3f} ms  p99 {figure.p99_ms:8.3f} ms",
                    flush=True,
                )
    pairs = [(ENGINE_NAME, name) for name in found if name not in (ENGINE_NAME, CONSTANT, VALUES)]
    for one, other in [*pairs, (VALUES, CONSTANT)]:
        both = list(zip(found[one], found[other], strict=True))
        rps = _interval([mine.rps / theirs.rps for mine, theirs in both])
        cpu = _interval([mine.per_cpu_s / theirs.per_cpu_s for mine, theirs in both])
        print(f"{one} / {other}: {rps} in requests/s, {cpu} in requests per CPU second")


def _interval(ratios: list[float]) -> str:
    """The median of the rounds, with the least and the most."""
    return f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"


if __name__ == "__main__":
    main()
