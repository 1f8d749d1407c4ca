"""The native exclusive lock, awaited: fair, left by whoever is cancelled, under any event loop."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pyapp._core import ExclusiveLock, Hold
from pyapp.python import Store as PythonStore

LOOPS = [name for name in ("asyncio", "uvloop", "rloop") if importlib.util.find_spec(name)]
Run = Callable[[Coroutine[Any, Any, Any]], Any]


def runner_on(loop: str) -> Run:
    """What runs a coroutine on an event loop of that kind."""
    module = importlib.import_module(loop)

    def run_on(coroutine: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=module.new_event_loop) as runner:
            return runner.run(asyncio.wait_for(coroutine, 60))

    return run_on


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine on an event loop of each kind that is installed."""
    return runner_on(request.param)


async def until(condition: Callable[[], bool]) -> None:
    """Lets other tasks run until the condition holds."""
    while not condition():  # noqa: ASYNC110  # what is waited for is the lock's own count
        await asyncio.sleep(0)


def test_a_free_lock_is_had_at_once(run: Run) -> None:
    lock = ExclusiveLock()

    async def use() -> None:
        with await lock.acquire() as hold:
            assert isinstance(hold, Hold)
            assert lock.locked()
        assert not lock.locked()
        hold = await lock.acquire()
        hold.release()
        with pytest.raises(RuntimeError, match="released already"):
            hold.release()

    run(use())


def test_it_excludes_and_serves_in_order(run: Run) -> None:
    lock, order, inside = ExclusiveLock(), list[int](), 0

    async def one(at: int) -> None:
        nonlocal inside
        with await lock.acquire():
            assert inside == 0
            inside += 1
            order.append(at)
            await asyncio.sleep(0)
            inside -= 1

    async def all_of_them() -> None:
        await asyncio.gather(*(one(at) for at in range(200)))

    run(all_of_them())
    assert order == list(range(200))
    assert not lock.locked()
    assert lock.waiting() == 0
    counts = {kind: sum(times.snapshot()[0]) for kind, times in lock.timings()}
    assert counts == {"wait": 200, "hold": 200}


@pytest.mark.parametrize("variant", ["python", "native"])
def test_a_hold_that_is_cut_short_is_not_counted(run: Run, variant: str) -> None:
    native, python = ExclusiveLock(), PythonStore()

    @asynccontextmanager
    async def held() -> AsyncIterator[None]:
        if variant == "python":
            async with python.exclusive():
                yield
        else:
            with await native.acquire():
                yield

    async def hold(until_s: float, left: list[str]) -> None:
        async with held():
            left.append("held")
            await asyncio.sleep(until_s)

    async def one_of_two_is_cancelled() -> None:
        left: list[str] = []
        await hold(0, left)
        task = asyncio.create_task(hold(60, left))
        await until(lambda: len(left) == 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await hold(0, left)

    run(one_of_two_is_cancelled())
    timings = (
        [(kind, times) for _, kind, times in python.timings()] if variant == "python" else native.timings()
    )
    assert {kind: sum(times.snapshot()[0]) for kind, times in timings} == {"wait": 3, "hold": 2}


def test_who_is_cancelled_leaves_the_queue(run: Run) -> None:
    lock, had = ExclusiveLock(), list[int]()

    async def one(at: int) -> None:
        with await lock.acquire():
            had.append(at)

    async def use() -> None:
        hold = await lock.acquire()
        tasks = [asyncio.create_task(one(at)) for at in range(10)]
        await until(lambda: lock.waiting() == 10)
        for task in tasks[::2]:
            task.cancel()
        await until(lambda: lock.waiting() == 5)
        hold.release()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(result, asyncio.CancelledError) for result in results] == [True, False] * 5

    run(use())
    assert had == [1, 3, 5, 7, 9]
    assert not lock.locked()


