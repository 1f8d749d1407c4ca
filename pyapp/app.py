"""The Falcon app: ``create_app()`` gives it, Granian serves it."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import falcon.asgi
from falcon.asgi import Request, Response

import falcon_rsgi
from falcon_rsgi import RECEIVE
from pyapp import metrics, native, problems, python
from pyapp.client_resources import ClientResource, ClientsResource
from pyapp.clients import Store
from pyapp.compute import ComputePool
from pyapp.disconnect import Receive
from pyapp.garbage import GarbageSettings
from pyapp.lanes import LaneResource, WrittenLaneResource, answer
from pyapp.metrics import LaneMetrics
from pyapp.pages import IndexResource, OpenApiResource
from pyapp.scenarios import DEFAULT_VARIANT, SCENARIOS, Scenario, lanes
from pyapp.settings import Settings, load

STORES: dict[str, Callable[[], Store]] = {"python": python.Store, "native": native.Store}
"""What holds each variant's clients."""


class App(falcon_rsgi.App):
    """Falcon's app, with what the server and Falcon see differently of bodies mended."""

    # What is mended here concerns bodies alone.
    fast_path = True

    async def __call__(  # type: ignore[override]  # the WSGI app, its base class, is called otherwise
        self, scope: dict[str, Any], receive: Receive, send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Serves a request."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        # A body that breaks HTTP's own rules comes as a disconnect; Falcon then sends no answer at all,
        # which Granian turns into a 500. The client, though, may well be there.
        first = await receive()
        if first["type"] == "http.disconnect":
            await problems.send(send, scope["path"], _broken_off())
            return
        scope[RECEIVE] = receive
        await super().__call__(scope, _after(first, receive), send)


def _after(first: Mapping[str, Any], receive: Receive) -> Receive:
    """The events of a request whose first was received already.

    Falcon takes a client that goes while it sends for the end of the body: what has come would be carried out
    if it happens to be JSON. Here it is an error.
    """
    held: Mapping[str, Any] | None = first
    whole = False

    async def events() -> Mapping[str, Any]:
        nonlocal held, whole
        if held is None:
            event = await receive()
        else:
            event, held = held, None
        if event["type"] == "http.disconnect" and not whole:
            raise _broken_off()
        whole = whole or not event.get("more_body", False)
        return event

    return events


def _broken_off() -> falcon.HTTPBadRequest:
    return falcon.HTTPBadRequest(description="the body is broken off")


class HealthResource:
    """Whether the service answers."""

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answers ``ok``."""
        resp.text = "ok"
        resp.content_type = falcon.MEDIA_TEXT


class MetricsResource:
    """What the service has counted."""

    def __init__(self, lanes: dict[tuple[str, str], LaneMetrics], stores: Mapping[str, Store]) -> None:
        self._lanes = lanes
        self._stores = stores
        self._started_s = time.time()

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answers in the Prometheus text format."""
        resp.text = metrics.render(self._lanes, self._stores, self._started_s)
        resp.content_type = metrics.MEDIA_PROMETHEUS


def create_app(
    settings: Settings | None = None,
    scenarios: Sequence[Scenario[Any, Any]] = SCENARIOS,
    stores: Mapping[str, Store] | None = None,
    app_type: type[falcon.asgi.App] = App,  # type: ignore[type-arg]
) -> falcon.asgi.App:  # type: ignore[type-arg]
    """The service.

    Args:
        settings: what it does; the environment's settings if not given.
        scenarios: the endpoints.
        stores: each variant's clients; those of the service if not given.
        app_type: the class of the app.

    Raises:
        SettingsError: the environment has a setting that cannot be.
    """
    settings = settings or load(os.environ)
    stores = stores or {variant: make() for variant, make in STORES.items()}
    pool = ComputePool()
    app = app_type(middleware=[pool, GarbageSettings()])
    app.set_error_serializer(problems.serialize)
    app.add_error_handler(Exception, problems.unexpected)

    counted: dict[tuple[str, str], LaneMetrics] = {}
    for scenario, variant in lanes(scenarios):
        counted[scenario.name, variant] = LaneMetrics()
        parts = (stores[variant], settings, pool)
        reading = answer(scenario, scenario.variants[variant], *parts)
        resource = LaneResource(reading, counted[scenario.name, variant])
        if variant in scenario.writing and not settings.read_only:
            writing = answer(scenario, scenario.writing[variant], *parts)
            resource = WrittenLaneResource(reading, counted[scenario.name, variant], writing)
        app.add_route(scenario.path(variant), resource)
        if variant == scenario.default_variant():
            app.add_route(f"/{scenario.name}", resource)

    for variant, store in stores.items():
        for prefix in (f"/{variant}", "") if variant == DEFAULT_VARIANT else (f"/{variant}",):
            app.add_route(f"{prefix}/clients", ClientsResource(store))
            app.add_route(f"{prefix}/clients/{{name}}", ClientResource(store, read_only=settings.read_only))

    app.add_route("/healthz", HealthResource())
    app.add_route("/metrics", MetricsResource(counted, stores))
    app.add_route("/openapi.json", OpenApiResource(scenarios, list(stores), settings))
    app.add_route("/", IndexResource(scenarios))
    return app
