"""How `https` servers are trusted by the lab's own requests: by the usual authorities, or by a file of one's own."""

from __future__ import annotations

import ssl
from functools import lru_cache
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit


class TrustError(RuntimeError):
    """Authorities that cannot be read: the message names the file."""


@lru_cache
def context(ca_file: str | None) -> ssl.SSLContext:
    """What a server's certificate is held against; ``None``: the authorities that the system trusts.

    Raises:
        TrustError: the file is not there, or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise TrustError(f"ca_file {ca_file} holds no certificate that can be read: {error}") from None


def connect(url: str, ca_file: str | None, timeout_s: float) -> HTTPConnection:
    """A connection to the host of an address, which is opened by its first request.

    Raises:
        TrustError: the authorities cannot be read.
    """
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    if parts.scheme == "https":
        return HTTPSConnection(host, parts.port, timeout=timeout_s, context=context(ca_file))
    return HTTPConnection(host, parts.port, timeout=timeout_s)
