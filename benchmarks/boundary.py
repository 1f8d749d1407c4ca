"""What it costs to cross from Python into Rust and back, and from when on detaching is worth it.

``make bench-boundary`` runs it: first pyperf, each figure from several processes, then the line from which
detaching from the interpreter costs less than a tenth, then how the loop scales over threads.
"""

from __future__ import annotations

import os
import threading
import timeit
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter

import pyperf

from ladder import _rungs
from pyapp import _core
from pyapp.python import fold

IDS = ["1", "2", "3"]
MANY = [str(number) for number in range(10_000)]
COST = 1.1
"""Detached over attached: from here on down, detaching costs less than a tenth."""
ITERATIONS = 2_000_000
REPEATS = 5


def nothing() -> None:
    """A call in Python, for comparison."""


def calls(runner: pyperf.Runner) -> None:
    """The price of a call, and of what is passed."""
    lock, few, many = _core.ExclusiveLock(), _core.Ids(IDS), _core.Ids(MANY)
    runner.bench_func("an empty call in Python", nothing)
    runner.bench_func("an empty native call", lock.waiting)
    runner.bench_func("pass 3 strings", _core.Ids, IDS)
    runner.bench_func("pass 10,000 strings", _core.Ids, MANY)
    runner.bench_func("answer with a number", few.sum)
    runner.bench_func("answer with 3 strings", few.to_list)
    runner.bench_func("answer with 10,000 strings", many.to_list)


def line() -> None:
    """From how much work on detaching costs less than a tenth."""
    ids = _rungs.Ids(IDS)
    fold_attached = partial(_rungs.fold_attached, ids)
    print(f"{'iterations':>12}{'attached':>12}{'detached':>12}")
    for iterations in (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        # Interleaved, the fastest of each: what else the machine does only ever adds.
        rounds = [[_ns(call, iterations) for call in (fold_attached, ids.fold)] for _ in range(15)]
        attached, detached = (min(column) for column in zip(*rounds, strict=True))
        mark = "  detaching costs less than a tenth" if detached < COST * attached else ""
        print(f"{iterations:12,}{attached:9,.0f} ns{detached:9,.0f} ns{mark}")


def _ns(call: Callable[[int], object], iterations: int, number: int = 2000) -> float:
    return timeit.timeit(lambda: call(iterations), number=number) / number * 1e9


def speed(work: Callable[[], object], threads: int) -> float:
    """How often a second the work is done, by so many threads at once."""
    all_there = threading.Barrier(threads)
    times_s: list[tuple[float, float]] = []

    def run() -> None:
        all_there.wait()
        began_s = perf_counter()
        for _ in range(REPEATS):
            work()
        times_s.append((began_s, perf_counter()))

    running = [threading.Thread(target=run) for _ in range(threads)]
    for each in running:
        each.start()
    for each in running:
        each.join()
    began, ended = zip(*times_s, strict=True)
    return threads * REPEATS / (max(ended) - min(began))


def scaling() -> None:
    """The same loop on 1 to as many threads as there are cores: attached, detached, and in Python."""
    ids = _rungs.Ids(IDS)
    kinds: dict[str, Callable[[], object]] = {
        "native, detached": lambda: ids.fold(ITERATIONS),
        "native, attached": lambda: _rungs.fold_attached(ids, ITERATIONS),
        "Python": lambda: fold(IDS, ITERATIONS // 50),
    }
    widths = sorted({1, 2, len(os.sched_getaffinity(0))})
    print(f"{'threads':20}" + "".join(f"{threads:>10}" for threads in widths))
    for name, work in kinds.items():
        rounds = [[speed(work, threads) for threads in widths] for _ in range(7)]
        gains = [median(row[at] / row[0] for row in rounds) for at in range(len(widths))]
        print(f"{name:20}" + "".join(f"{gain:9.2f}×" for gain in gains))


def main() -> None:
    """Measure and print."""
    runner = pyperf.Runner(processes=6, values=3, program_args=(__file__,))
    calls(runner)
    if not runner.args.worker:
        line()
        scaling()


if __name__ == "__main__":
    main()
