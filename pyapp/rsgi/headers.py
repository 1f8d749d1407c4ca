"""Headers between RSGI, which has them as text, and ASGI, which has them as bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_KNOWN_LIMIT = 1024
_known: set[str] = set()
"""Names that were found to be good; an app sends few different ones."""


def checked(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """These response headers, if RSGI carries them all as they are.

    Granian's RSGI leaves out what it cannot carry without a word; an app should rather hear of it.

    Raises:
        ValueError: a name that is none, or a value with other than printable ASCII characters.
    """
    for name, value in headers:
        if name not in _known:
            _learn(name)
        if not (value.isascii() and value.isprintable()) and not _printable(value):
            raise ValueError(
                f"RSGI carries only printable ASCII characters in headers, and {name} is {value!r}; "
                "encode the value, or serve the app with --interface asgi"
            )
    return headers


def _learn(name: str) -> None:
    if not _NAME.match(name):
        raise ValueError(f"{name!r} is no header name")
    if len(_known) < _KNOWN_LIMIT:
        _known.add(name)


def _printable(value: str) -> bool:
    without_tabs = value.replace("\t", "")
    return without_tabs.isascii() and without_tabs.isprintable()


def decoded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """ASGI's response headers for RSGI.

    Raises:
        ValueError: RSGI cannot carry one of them.
    """
    return checked([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])
