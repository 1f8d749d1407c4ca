"""The probe: what tasks wait for under each event loop, and what the probe leaves alone."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hotlap.evidence.profile import WaitKind
from hotlap.profiling.probe import Done, Probe, ProbeError, probe

READY_S = 60.0
NEW_LOOP = {
    "asyncio": "from asyncio import new_event_loop",
    "uvloop": "from uvloop import new_event_loop",
    "rloop": "from rloop import new_event_loop",
}
RUN = """
loop = new_event_loop()
asyncio.set_event_loop(loop)
loop.create_task(main())
loop.call_soon(print, "ready")
loop.run_forever()
"""


@contextlib.contextmanager
def running(
    source: str, *, loop: str = "asyncio", env: dict[str, str] | None = None
) -> Iterator[tuple[Probe, int]]:
    """A process with a probe, whose event loop runs ``main`` of this source."""
    text = f"import asyncio\n{NEW_LOOP[loop]}\n{textwrap.dedent(source)}{RUN}"
    with (
        probe() as own,
        subprocess.Popen(
            [sys.executable, "-u", "-c", text],
            env={**own.env(), **(env or {})},
            stdout=subprocess.PIPE,
            text=True,
        ) as child,
    ):
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            yield own, child.pid
        finally:
            child.kill()


def test_statements_are_counted_only_where_that_is_asked_for() -> None:
    source = """
    import sqlite3
    async def main():
        sqlite3.connect(":memory:").execute("select 1")
    """
    with running(source) as (own, pid):
        assert own.ask(pid, "statements", dict)["statements"] == []
    with running(source, env={"HOTLAP_WATCH": "1"}) as (own, pid):
        (one,) = own.ask(pid, "statements", dict)["statements"]
    assert one["count"] == 1


def sampled(own: Probe, pid: int, time_s: float = 0.3) -> dict[str, Any]:
    """The probe's answer, once every task has come to where it waits."""
    until_s = time.monotonic() + READY_S
    while True:
        told = own.ask(pid, "tasks", dict, time_s=time_s, interval_s=0.02)
        if told["waits"] or time.monotonic() > until_s:
            return told


def ends(told: dict[str, Any]) -> Counter[str]:
    """How many tasks a tick wait for each thing."""
    found: Counter[str] = Counter()
    for wait in told["waits"]:
        found[wait["what"]] += round(wait["count"] / told["ticks"])
    return found


WAITS = """
    lock, never = asyncio.Lock(), asyncio.Event()

    async def queued():
        async with lock:
            await asyncio.sleep(3600)

    async def inner(pause):
        await pause

    async def outer(pause):
        await inner(pause)

    async def pages():
        for number in range(3):
            await asyncio.sleep(3600)
            yield number

    async def reads():
        async for number in pages():
            pass

    class Named:
        waits_for = "a lock in Rust"
        def __await__(self):
            return (yield from asyncio.get_running_loop().create_future())

    class Opaque:
        waits_for = "a native lock"
        def __init__(self, future):
            self.future = future
        def __await__(self):
            return self
        def __iter__(self):
            return self
        def __next__(self):
            if self.future is not None:
                future, self.future = self.future, None
                future._asyncio_future_blocking = True
                return future
            raise StopIteration

    class OfAKind(Opaque):
        waits_for = "a native semaphore"
        waits_for_kind = "semaphore"

    async def native(kind):
        await kind(asyncio.get_running_loop().create_future())

    tasks = []

    async def main():
        start = asyncio.get_running_loop().create_task
        for _ in range(10):
            tasks.append(start(queued()))
        for _ in range(3):
            tasks.append(start(outer(asyncio.sleep(3600))))
        tasks.append(start(outer(never.wait())))
        tasks.append(start(outer(asyncio.Queue().get())))
        tasks.append(start(reads()))
        tasks.append(start(native(Opaque)))
        tasks.append(start(native(OfAKind)))
        tasks.append(start(outer(asyncio.wait_for(never.wait(), 3600))))
        tasks.append(start(outer(asyncio.gather(never.wait(), never.wait()))))
"""


@pytest.mark.parametrize("loop", NEW_LOOP)
def test_each_loop_says_what_its_tasks_wait_for(loop: str) -> None:
    with running(WAITS, loop=loop) as (own, pid):
        told = sampled(own, pid)
    assert told["errors"] == 0
    found = ends(told)
    assert found["asyncio.Lock"] == 9
    assert found["a timer"] == 1 + 3 + 1
    assert found["a native lock"] == found["a native semaphore"] == 1
    assert found["asyncio.Queue (to be filled)"] == 1
    # A task that others were started for waits for what they wait for, and counts once.
    assert found["asyncio.Event"] == 3
    kinds = {wait["what"]: wait["kind"] for wait in told["waits"]}
    assert kinds["asyncio.Lock"] == WaitKind.LOCK.value
    assert kinds["a timer"] == WaitKind.TIMER.value
    assert kinds["asyncio.Queue (to be filled)"] == WaitKind.QUEUE.value
    assert kinds["asyncio.Event"] == WaitKind.EVENT.value
    # One that says what it is in words only, and one that names its kind too.
    assert kinds["a native lock"] == WaitKind.OTHER.value
    assert kinds["a native semaphore"] == WaitKind.SEMAPHORE.value
    chains = [";".join(wait["frames"]) for wait in told["waits"]]
    assert any("outer (" in chain and ";inner (" in chain and ";sleep (" in chain for chain in chains), chains
    assert any("reads (" in chain and ";pages (" in chain for chain in chains), chains


