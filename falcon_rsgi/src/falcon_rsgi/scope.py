"""ASGI's scopes from RSGI's."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

RECEIVE = "falcon_rsgi.receive"
"""Where a request's scope has its ASGI events, for a responder that must know whether its client is still there."""
ASGI = {"version": "3.0", "spec_version": "2.3"}
EXTENSIONS: dict[str, dict[str, Any]] = {"http.response.pathsend": {}}

VERSIONS = {"1": "1.0"}
"""What Granian says of HTTP/1.0, under both interfaces, and what ASGI does: Falcon fails on the first."""
_SCHEMES = {"http": "ws", "https": "wss"}


def http(rsgi: Any, state: dict[str, Any]) -> dict[str, Any]:
    """The scope of a request; without ``raw_path``, since RSGI's path is decoded: ``/a`` and ``/%61`` look alike."""
    version = rsgi.http_version
    # One display rather than parts put together: this is made for every request.
    return {
        "type": "http",
        "method": rsgi.method,
        "scheme": rsgi.scheme,
        "asgi": ASGI,
        "extensions": EXTENSIONS,
        "http_version": version if version == "1.1" else VERSIONS.get(version, version),
        "server": _address(rsgi.server),
        "client": _address(rsgi.client),
        "path": rsgi.path,
        "query_string": rsgi.query_string.encode(),
        "headers": _headers(rsgi),
        "root_path": "",
        "state": state.copy(),
    }


def websocket(rsgi: Any, state: dict[str, Any]) -> dict[str, Any]:
    """The scope of a WebSocket handshake."""
    offered = ",".join(rsgi.headers.get_all("sec-websocket-protocol"))
    scope = http(rsgi, state)
    del scope["method"]
    return {
        **scope,
        "type": "websocket",
        "scheme": _SCHEMES[scope["scheme"]],
        "subprotocols": [name.strip() for name in offered.split(",") if name],
    }


def _headers(rsgi: Any) -> list[tuple[bytes, bytes]]:
    found = rsgi.headers
    headers = [(name.encode(), value.encode()) for name, value in found.items()]
    if "host" not in found:
        headers.insert(0, (b"host", (rsgi.authority or "").encode()))
    return headers


@lru_cache(maxsize=4096)
def _address(text: str) -> tuple[str, str]:
    host, _, port = text.rpartition(":")
    return (host.strip("[]"), port)
