"""The responders of routes without fields, by method and path: searched for once."""

from __future__ import annotations

from typing import Any

from falcon.routing import CompiledRouter

LIMIT = 1024
"""How many are kept; ``//a`` finds what ``/a`` does, so that paths are without end."""


class Routes:
    """What Falcon found for a request, where that is the same for the next.

    ``known`` has responder, resource and the route's template by method and path.
    """

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], tuple[Any, Any, str | None]] = {}

    def clear(self) -> None:
        """Forgets everything: the app's routes have changed."""
        self.known.clear()

    def responder(self, app: Any, req: Any) -> tuple[Any, dict[str, Any], Any, str | None]:
        """Responder, parameters, resource and the route's template, as Falcon finds them."""
        found = app._get_responder(req)
        responder, params, resource, template = found
        # A router of another class may look at more than the path.
        plain = type(app._router) is CompiledRouter
        if plain and resource is not None and not params and len(self.known) < LIMIT:
            self.known[req.method, req.path] = responder, resource, template
        return found  # type: ignore[no-any-return]