@pytest.mark.parametrize("loop", NEW_LOOP)
def test_a_loop_that_the_collector_was_told_to_forget_is_found(loop: str) -> None:
    source = """
    import gc
    async def waits(lock):
        await lock.acquire()
    async def main():
        lock = asyncio.Lock()
        await lock.acquire()
        main.tasks = [asyncio.create_task(waits(lock)) for _ in range(3)]
        await asyncio.sleep(0)
        gc.freeze()
        await asyncio.sleep(3600)
    """
    with running(source, loop=loop) as (own, pid):
        told = sampled(own, pid)
    assert "asyncio.Lock" in {wait["what"] for wait in told["waits"]}


def test_what_was_there_before_the_load_is_not_counted() -> None:
    source = """
        async def main():
            await asyncio.sleep(3600)
    """
    with running(source) as (own, pid):
        assert sum(wait["count"] for wait in sampled(own, pid)["waits"]) > 0
        assert own.ask(pid, "tasks_before", dict)["tasks"] == 1
        assert own.ask(pid, "tasks", dict, time_s=0.1, interval_s=0.02)["waits"] == []


@pytest.mark.measures
def test_a_blocked_loop_shows_as_lag_with_what_blocks_it() -> None:
    source = """
        import time

        def computes():
            until = time.monotonic() + 0.3
            while time.monotonic() < until:
                pass

        async def main():
            while True:
                await asyncio.sleep(0.01)
                computes()
    """
    with running(source) as (own, pid):
        told = own.ask(pid, "tasks", dict, time_s=1.5, interval_s=0.02)
    assert max(told["lags_s"]) > 0.05
    blocked = sum(seconds for stack, seconds in told["blocked_s"].items() if "computes (" in stack)
    assert blocked > 0.3


@pytest.mark.measures
def test_what_a_look_costs_is_counted() -> None:
    with running(WAITS) as (own, pid):
        told = sampled(own, pid)
    assert 0 < told["look_s"] < 0.3
    assert told["look_s"] < told["took_s"]


@pytest.mark.parametrize("order", ["after", "before"])
def test_another_sitecustomize_runs_too_wherever_it_is_on_the_path(order: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import builtins, os, sys\n"
        "builtins.of_the_app = [*getattr(builtins, 'of_the_app', []), __name__]\n"
        # As OpenTelemetry's does: nothing that is started later shall find it.
        "os.environ['PYTHONPATH'] = os.environ['PYTHONPATH'].replace(os.path.dirname(__file__), '')\n"
    )
    source = """
        import sys, sitecustomize
        assert of_the_app == ["sitecustomize"]
        assert "hotlap" not in sitecustomize.__file__
        assert sys.warnoptions == ["error::BytesWarning"]

        async def main():
            await asyncio.sleep(3600)
    """
    with probe() as own:
        env = own.env()
    path = [env["PYTHONPATH"], str(tmp_path)]
    variables = {
        "PYTHONPATH": ":".join(path if order == "after" else path[::-1]),
        "PYTHONWARNINGS": f"error::BytesWarning,{env['PYTHONWARNINGS']}",
    }
    with running(source, env=variables) as (own, pid):
        assert sampled(own, pid)["ticks"] > 0


def test_a_sitecustomize_that_fails_does_not_take_the_probe_with_it(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("raise RuntimeError('not today')\n")
    source = """
        async def main():
            await asyncio.sleep(3600)
    """
    with probe() as own:
        path = own.env()["PYTHONPATH"]
    with running(source, env={"PYTHONPATH": f"{tmp_path}:{path}"}) as (own, pid):
        assert sampled(own, pid)["ticks"] > 0


def test_tasks_are_asked_of_the_interpreter_alone() -> None:
    # As in 3.14: the sets in which asyncio used to keep its tasks are no more, or empty.
    source = """
        async def main():
            module, ask = asyncio.tasks, asyncio.all_tasks
            mine = ask(asyncio.get_running_loop())
            asyncio.all_tasks = lambda loop=None: set(mine)
            for name in ("_all_tasks", "_scheduled_tasks", "_eager_tasks"):
                if hasattr(module, name):
                    delattr(module, name)
            await asyncio.sleep(3600)
    """
    with running(source) as (own, pid):
        assert ends(sampled(own, pid)) == {"a timer": 1}


def test_a_servers_own_tasks_are_no_requests_waits(tmp_path: Path) -> None:
    (tmp_path / "uvicorn" / "lifespan").mkdir(parents=True)
    for folder in ("uvicorn", "uvicorn/lifespan"):
        (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "uvicorn" / "lifespan" / "on.py").write_text(
        "import asyncio\nclass LifespanOn:\n    async def main(self):\n        await asyncio.Event().wait()\n"
    )
    source = """
        from uvicorn.lifespan.on import LifespanOn

        async def main():
            main.lifespan = asyncio.create_task(LifespanOn().main())
            await asyncio.sleep(3600)
    """
    with probe() as own:
        path = own.env()["PYTHONPATH"]
    with running(source, env={"PYTHONPATH": f"{path}:{tmp_path}"}) as (own, pid):
        assert ends(sampled(own, pid)) == {"a timer": 1}


def test_a_probe_that_is_not_there_or_cannot_do_it_says_so() -> None:
    source = """
        async def main():
            await asyncio.sleep(3600)
    """
    with running(source) as (own, pid):
        assert own.present([1, pid]) == [pid]
        with pytest.raises(ProbeError, match="no allocations are being recorded"):
            own.ask(pid, "memory_stop", Done)
        with pytest.raises(ProbeError, match="KeyError"):
            own.ask(pid, "something else", Done)
        with pytest.raises(
            ProbeError, match=f"process {pid} answered tasks_before with something else: .*`str`"
        ):
            own.ask(pid, "tasks_before", str)
    with probe() as own, pytest.raises(ProbeError, match="has no probe that answers"):
        own.ask(1, "tasks_before", Done)
