"""The registry: every endpoint under study, once.

Routes, Locust users, parity tests, profiles and report rows are derived from it. A scenario's entry is
what can be said of it without its code; its code is one function of that name in each variant's module
of its suite.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import msgspec

from pyapp import native, reference
from pyapp.clients import SEED
from pyapp.settings import Settings
from pyapp.suites import boundary_native, boundary_reference, ladder_native, ladder_reference

VARIANTS: dict[str, ModuleType] = {"python": reference, "native": native}
"""The variants and the modules that hold their store."""

SUITES: dict[str, dict[str, ModuleType]] = {
    "article": VARIANTS,
    "ladder": {"python": ladder_reference, "native": ladder_native},
    "boundary": {"python": boundary_reference, "native": boundary_native},
}
"""The suites, and the modules that hold each variant's functions; another suite has them in ``VARIANTS``."""

DEFAULT_VARIANT = "native"
"""The variant that a path without a prefix means."""


class MissingPartError(Exception):
    """A scenario whose function is missing in a variant's module: the message names both."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint under study."""

    name: str
    title: str
    does: str
    answer: Callable[[Sequence[int], Settings], int]
    """What it must answer for a map with these user ids."""
    suite: str = "article"
    variants: tuple[str, ...] = ("python", "native")
    users: int = 16
    """The default load: how many users send one request after the other."""
    queues: bool = False
    """Whether it waits for other requests: it is then given up when its client has gone."""
    writes: float = 0.0
    """The share of its requests that write, with a function of their own (``NAME_write``): ``PUT`` on its path."""
    differs_from: str | None = None
    """The scenario whose profile is drawn against this one's: what was before the step that this one is."""
    profiles: tuple[str, ...] = ("on-cpu",)
    """The modes in which the lab profiles it."""
    reference: dict[str, float | str] = {}
    """Figures from elsewhere, shown beside those measured."""

    def function(self, variant: str, suffix: str = "") -> Callable[[Any, Settings], Any]:
        """The function that does the work: a coroutine function, or one that computes in a thread.

        Args:
            variant: Whose function.
            suffix: ``_write`` for the one that writes.

        Raises:
            MissingPartError: the variant's module has no function of that name.
        """
        module = SUITES.get(self.suite, VARIANTS)[variant]
        name = self.name.replace("-", "_") + suffix
        function = getattr(module, name, None)
        if not inspect.isfunction(function):
            raise MissingPartError(f"scenario {self.name!r} has no function {name!r} in {module.__name__}")
        return function

    def path(self, variant: str) -> str:
        """The path of the scenario's lane."""
        return f"/{variant}/{self.name}"

    def default_variant(self) -> str:
        """The variant that ``/NAME`` alone means."""
        return DEFAULT_VARIANT if DEFAULT_VARIANT in self.variants else self.variants[0]

    def expected(self, settings: Settings) -> str:
        """The answer for the clients that a store starts with."""
        return str(self.answer([client.user_id for client in SEED.values()], settings))


def sum_of_ids(ids: Sequence[int], settings: Settings) -> int:
    """What ``/read`` and ``/fast`` answer."""
    return sum(ids)


def sum_of_folds(ids: Sequence[int], settings: Settings) -> int:
    """What ``/cpu`` and ``/cpualloc`` answer: the closed form of their sum."""
    n = settings.iterations
    return n * (n - 1) // 2 + n * sum(ids)


SCENARIOS: list[Scenario] = [
    Scenario(
        name="read",
        title="Exclusive lock held over a wait",
        does="takes an exclusive lock, collects the user ids, waits with the lock held, adds them up",
        answer=sum_of_ids,
        users=50,
        queues=True,
        profiles=("on-cpu", "await"),
        reference={"rps": 19.5, "latency_ms": 18_000.0},
    ),
    Scenario(
        name="fast",
        title="Read lock dropped before the wait",
        does="takes the read side of a lock, collects the user ids, drops the lock, waits, adds them up",
        answer=sum_of_ids,
        users=100,
        reference={"rps": 820.0},
    ),
    Scenario(
        name="cpualloc",
        title="Parse and fold, each string copied",
        does="folds over the user ids a million times, copying each string before it is parsed",
        answer=sum_of_folds,
        users=2,
        profiles=("on-cpu", "memory"),
        reference={"profile": "allocation takes most of the width"},
    ),
    Scenario(
        name="cpu",
        title="Parse and fold, nothing copied",
        does="folds over the user ids a million times, parsing borrowed strings",
        answer=sum_of_folds,
        users=2,
        differs_from="cpualloc",
        reference={"profile": "allocation is gone"},
    ),
]


def _lock(name: str, title: str, does: str, variants: tuple[str, ...] = tuple(VARIANTS)) -> Scenario:
    """A rung of the ladder of locks: readers who wait, and one writer in a hundred."""
    return Scenario(
        name=f"lock-{name}",
        title=title,
        does=does,
        answer=sum_of_ids,
        suite="ladder",
        variants=variants,
        users=50,
        queues=True,
        writes=0.01,
        profiles=("await",),
    )


def _loop(
    suite: str, name: str, title: str, does: str, variants: tuple[str, ...] = tuple(VARIANTS)
) -> Scenario:
    """The folds of ``/cpu``, done one way or another."""
    return Scenario(
        name=name, title=title, does=does, answer=sum_of_folds, suite=suite, variants=variants, users=4
    )


_RUST = ("native",)
SCENARIOS += [
    _lock("exclusive-held", "Exclusive lock, held over the wait", "waits with an exclusive lock held"),
    _lock("exclusive-released", "Exclusive lock, let go before", "lets an exclusive lock go before it waits"),
    _lock("rw-held", "Read-write lock, held over the wait", "waits with the read side of a lock held"),
    _lock("rw-released", "Read-write lock, let go before", "lets the read side of a lock go before it waits"),
    _lock("sharded", "Sharded map", "reads a map whose shards have a lock each, then waits", _RUST),
    _lock("snapshot", "Snapshot, no lock", "reads the map of the moment, which writers replace, then waits"),
    _loop("ladder", "loop-clone", "Loop, each string copied", "copies and parses each id a million times"),
    _loop("ladder", "loop-borrow", "Loop, nothing copied", "parses each id a million times"),
    _loop("ladder", "loop-parse-once", "Loop, parsed before", "parses each id once, adds it a million times"),
    _loop("ladder", "loop-closed-form", "No loop", "computes the loop's sum by its formula"),
    _loop("boundary", "loop-attached", "Loop, attached", "folds while no other Python thread can run"),
    _loop("boundary", "loop-detached", "Loop, detached", "folds while other Python threads run", _RUST),
    _loop("boundary", "where-loop", "On the event loop", "folds on the thread that serves all", _RUST),
    _loop("boundary", "where-wide-pool", "In 64 threads", "folds in one of many threads", _RUST),
    _loop("boundary", "where-pool", "In as many threads as cores", "folds in one of a few threads", _RUST),
    _loop("boundary", "where-rust-pool", "In Rust's own pool", "folds in a thread of Rust's, awaited", _RUST),
]


def lanes(scenarios: Sequence[Scenario]) -> list[tuple[Scenario, str]]:
    """Each scenario in each of its variants."""
    return [(scenario, variant) for scenario in scenarios for variant in scenario.variants]


def missing_parts(scenarios: Sequence[Scenario]) -> list[str]:
    """A sentence for each function that a scenario lacks."""
    missing = []
    for scenario, variant in lanes(scenarios):
        try:
            scenario.function(variant)
            if scenario.writes:
                scenario.function(variant, "_write")
        except MissingPartError as error:
            missing.append(str(error))
    return missing
