"""The lab's own requests: a connection to a server, over TLS or not, that passes over interim answers."""

from __future__ import annotations

import contextlib
import socket
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection, parse_headers
from typing import Any
from urllib.parse import urlsplit

from hotlap.serving.tls import context


class Final(HTTPResponse):
    """An answer. By itself ``http.client`` takes any interim one but 100 for it, such as 103 Early Hints."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            # After 101 the connection speaks another protocol: no answer follows.
            if not 100 <= status < 200 or status == 101:
                return version, status, reason
            parse_headers(self.fp)


def _reach(address: tuple[str, int], *more: Any) -> socket.socket:
    """Try each address of a name; ``localhost`` has that of IPv6 whether a table of names says so or not."""
    host, port = address
    try:
        return socket.create_connection(address, *more)
    except OSError:
        if host != "localhost":
            raise
        with contextlib.suppress(OSError):
            return socket.create_connection(("::1", port), *more)
        raise


def connect(url: str, ca_file: str | None, timeout_s: float) -> HTTPConnection:
    """A connection to the host of an address, which is opened by its first request.

    All addresses that the host's name stands for are tried.

    Raises:
        TrustError: the authorities cannot be read.
    """
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    connection: HTTPConnection
    if parts.scheme == "https":
        connection = HTTPSConnection(host, parts.port, timeout=timeout_s, context=context(ca_file))
    else:
        connection = HTTPConnection(host, parts.port, timeout=timeout_s)
    connection.response_class = Final
    connection._create_connection = _reach  # type: ignore[attr-defined]
    return connection
