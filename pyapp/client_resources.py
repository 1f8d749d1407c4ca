"""The clients over HTTP: ``/clients`` and ``/clients/{name}``."""

from __future__ import annotations

from typing import Any

import falcon
import msgspec
from falcon.asgi import Request, Response

from pyapp.clients import MAX_CLIENTS, Client, Name, Store, StoreFullError
from pyapp.problems import InvalidError

BODY_LIMIT = 64 * 1024
"""The most bytes that a body may have."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Client).decode


class ClientsResource:
    """All clients of a variant."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answers with an object of clients by name, sorted."""
        resp.data = _encode(self._store.all())


class ClientResource:
    """One client of a variant."""

    def __init__(self, store: Store, *, read_only: bool) -> None:
        self._store = store
        self._read_only = read_only

    async def on_get(self, req: Request, resp: Response, name: str) -> None:
        """Answers with the client."""
        client = self._store.get(name)
        if client is None:
            raise _unknown(name)
        resp.data = _encode(client)

    async def on_put(self, req: Request, resp: Response, name: str) -> None:
        """Sets the client: 201 if it is new, 200 if there was one."""
        self._refuse_if_read_only()
        try:
            msgspec.convert(name, Name)
        except msgspec.ValidationError as error:
            raise InvalidError.of(error, "id") from error
        client = await _client(req)
        try:
            new = await self._store.put(name, client)
        except StoreFullError:
            raise InvalidError("id", f"the map is full: it takes {MAX_CLIENTS} clients") from None
        resp.status = falcon.HTTP_201 if new else falcon.HTTP_200
        resp.data = _encode(client)

    async def on_delete(self, req: Request, resp: Response, name: str) -> None:
        """Removes the client: 204 without a body."""
        self._refuse_if_read_only()
        if not await self._store.delete(name):
            raise _unknown(name)
        resp.status = falcon.HTTP_204

    def _refuse_if_read_only(self) -> None:
        if self._read_only:
            raise falcon.HTTPMethodNotAllowed(["GET"], description="this service is read-only")


async def _client(req: Request) -> Client:
    if (req.content_length or 0) > BODY_LIMIT:
        raise _too_large()
    body = await req.stream.read(BODY_LIMIT + 1)
    if len(body) > BODY_LIMIT:
        raise _too_large()
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # The first value of the wrong shape ends the reading; what follows it may still be malformed.
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as malformed:
            raise falcon.HTTPBadRequest(description=f"the body is no JSON: {malformed}") from malformed
        try:
            return msgspec.convert(_with_whole_id(value), Client)
        except msgspec.ValidationError as wrong:
            raise InvalidError.of(wrong) from error


def _with_whole_id(value: Any) -> Any:
    """The body with 4 for ``"user_id": 4.0``: JSON Schema, and so the document, calls both an integer."""
    if isinstance(value, dict) and isinstance(number := value.get("user_id"), float) and number.is_integer():
        return value | {"user_id": int(number)}
    return value


def _too_large() -> falcon.HTTPContentTooLarge:
    return falcon.HTTPContentTooLarge(description=f"a body may have {BODY_LIMIT} bytes")


def _unknown(name: str) -> falcon.HTTPNotFound:
    return falcon.HTTPNotFound(description=f"no client is named {name[:100]!r}")
