"""The lanes over HTTP: each scenario in each of its variants."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from time import perf_counter

import falcon
from falcon.asgi import Request, Response

from pyapp.clients import Store
from pyapp.compute import ComputePool
from pyapp.disconnect import RECEIVE, ClientGoneError, until_gone
from pyapp.metrics import LaneMetrics
from pyapp.scenarios import Scenario
from pyapp.settings import Settings

Answer = Callable[[Request], Awaitable[int]]


class LaneResource:
    """A scenario in one variant, as an endpoint."""

    def __init__(self, answer: Answer, counted: LaneMetrics) -> None:
        self._answer = answer
        self._counted = counted

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answers with the scenario's number."""
        started = perf_counter()
        try:
            resp.text = str(await self._answer(req))
        except ClientGoneError:
            self._counted.abandoned += 1
            resp.status = falcon.HTTP_503
        except Exception:
            self._counted.failures += 1
            raise
        else:
            self._counted.latency.observe(perf_counter() - started)
        resp.content_type = falcon.MEDIA_HTML


class WrittenLaneResource(LaneResource):
    """A scenario with writers."""

    def __init__(self, answer: Answer, counted: LaneMetrics, write: Answer) -> None:
        super().__init__(answer, counted)
        self._writing = LaneResource(write, counted)

    async def on_put(self, req: Request, resp: Response) -> None:
        """Writes, and answers with the number that a read then gives."""
        await self._writing.on_get(req, resp)


def answer(
    scenario: Scenario,
    variant: str,
    store: Store,
    settings: Settings,
    pool: ComputePool,
    suffix: str = "",
) -> Answer:
    """What answers a lane's requests without blocking the event loop.

    Args:
        scenario: The lane's scenario.
        variant: Its variant.
        store: That variant's clients.
        settings: What the service does.
        pool: Where it computes.
        suffix: ``_write`` for what answers a scenario's writes.

    Raises:
        MissingPartError: the variant has no function for the scenario.
    """
    function = scenario.function(variant, suffix)

    if not inspect.iscoroutinefunction(function):

        async def compute(req: Request) -> int:
            return await pool.run(req.scope.get(RECEIVE), function, store, settings)

        return compute

    if scenario.queues:

        async def queue(req: Request) -> int:
            receive = req.scope.get(RECEIVE)
            work = function(store, settings)
            return await (work if receive is None else until_gone(work, receive))

        return queue

    # Not a coroutine around the function's: each is made, kept and resumed for every request.
    def wait(req: Request) -> Awaitable[int]:
        return function(store, settings)  # type: ignore[no-any-return]

    return wait
