"""The Falcon app: ``create_app()`` gives it, Granian serves it."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

import falcon.asgi
from falcon.asgi import Request, Response

from pyapp import metrics, problems
from pyapp.client_resources import ClientResource, ClientsResource
from pyapp.clients import Store
from pyapp.disconnect import ClientGoneError, Receive, until_gone
from pyapp.metrics import LaneMetrics
from pyapp.pages import IndexResource, OpenApiResource
from pyapp.scenarios import DEFAULT_VARIANT, SCENARIOS, VARIANTS, Scenario, lanes
from pyapp.settings import Settings, load

RECEIVE = "pyapp.receive"
"""Where a request's scope keeps its ASGI events, for who must know whether the client is still there."""


class App(falcon.asgi.App):  # type: ignore[type-arg]
    """Falcon's app, with what the server and Falcon see differently mended."""

    async def __call__(  # type: ignore[override]  # the WSGI app, its base class, is called otherwise
        self, scope: dict[str, Any], receive: Receive, send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Serves a request."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        # Granian says "1" of a request by HTTP/1.0 (`ab` sends those), which Falcon rejects.
        if scope["http_version"] == "1":
            scope["http_version"] = "1.0"
        # A body that breaks HTTP's own rules comes as a disconnect; Falcon then sends no answer at all,
        # which Granian turns into a 500. The client, though, may well be there.
        first = await receive()
        if first["type"] == "http.disconnect":
            await problems.send(
                send, scope["path"], falcon.HTTPBadRequest(description="the body is broken off")
            )
            return
        scope[RECEIVE] = receive
        await super().__call__(scope, _after(first, receive), send)


def _after(first: Mapping[str, Any], receive: Receive) -> Receive:
    """The events of a request whose first was received already."""
    held: Mapping[str, Any] | None = first

    async def events() -> Mapping[str, Any]:
        nonlocal held
        if held is None:
            return await receive()
        event, held = held, None
        return event

    return events


class LaneResource:
    """A scenario in one variant, as an endpoint."""

    def __init__(self, answer: Callable[[Request], Awaitable[int]], counted: LaneMetrics) -> None:
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


class HealthResource:
    """Whether the service answers."""

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answers ``ok``."""
        resp.text = "ok"
        resp.content_type = falcon.MEDIA_TEXT


class MetricsResource:
    """What the service has counted."""

    def __init__(self, lanes: dict[tuple[str, str], LaneMetrics], stores: dict[str, Store]) -> None:
        self._lanes = lanes
        self._stores = stores

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answers in the Prometheus text format."""
        resp.text = metrics.render(self._lanes, self._stores)
        resp.content_type = metrics.MEDIA_PROMETHEUS


class ComputePool:
    """The threads that compute, as many as there are cores; a middleware, to end with the app."""

    def __init__(self) -> None:
        self._executor = self._threads()

    @staticmethod
    def _threads() -> ThreadPoolExecutor:
        # It starts no thread before there is something to compute.
        return ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="compute")

    async def run(self, function: Callable[..., int], *arguments: Any) -> int:
        """Computes in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    async def process_shutdown(self, scope: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        """Lets go of the threads; what has not begun yet is not begun any more."""
        executor, self._executor = self._executor, self._threads()
        executor.shutdown(wait=False, cancel_futures=True)


def create_app(
    settings: Settings | None = None,
    scenarios: Sequence[Scenario] | None = None,
    app_type: type[falcon.asgi.App] = App,  # type: ignore[type-arg]
) -> falcon.asgi.App:  # type: ignore[type-arg]
    """The service.

    Args:
        settings: what it does; the environment's settings if not given.
        scenarios: the endpoints; those of the registry if not given.
        app_type: the class of the app.

    Raises:
        SettingsError: the environment has a setting that cannot be.
        MissingPartError: a scenario has no function in one of its variants.
    """
    settings = settings or load(os.environ)
    scenarios = SCENARIOS if scenarios is None else scenarios
    pool = ComputePool()
    app = app_type(middleware=[pool])
    app.set_error_serializer(problems.serialize)
    app.add_error_handler(Exception, problems.unexpected)

    stores: dict[str, Store] = {variant: module.Store() for variant, module in VARIANTS.items()}
    counted: dict[tuple[str, str], LaneMetrics] = {}
    for scenario, variant in lanes(scenarios):
        counted[scenario.name, variant] = LaneMetrics()
        answer = _answer(scenario, variant, stores[variant], settings, pool)
        resource = LaneResource(answer, counted[scenario.name, variant])
        app.add_route(scenario.path(variant), resource)
        if variant == scenario.default_variant():
            app.add_route(f"/{scenario.name}", resource)

    for variant, store in stores.items():
        for prefix in (f"/{variant}", "") if variant == DEFAULT_VARIANT else (f"/{variant}",):
            app.add_route(f"{prefix}/clients", ClientsResource(store))
            app.add_route(f"{prefix}/clients/{{name}}", ClientResource(store, read_only=settings.read_only))

    app.add_route("/healthz", HealthResource())
    app.add_route("/metrics", MetricsResource(counted, stores))
    app.add_route("/openapi.json", OpenApiResource(scenarios, settings))
    app.add_route("/", IndexResource(scenarios))
    return app


def _answer(
    scenario: Scenario, variant: str, store: Store, settings: Settings, pool: ComputePool
) -> Callable[[Request], Awaitable[int]]:
    """What answers a lane's requests without blocking the event loop."""
    function = scenario.function(variant)

    if not inspect.iscoroutinefunction(function):

        async def compute(req: Request) -> int:
            return await pool.run(function, store, settings)

        return compute

    if scenario.queues:

        async def queue(req: Request) -> int:
            receive = req.scope.get(RECEIVE)
            work = function(store, settings)
            return await (work if receive is None else until_gone(work, receive))

        return queue

    async def wait(req: Request) -> int:
        result: int = await function(store, settings)
        return result

    return wait