def test_who_is_cancelled_when_its_turn_has_come_passes_it_on(run: Run) -> None:
    lock = ExclusiveLock()

    async def one() -> str:
        with await lock.acquire():
            return "had it"

    async def use() -> None:
        hold = await lock.acquire()
        first, second = asyncio.create_task(one()), asyncio.create_task(one())
        await until(lambda: lock.waiting() == 2)
        hold.release()
        first.cancel()
        assert await second == "had it"
        with pytest.raises(asyncio.CancelledError):
            await first

    run(use())
    assert not lock.locked()


def test_a_timeout_leaves_the_queue(run: Run) -> None:
    lock = ExclusiveLock()

    async def use() -> None:
        with await lock.acquire():
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(_acquire(lock), 0.01)
            assert lock.waiting() == 0
        assert not lock.locked()

    run(use())


async def _acquire(lock: ExclusiveLock) -> Hold:
    return await lock.acquire()


def test_a_place_that_is_dropped_is_given_up(run: Run) -> None:
    lock = ExclusiveLock()

    async def use() -> None:
        hold = await lock.acquire()
        waiting = _acquire(lock)
        waiting.send(None)
        assert lock.waiting() == 1
        waiting.close()
        assert lock.waiting() == 0
        hold.release()
        assert not lock.locked()

    run(use())


def test_a_hold_that_is_dropped_releases_the_lock(run: Run) -> None:
    lock = ExclusiveLock()

    async def use() -> None:
        waiter = asyncio.create_task(_acquire(lock))
        hold = await waiter
        waiting = asyncio.create_task(_acquire(lock))
        await until(lambda: lock.waiting() == 1)
        del waiter, hold
        gc.collect()
        (await waiting).release()

    run(use())
    assert not lock.locked()


def test_an_exception_inside_releases_the_lock_and_is_passed_on(run: Run) -> None:
    lock = ExclusiveLock()

    async def use() -> None:
        with pytest.raises(ZeroDivisionError), await lock.acquire():
            raise ZeroDivisionError

    run(use())
    assert not lock.locked()


def test_it_may_be_released_by_another_thread(run: Run) -> None:
    lock = ExclusiveLock()

    async def use() -> None:
        hold = await lock.acquire()
        waiting = asyncio.create_task(_acquire(lock))
        await until(lambda: lock.waiting() == 1)
        thread = threading.Thread(target=hold.release)
        thread.start()
        (await waiting).release()
        thread.join()

    run(use())
    assert not lock.locked()


def test_tasks_of_several_loops_share_it() -> None:
    lock, inside, had = ExclusiveLock(), list[int](), list[int]()

    async def one(at: int) -> None:
        for _ in range(50):
            with await lock.acquire():
                inside.append(at)
                await asyncio.sleep(0)
                assert inside.pop() == at
                assert not inside
                had.append(at)

    async def some(at: int) -> None:
        await asyncio.gather(*(one(at) for _ in range(4)))

    kinds = ("asyncio", "uvloop", "asyncio")
    threads = [threading.Thread(target=runner_on(kind), args=(some(at),)) for at, kind in enumerate(kinds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(had) == sorted([0, 1, 2] * 200)
    assert not lock.locked()


def test_it_needs_a_running_loop_only_to_wait() -> None:
    lock = ExclusiveLock()
    with pytest.raises(StopIteration) as had:
        _acquire(lock).send(None)
    with pytest.raises(RuntimeError, match="no running event loop"):
        _acquire(lock).send(None)
    assert lock.waiting() == 0
    had.value.value.release()
    assert not lock.locked()


def test_a_task_that_its_loop_leaves_behind_gives_the_lock_up_when_it_ends() -> None:
    lock = ExclusiveLock()
    hold = asyncio.run(_acquire(lock))
    dead = asyncio.new_event_loop()
    task = dead.create_task(_acquire(lock))
    dead.call_soon(dead.stop)
    dead.run_forever()
    dead.close()
    assert lock.waiting() == 1
    hold.release()
    assert lock.locked()
    del task
    gc.collect()
    assert not lock.locked()
