"""Headers between RSGI, which has them as text, and ASGI, which has them as bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_KNOWN_LIMIT = 1024
_KNOWN_VALUE_LIMIT = 100
_known: set[tuple[str, str]] = set()
"""Headers that were found to be good; an app sends few different ones."""
_plain: dict[tuple[str | None, str | None], list[tuple[str, str]]] = {}
"""The headers of responses that have only a type and a length, by these."""


def of(resp: Any, media_type: str | None) -> list[tuple[str, str]]:
    """A response's headers for RSGI, with this content type if it has none.

    Raises:
        ValueError: RSGI cannot carry one of them.
    """
    headers = resp._headers
    if media_type is not None:
        headers.setdefault("content-type", media_type)
    if len(headers) != 2 or resp._extra_headers or resp._cookies:
        return checked(resp._wsgi_headers())
    both = headers.get("content-type"), headers.get("content-length")
    made = _plain.get(both)
    if made is None:
        made = checked(resp._wsgi_headers())
        if None not in both:
            if len(_plain) >= _KNOWN_LIMIT:
                _plain.clear()
            _plain[both] = made
    return made


def checked(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """These response headers, if RSGI carries them all as they are.

    Granian's RSGI leaves out what it cannot carry without a word; an app should rather hear of it.

    Raises:
        ValueError: a name that is none, or a value with other than printable ASCII characters.
    """
    if not _known.issuperset(headers):
        for name, value in headers:
            _check(name, value)
        if len(_known) > _KNOWN_LIMIT:
            _known.clear()
        _known.update(header for header in headers if len(header[1]) <= _KNOWN_VALUE_LIMIT)
    return headers


def _check(name: str, value: str) -> None:
    if not _NAME.match(name):
        raise ValueError(f"{name!r} is no header name")
    if not (value.isascii() and value.isprintable()) and not _printable(value):
        raise ValueError(
            f"RSGI carries only printable ASCII characters in headers, and {name} is {value!r}; "
            "encode the value, or serve the app with --interface asgi"
        )


def _printable(value: str) -> bool:
    without_tabs = value.replace("\t", "")
    return without_tabs.isascii() and without_tabs.isprintable()


def decoded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """ASGI's response headers for RSGI.

    Raises:
        ValueError: RSGI cannot carry one of them.
    """
    return checked([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])
