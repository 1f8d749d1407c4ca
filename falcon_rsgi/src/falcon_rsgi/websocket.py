"""A WebSocket's ASGI events, over RSGI's protocol object."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from granian._granian import RSGIProtocolClosed, RSGIProtocolError
from granian.rsgi import WebsocketMessageType

_log = logging.getLogger("falcon_rsgi")

NO_CODE = 1005
"""The code of a close without one; RSGI passes none on, in either direction."""


class Events:
    """``receive`` and ``send`` of one WebSocket."""

    __slots__ = ("_accepted", "_closed", "_connected", "_proto", "_transport")

    def __init__(self, proto: Any) -> None:
        self._proto = proto
        self._connected = False
        self._accepted = asyncio.Event()
        self._transport: Any = None
        self._closed = False

    async def receive(self) -> Mapping[str, Any]:
        """The next event."""
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        await self._accepted.wait()
        if not self._closed:
            try:
                message = await self._transport.receive()
            except (RSGIProtocolClosed, RSGIProtocolError):
                self._closed = True
            else:
                if message.kind == WebsocketMessageType.bytes:
                    return {"type": "websocket.receive", "bytes": message.data}
                if message.kind == WebsocketMessageType.string:
                    return {"type": "websocket.receive", "text": message.data}
                self._closed = True
        return {"type": "websocket.disconnect", "code": NO_CODE}

    async def send(self, message: Mapping[str, Any]) -> None:
        """Sends an event.

        Raises:
            RuntimeError: it comes when it cannot.
        """
        kind = message["type"]
        if kind == "websocket.send":
            await self._send(message)
        elif kind == "websocket.accept":
            await self._accept(message)
        elif kind == "websocket.close":
            self._closed = True
            self._accepted.set()
            # Before the handshake is answered it is an HTTP status that refuses it.
            self._proto.close(403 if self._transport is None else None)
        else:
            raise RuntimeError(f"a WebSocket has no event {kind!r}")

    async def _accept(self, message: Mapping[str, Any]) -> None:
        if message.get("subprotocol") or message.get("headers"):
            _log.warning("RSGI accepts a WebSocket without subprotocol and headers; ASGI carries them")
        try:
            self._transport = await self._proto.accept()
        except (RSGIProtocolClosed, RSGIProtocolError):
            self._closed = True
        self._accepted.set()

    async def _send(self, message: Mapping[str, Any]) -> None:
        if self._transport is None or self._closed:
            raise RuntimeError("the WebSocket is not open")
        text = message.get("text")
        if text is not None:
            await self._transport.send_str(text)
        else:
            await self._transport.send_bytes(message["bytes"])
