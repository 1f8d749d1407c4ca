"""Each rung answers as the service's endpoint does that it is a step of, for any map and number of iterations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings, strategies
from test_service_parity import MAPS, answer, cases, store_of

from ladder import native, python
from ladder.scenarios import SCENARIOS
from pyapp.clients import Client
from pyapp.scenarios import Scenario
from pyapp.settings import Settings

STORES: dict[str, Callable[[], Any]] = {"python": python.Store, "native": native.Store}


@pytest.mark.parametrize(("scenario", "variant"), cases(SCENARIOS))
@settings(max_examples=25, deadline=None)
@given(clients=MAPS, iterations=strategies.integers(0, 60))
def test_a_rung_answers_as_the_registry_says(
    scenario: Scenario[Any, Any], variant: str, clients: dict[str, int], iterations: int
) -> None:
    work = Settings(iterations=iterations, wait_ms=0)
    found = answer(scenario, variant, store_of(STORES[variant], clients), work)
    assert found == scenario.answer(list(clients.values()), work)


@pytest.mark.parametrize(
    ("scenario", "variant"), cases([scenario for scenario in SCENARIOS if scenario.writes])
)
@settings(max_examples=25, deadline=None)
@given(clients=MAPS)
def test_a_scenarios_write_leaves_its_answer_as_it_is(
    scenario: Scenario[Any, Any], variant: str, clients: dict[str, int]
) -> None:
    work = Settings(wait_ms=0)
    store = store_of(STORES[variant], clients)
    read, write = scenario.variants[variant], scenario.writing[variant]

    async def written() -> tuple[int, int, int]:
        before, name = await read(store, work), "written-later"
        # A client that is put or deleted is seen by every rung, also by one that has a map of its own.
        await store.put(name, Client(7, []))
        between = await write(store, work)
        await store.delete(name)
        return before, between, await write(store, work)

    expected = sum(user_id for name, user_id in clients.items() if name != "written-later")
    before, between, after = asyncio.run(written())
    assert before == sum(clients.values())
    assert (between, after) == (expected + 7, expected)
