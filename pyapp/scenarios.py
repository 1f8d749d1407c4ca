"""The registry: every endpoint under study, once, with the two functions that answer it.

Routes, parity tests, the lab's lanes and its report are derived from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from pyapp import native, python
from pyapp.clients import SEED
from pyapp.settings import Settings

P = TypeVar("P")
N = TypeVar("N")
S = TypeVar("S")
Work = Callable[[S, Settings], int | Awaitable[int]]
"""What answers: a coroutine function, or one that computes and so is called in a thread."""

DEFAULT_VARIANT = "native"
"""The variant that a path without a prefix means."""


class Writes(msgspec.Struct, Generic[P, N], frozen=True, kw_only=True):
    """The requests of a scenario that write: ``PUT`` on its path."""

    share: float
    """Of all its requests."""
    python: Work[P] | None
    native: Work[N] | None


class Scenario(msgspec.Struct, Generic[P, N], frozen=True, kw_only=True):
    """An endpoint under study. ``P`` and ``N`` are the stores of its variants."""

    name: str
    title: str
    summary: str
    answer: Callable[[Sequence[int], Settings], int]
    """What it must answer for a map with these user ids."""
    python: Work[P] | None
    """What answers ``/python/NAME``. ``None``: it has no such variant; that is said, never left out."""
    native: Work[N] | None
    """What answers ``/native/NAME``, likewise."""
    suite: str = "article"
    users: int = 16
    """The default load: how many users send one request after the other."""
    cancel_on_disconnect: bool = False
    """Whether it waits for other requests: its work is then given up when its client has gone."""
    writes: Writes[P, N] | None = None
    differs_from: str | None = None
    """The scenario whose profile is drawn against this one's: what was before the step that this one is."""
    profiles: tuple[str, ...] = ("on-cpu",)
    """The modes in which the lab profiles it."""
    reference: dict[str, float | str] = {}
    """Figures from elsewhere, shown beside those measured."""

    @property
    def variants(self) -> dict[str, Work[Any]]:
        """The functions of the variants that it has, by their names."""
        return _known(self.python, self.native)

    @property
    def writing(self) -> dict[str, Work[Any]]:
        """The same of what writes."""
        return _known(self.writes.python, self.writes.native) if self.writes else {}

    def path(self, variant: str) -> str:
        """The path of the scenario's lane."""
        return f"/{variant}/{self.name}"

    def default_variant(self) -> str:
        """The variant that ``/NAME`` alone means."""
        return DEFAULT_VARIANT if DEFAULT_VARIANT in self.variants else next(iter(self.variants))

    def expected(self, settings: Settings) -> str:
        """The answer for the clients that a store starts with."""
        return str(self.answer([client.user_id for client in SEED.values()], settings))


def _known(python: Work[Any] | None, native: Work[Any] | None) -> dict[str, Work[Any]]:
    return {name: work for name, work in (("python", python), ("native", native)) if work is not None}


def sum_of_ids(ids: Sequence[int], settings: Settings) -> int:
    """What ``/read`` and ``/fast`` answer."""
    return sum(ids)


def sum_of_folds(ids: Sequence[int], settings: Settings) -> int:
    """What ``/cpu`` and ``/cpualloc`` answer: the closed form of their sum."""
    n = settings.iterations
    return n * (n - 1) // 2 + n * sum(ids)


SCENARIOS: list[Scenario[python.Store, native.Store]] = [
    Scenario(
        name="read",
        title="Exclusive lock held over a wait",
        summary="takes an exclusive lock, collects the user ids, waits with the lock held, adds them up",
        answer=sum_of_ids,
        python=python.read,
        native=native.read,
        users=50,
        cancel_on_disconnect=True,
        profiles=("on-cpu", "await"),
        reference={"rps": 19.5, "latency_ms": 18_000.0},
    ),
    Scenario(
        name="fast",
        title="Read lock dropped before the wait",
        summary="takes the read side of a lock, collects the user ids, drops the lock, waits, adds them up",
        answer=sum_of_ids,
        python=python.fast,
        native=native.fast,
        users=100,
        reference={"rps": 820.0},
    ),
    Scenario(
        name="cpualloc",
        title="Parse and fold, each string copied",
        summary="folds over the user ids a million times, copying each string before it is parsed",
        answer=sum_of_folds,
        python=python.cpualloc,
        native=native.cpualloc,
        users=2,
        profiles=("on-cpu", "memory"),
        reference={"profile": "allocation takes most of the width"},
    ),
    Scenario(
        name="cpu",
        title="Parse and fold, nothing copied",
        summary="folds over the user ids a million times, parsing borrowed strings",
        answer=sum_of_folds,
        python=python.cpu,
        native=native.cpu,
        users=2,
        differs_from="cpualloc",
        reference={"profile": "allocation is gone"},
    ),
]


def lanes(scenarios: Sequence[Scenario[Any, Any]]) -> list[tuple[Scenario[Any, Any], str]]:
    """Each scenario in each of its variants."""
    return [(scenario, variant) for scenario in scenarios for variant in scenario.variants]
