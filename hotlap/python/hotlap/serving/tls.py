"""How `https` servers are trusted by the lab's own requests: by the usual authorities, or by a file of one's own."""

from __future__ import annotations

import ssl
from functools import lru_cache


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
