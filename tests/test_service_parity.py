"""The variants are one service: the same answers for any map and any number of iterations."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings, strategies
from serving import Service

from pyapp import _core, python
from pyapp.app import STORES
from pyapp.clients import MAX_CLIENTS, MAX_USER_ID, SEED, Client, StoreFullError
from pyapp.scenarios import SCENARIOS, Scenario, lanes
from pyapp.settings import Settings


def cases(scenarios: Sequence[Scenario[Any, Any]]) -> list[Any]:
    """A case for each lane."""
    return [pytest.param(*lane, id=f"{lane[0].name}/{lane[1]}") for lane in lanes(scenarios)]


LANES = cases(SCENARIOS)
USER_IDS = strategies.integers(0, MAX_USER_ID)
NAMES = strategies.from_regex(r"\A[A-Za-z0-9._~-]{1,64}\Z")
MAPS = strategies.dictionaries(NAMES, USER_IDS, max_size=30)


def answer(scenario: Scenario[Any, Any], variant: str, store: Any, work: Settings) -> int:
    """What a lane's function answers."""
    result = scenario.variants[variant](store, work)
    return asyncio.run(result) if asyncio.iscoroutine(result) else result


def store_of(make: Callable[[], Any], clients: dict[str, int]) -> Any:
    """A store that holds these clients and no others."""

    async def fill() -> Any:
        store = make()
        for name in SEED:
            assert await store.delete(name)
        for name, user_id in clients.items():
            assert await store.put(name, Client(user_id, []))
        return store

    return asyncio.run(fill())


@pytest.mark.parametrize(("scenario", "variant"), LANES)
@settings(max_examples=25, deadline=None)
@given(clients=MAPS, iterations=strategies.integers(0, 60))
def test_a_lane_answers_as_the_registry_says(
    scenario: Scenario[Any, Any], variant: str, clients: dict[str, int], iterations: int
) -> None:
    work = Settings(iterations=iterations, wait_ms=0)
    found = answer(scenario, variant, store_of(STORES[variant], clients), work)
    assert found == scenario.answer(list(clients.values()), work)


@pytest.mark.parametrize(("scenario", "variant"), LANES)
def test_the_article_is_answered_as_printed(scenario: Scenario[Any, Any], variant: str) -> None:
    work = Settings(wait_ms=0)
    printed = {"read": 6, "fast": 6, "cpualloc": 500_005_500_000, "cpu": 500_005_500_000}
    store = STORES[variant]()
    assert answer(scenario, variant, store, work) == printed[scenario.name]
    assert scenario.expected(work) == str(printed[scenario.name])


@settings(max_examples=200, deadline=None)
@given(ids=strategies.lists(USER_IDS, max_size=50), iterations=strategies.integers(0, 200))
def test_the_loops_of_both_languages_agree(ids: list[int], iterations: int) -> None:
    strings = [str(user_id) for user_id in ids]
    core = _core.Ids(strings)
    expected = iterations * (iterations - 1) // 2 + iterations * sum(ids)
    assert core.sum() == python.add_up(strings) == sum(ids)
    assert core.fold(iterations) == core.fold_clone(iterations) == expected
    assert python.fold(strings, iterations) == python.fold_copy(strings, iterations) == expected


def test_the_largest_sum_that_the_bounds_allow_is_right() -> None:
    ids = _core.Ids([str(MAX_USER_ID)] * MAX_CLIENTS)
    iterations = 1000
    expected = iterations * (iterations - 1) // 2 + iterations * MAX_CLIENTS * MAX_USER_ID
    assert ids.fold(iterations) == expected
    largest = _core.MAX_ITERATIONS * (_core.MAX_ITERATIONS + MAX_CLIENTS * MAX_USER_ID)
    assert largest < 2**63


@pytest.mark.parametrize("variant", STORES)
def test_a_store_takes_as_many_clients_as_it_says(variant: str) -> None:
    async def fill() -> None:
        store = STORES[variant]()
        for at in range(MAX_CLIENTS - len(SEED)):
            assert await store.put(f"c{at}", Client(at, []))
        with pytest.raises(StoreFullError):
            await store.put("one-more", Client(1, []))
        assert store.get("one-more") is None
        assert store.count() == MAX_CLIENTS
        assert not await store.put("c1", Client(7, ["cats"]))
        assert store.get("c1") == Client(7, ["cats"])
        assert await store.delete("c1")
        assert await store.put("one-more", Client(1, []))
        assert list(store.all()) == sorted(store.all())

    asyncio.run(fill())


def test_readers_see_whole_clients_while_writers_write_from_many_threads() -> None:
    core, ended = _core.ClientMap(), threading.Event()
    core.put("a", _core.Client(0, ["0"] * 3))

    def write(first: int) -> int:
        for user_id in range(first, first + 500):
            core.put("a", _core.Client(user_id, [str(user_id)] * 3))
            core.put(str(user_id % 50), _core.Client(user_id, []))
            core.delete(str(user_id % 50))
        return 500

    def read() -> int:
        seen = 0
        while not ended.is_set():
            client = core.get("a")
            assert client is not None
            assert client.subscribed_topics == [str(client.user_id)] * 3
            assert 1 <= len(core.user_ids()) <= 51
            seen += 1
        return seen

    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        writers = [pool.submit(write, 1000 * at) for at in range(4)]
        written = [writer.result() for writer in writers]
        ended.set()
        assert all(reader.result() > 0 for reader in readers)
    assert written == [500] * 4
    assert len(core) >= 1


@pytest.fixture
def restored(service: Service) -> Iterator[Service]:
    yield service
    for variant in STORES:
        for name in service.client.get(f"/{variant}/clients").json():
            if name not in SEED:
                service.client.delete(f"/{variant}/clients/{name}").raise_for_status()


@pytest.mark.parametrize("variant", STORES)
def test_a_write_shows_in_that_variant_and_in_no_other(restored: Service, variant: str) -> None:
    work = Settings(iterations=1000)
    before = {(s.name, v): restored.get(s.path(v)) for s, v in lanes(SCENARIOS)}
    put = restored.client.put(f"/{variant}/clients/new", json={"user_id": 4, "subscribed_topics": ["owls"]})
    assert put.status_code == 201
    for scenario, other in lanes(SCENARIOS):
        now = restored.get(scenario.path(other))
        if other == variant:
            assert now == str(scenario.answer([1, 2, 3, 4], work))
        else:
            assert now == before[scenario.name, other]
    assert restored.client.delete(f"/{variant}/clients/new").status_code == 204
    assert {(s.name, v): restored.get(s.path(v)) for s, v in lanes(SCENARIOS)} == before


@pytest.mark.parametrize("variant", STORES)
def test_writes_and_reads_at_once_lose_nothing(restored: Service, variant: str) -> None:
    names = [f"{variant}-{at}" for at in range(40)]

    def put(name: str) -> int:
        body = {"user_id": 10, "subscribed_topics": []}
        return restored.client.put(f"/{variant}/clients/{name}", json=body).status_code

    def read(_: int) -> int:
        return int(restored.get(f"/{variant}/fast"))

    with ThreadPoolExecutor(8) as pool:
        sums = pool.map(read, range(40))
        assert list(pool.map(put, names)) == [201] * 40
        assert all((total - 6) % 10 == 0 and 6 <= total <= 406 for total in sums)
    assert restored.get(f"/{variant}/fast") == "406"
    assert restored.metric("pyapp_clients", variant=variant) == 43
