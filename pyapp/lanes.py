"""The lanes over HTTP: each scenario in each of its variants."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, cast

import falcon
from falcon.asgi import Request, Response

from falcon_rsgi import RECEIVE
from pyapp.clients import Store
from pyapp.compute import ComputePool
from pyapp.disconnect import ClientGoneError, until_gone
from pyapp.metrics import LaneMetrics
from pyapp.scenarios import Scenario, Work
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
    scenario: Scenario[Any, Any], work: Work[Any], store: Store, settings: Settings, pool: ComputePool
) -> Answer:
    """What answers a lane's requests without blocking the event loop.

    Args:
        scenario: The lane's scenario.
        work: Its function for the lane's variant.
        store: That variant's clients.
        settings: What the service does.
        pool: Where it computes.
    """
    if not inspect.iscoroutinefunction(work):
        computing = cast(Callable[..., int], work)

        async def compute(req: Request) -> int:
            return await pool.run(req.scope.get(RECEIVE), computing, store, settings)

        return compute

    if scenario.cancel_on_disconnect:

        async def queue(req: Request) -> int:
            receive = req.scope.get(RECEIVE)
            working = work(store, settings)
            return await (working if receive is None else until_gone(working, receive))

        return queue

    # Not a coroutine around the function's: each is made, kept and resumed for every request.
    def wait(req: Request) -> Awaitable[int]:
        return work(store, settings)

    return wait
