"""What a client costs in memory, and whether a map that is written to for long keeps its size.

``make bench-memory`` runs it. Each map is filled in a process of its own, whose resident memory is read before
and after; a million clients, in the Rust map and in a dict of dataclasses. Then a million PUTs and DELETEs.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import multiprocessing
import sys
from collections.abc import Callable
from typing import Any, Protocol

import psutil

from pyapp import _core


@dataclasses.dataclass
class Client:
    """A client as Python code has it as a rule."""

    user_id: int
    subscribed_topics: list[str]


class Clients(Protocol):
    """A map under test."""

    def put(self, number: int) -> None:
        """Set a client with three topics."""

    def delete(self, number: int) -> None:
        """Remove it."""


def topics(number: int) -> list[str]:
    """Three topics, made anew as a parsed body makes them."""
    return [f"cats-{number % 7}", f"dogs-{number % 11}", f"birds-{number % 13}"]


def name(number: int) -> str:
    """As the article's names: ``87-89-34``."""
    return f"{number // 10_000 % 100:02}-{number // 100 % 100:02}-{number % 100:02}-{number}"


class RustMap:
    """The service's map."""

    def __init__(self, limit: int) -> None:
        self._map = _core.ClientMap(limit)

    def put(self, number: int) -> None:
        """Set a client."""
        self._map.put(name(number), _core.Client(number, topics(number)))

    def delete(self, number: int) -> None:
        """Remove it."""
        self._map.delete(name(number))


class DictMap:
    """A dict of dataclasses."""

    def __init__(self, limit: int) -> None:
        self._map: dict[str, Client] = {}

    def put(self, number: int) -> None:
        """Set a client."""
        self._map[name(number)] = Client(number, topics(number))

    def delete(self, number: int) -> None:
        """Remove it."""
        del self._map[name(number)]


KINDS: dict[str, Callable[[int], Clients]] = {"Rust map": RustMap, "dict of dataclasses": DictMap}


def rss_bytes() -> int:
    """Resident memory of this process."""
    gc.collect()
    size: int = psutil.Process().memory_info().rss
    return size


def filled(kind: str, count: int) -> float:
    """Bytes of resident memory for each of so many clients."""
    clients = KINDS[kind](count)
    before = rss_bytes()
    for number in range(count):
        clients.put(number)
    return (rss_bytes() - before) / count


def churned(kind: str, count: int, kept: int = 1000) -> tuple[int, int]:
    """Resident memory after a first tenth of so many PUTs and DELETEs, and after all of them."""
    clients = KINDS[kind](kept + 1)
    for number in range(kept):
        clients.put(number)
    first = 0
    for number in range(kept, kept + count):
        clients.put(number)
        clients.delete(number)
        if number == kept + count // 10:
            first = rss_bytes()
    return first, rss_bytes()


def apart(work: Callable[..., Any], *arguments: Any) -> Any:
    """Do it in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def main() -> int:
    """Measure and print; 1 where memory grew."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=1_000_000)
    count = parser.parse_args().clients
    for kind in KINDS:
        print(f"{kind:20} {apart(filled, kind, count):8,.0f} bytes a client, {count:,} clients")
    grew = False
    for kind in KINDS:
        first, last = apart(churned, kind, count)
        grew |= last > 1.02 * first
        print(
            f"{kind:20} {first / 2**20:8,.1f} MiB, after {count:,} PUTs and DELETEs {last / 2**20:,.1f} MiB"
        )
    return int(grew)


if __name__ == "__main__":
    sys.exit(main())
