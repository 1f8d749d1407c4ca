"""The ladder and the boundary: readers and writers counted apart, and the locks and pools behind them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from serving import Service

from hotlap.evidence.load import NamedRequests, Trial
from hotlap.run import result
from ladder import _rungs
from ladder.scenarios import SCENARIOS
from ladder.shared_lock import SharedLock
from pyapp.settings import Settings

HERE = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trial]:
    """A trial of each lane of a quick run of the rungs of a read-write lock, one request in ten a write."""
    out = tmp_path_factory.mktemp("ladder") / "run"
    words = ["run", "lock-rw-*/native", "--quick", "--profiles", "none", "--writes", "10%", "--out", str(out)]
    command = [sys.executable, "-m", "hotlap.cli", *words]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return {lane.scenario: lane.of_role()[0] for lane in result.read(out).lanes}


def reads_and_writes(name: str, trial: Trial) -> tuple[NamedRequests, NamedRequests]:
    """What became of the requests of either kind."""
    return trial.by_name[f"{name}/native"], trial.by_name[f"{name}/native (write)"]


@pytest.mark.measures
def test_readers_and_writers_are_counted_apart(trials: dict[str, Trial]) -> None:
    assert len(trials) > 1
    for name, trial in trials.items():
        reads, writes = reads_and_writes(name, trial)
        assert reads.failures == writes.failures == 0
        share = writes.requests / (reads.requests + writes.requests)
        assert 0.03 < share < 0.2, (name, share)


@pytest.mark.measures
def test_a_writer_waits_for_readers_who_hold_the_lock_through_their_wait(trials: dict[str, Trial]) -> None:
    held, released = (trials[f"lock-rw-{kind}"] for kind in ("held", "released"))
    assert held.rps is not None
    assert released.rps is not None
    assert held.rps < released.rps
    waits_ms = [
        reads_and_writes(f"lock-rw-{kind}", trial)[1].latency_ms.p50
        for kind, trial in (("held", held), ("released", released))
    ]
    # Behind readers who hold it for 50 ms, and behind nobody.
    assert waits_ms[0] is not None
    assert waits_ms[1] is not None
    assert waits_ms[0] > 2 * waits_ms[1]


def test_every_rung_is_served_and_only_one_that_has_a_write_takes_one(ladder: Service) -> None:
    for scenario in SCENARIOS:
        for variant in scenario.variants:
            path = scenario.path(variant)
            assert ladder.get(path) == scenario.expected(Settings(iterations=1000)), path
            written = ladder.client.put(path)
            if scenario.writes:
                assert written.text == "6"
            else:
                assert written.status_code == 405
                assert "PUT" not in written.headers["allow"]


def shared_locks() -> list[Any]:
    """The read-write lock of each language."""
    return [pytest.param(SharedLock, id="python"), pytest.param(_rungs.SharedLock, id="native")]


class Held:
    """A task that takes a side of a lock and holds it until it is told to let go."""

    def __init__(self, lock: Any, side: str) -> None:
        self.has = False
        self.let_go = asyncio.Event()
        self.task = asyncio.create_task(self._hold(lock, side))

    async def _hold(self, lock: Any, side: str) -> None:
        place = getattr(lock, side)()
        if hasattr(place, "__aenter__"):
            async with place:
                await self._held()
        else:
            with await place:
                await self._held()

    async def _held(self) -> None:
        self.has = True
        await self.let_go.wait()

    async def end(self) -> None:
        """Let the lock go."""
        self.let_go.set()
        await self.task


async def settled() -> None:
    """Give every task that can go on its turn."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("kind", shared_locks())
def test_readers_share_the_lock_and_overtake_no_writer(kind: Any) -> None:
    async def scene() -> None:
        lock = kind()
        readers = [Held(lock, "read"), Held(lock, "read")]
        await settled()
        assert all(each.has for each in readers)
        writer, later = Held(lock, "write"), Held(lock, "read")
        await settled()
        assert not writer.has
        assert not later.has
        for each in readers:
            await each.end()
        await settled()
        assert writer.has
        assert not later.has
        await writer.end()
        await settled()
        assert later.has
        await later.end()

    asyncio.run(scene())


@pytest.mark.parametrize("kind", shared_locks())
def test_a_writer_that_leaves_the_queue_lets_those_behind_it_pass(kind: Any) -> None:
    async def scene() -> None:
        lock = kind()
        reader = Held(lock, "read")
        await settled()
        writer, later = Held(lock, "write"), Held(lock, "read")
        await settled()
        writer.task.cancel()
        await settled()
        assert later.has
        assert not writer.has
        await reader.end()
        await later.end()
        last = Held(lock, "write")
        await settled()
        assert last.has
        await last.end()

    asyncio.run(scene())


def test_rusts_pool_answers_on_the_loop_and_says_what_is_wrong() -> None:
    async def scene() -> None:
        pool = _rungs.RustPool(2)
        sums = [pool.fold_clone(_rungs.Ids(["1", "2", "3"]), n) for n in (10, 20)]
        assert await asyncio.gather(*sums) == [105, 310]
        with pytest.raises(ValueError, match="no number"):
            await pool.fold_clone(_rungs.Ids(["x"]), 1)
        given_up = pool.fold_clone(_rungs.Ids(["1"]), 100_000)
        given_up.cancel()
        assert await pool.fold_clone(_rungs.Ids(["1"]), 1) == 1

    asyncio.run(scene())
