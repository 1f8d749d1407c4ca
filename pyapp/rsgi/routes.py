"""The responders of routes without fields, by method and path: searched for once."""

from __future__ import annotations

from typing import Any

LIMIT = 1024
"""How many are kept; ``//a`` finds what ``/a`` does, so that paths are without end."""


class Routes:
    """What Falcon found for a request, where that is the same for the next."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[Any, Any, str | None]] = {}

    def clear(self) -> None:
        """Forgets everything: the app's routes have changed."""
        self._found.clear()

    def responder(self, app: Any, req: Any) -> tuple[Any, dict[str, Any], Any, str | None]:
        """The responder, its parameters, its resource and the route's template, as Falcon finds them."""
        key = (req.method, req.path)
        kept = self._found.get(key)
        if kept is not None:
            responder, resource, template = kept
            return responder, {}, resource, template
        found = app._get_responder(req)
        responder, params, resource, template = found
        if resource is not None and not params and len(self._found) < LIMIT:
            self._found[key] = responder, resource, template
        return found  # type: ignore[no-any-return]
