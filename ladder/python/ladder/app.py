"""The ladder's app: the service's own, with the rungs for its scenarios."""

from __future__ import annotations

import falcon.asgi

from ladder import native, python
from ladder.scenarios import SCENARIOS
from pyapp import app


def create_app() -> falcon.asgi.App:  # type: ignore[type-arg]
    """The service with the rungs, and with stores that keep what they need."""
    return app.create_app(scenarios=SCENARIOS, stores={"python": python.Store(), "native": native.Store()})
