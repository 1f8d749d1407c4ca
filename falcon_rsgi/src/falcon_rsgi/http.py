"""A request's ASGI events, over RSGI's protocol object."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from granian._granian import RSGIProtocolClosed

from falcon_rsgi.headers import decoded

DISCONNECT = {"type": "http.disconnect"}


def has_body(rsgi: Any) -> bool:
    """Whether a request may have a body; over HTTP/1 its headers say so, over HTTP/2 one has to look."""
    headers = rsgi.headers
    return "content-length" in headers or "transfer-encoding" in headers or rsgi.http_version[0] != "1"


class Events:
    """``receive`` and ``send`` of one request."""

    # Of the class until they change: one of these is made for every request.
    _start: tuple[int, list[tuple[str, str]]] | None = None
    _stream: Any = None
    _over = False
    _gone = False
    _answered: asyncio.Future[None] | None = None

    def __init__(self, rsgi: Any, proto: Any, *, body: bool, received: bool = False) -> None:
        self._rsgi = rsgi
        self._proto = proto
        self._body: Any = body
        """Whether there is a body to be read, and once it is begun, its pieces."""
        self._waiting = not (body or received)
        """Whether the one event of a request without a body is still to come."""

    async def receive(self) -> Mapping[str, Any]:
        """The next event: of the body, and after it the end of the request."""
        if self._waiting:
            self._waiting = False
            return {"type": "http.request", "body": b"", "more_body": False}
        if self._body and not self._gone:
            return await self._piece()
        return await self.bodiless_receive()

    async def bodiless_receive(self) -> Mapping[str, Any]:
        """``receive`` for who does not want the body: the end of the request alone."""
        if not (self._gone or self._over):
            await self._end()
        return dict(DISCONNECT)

    async def _piece(self) -> Mapping[str, Any]:
        if self._body is True:
            self._body = aiter(self._proto)
        piece = await anext(self._body)
        if piece:
            return {"type": "http.request", "body": piece, "more_body": True}
        broken = await self._is_broken()
        self._body = None
        if not broken:
            return {"type": "http.request", "body": b"", "more_body": False}
        self._gone = True
        return dict(DISCONNECT)

    async def _is_broken(self) -> bool:
        # Granian gives an empty piece for the end, for an error (and then the end), and for trailers
        # (and then the end).
        try:
            await anext(self._body)
        except StopAsyncIteration:
            return False
        return "trailer" not in self._rsgi.headers

    async def _end(self) -> None:
        """Waits until the client has gone, or the answer is complete."""
        if self._answered is None:
            self._answered = asyncio.get_running_loop().create_future()
        gone = asyncio.ensure_future(self._proto.client_disconnect())
        try:
            await asyncio.wait((gone, self._answered), return_when=asyncio.FIRST_COMPLETED)
            self._gone = gone.done()
        finally:
            gone.cancel()

    async def send(self, message: Mapping[str, Any]) -> None:
        """Sends an event of the answer.

        Raises:
            RuntimeError: it comes when it cannot.
            ValueError: it has a header that RSGI cannot carry.
        """
        kind = message["type"]
        if kind == "http.response.body":
            await self._send_body(message.get("body", b""), message.get("more_body", False))
        elif kind == "http.response.start":
            if self._start is not None:
                raise RuntimeError("the response was started already")
            self._start = (message["status"], decoded(message["headers"]))
            if any(n == "content-type" and v.startswith("text/event-stream") for n, v in self._start[1]):
                # Whoever listens to events wants to know at once that there will be some.
                self._stream = self._proto.response_stream(*self._start)
        elif kind == "http.response.pathsend":
            self._proto.response_file(*self._started(), message["path"])
            self.end()
        else:
            raise RuntimeError(f"a response has no event {kind!r}")

    def _started(self) -> tuple[int, list[tuple[str, str]]]:
        if self._start is None:
            raise RuntimeError("the response is not started")
        if self._over:
            raise RuntimeError("the response is complete already")
        return self._start

    async def _send_body(self, body: bytes, more: bool) -> None:
        start = self._started()
        if self._stream is None:
            if not more:
                self._proto.response_bytes(*start, body)
                self.end()
                return
            self._stream = self._proto.response_stream(*start)
        if body and not self._gone:
            try:
                await self._stream.send_bytes(body)
            except RSGIProtocolClosed:
                # ASGI lets an app send on when nobody listens any more.
                self._gone = True
        if not more:
            self.end()

    def end(self) -> None:
        """Takes note that the answer is complete."""
        self._over = True
        if self._stream is not None:
            # Granian ends a stream when nobody holds it any more.
            self._stream = None
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)


def unanswered(proto: Any) -> None:
    """What Granian answers over ASGI for an app that did not; nothing, if the app did."""
    proto.response_str(500, [], "Internal server error")
