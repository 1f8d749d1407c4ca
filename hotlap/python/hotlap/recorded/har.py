"""HAR files (HTTP Archive 1.2), as browsers and proxies save them."""

from __future__ import annotations

import base64
import datetime
import re
from collections import Counter
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import msgspec

from hotlap.recorded.request import Recorded, RecordedError

_OWN = frozenset(
    (
        "host",
        "content-length",
        "connection",
        "accept-encoding",
        "transfer-encoding",
        "upgrade-insecure-requests",
    )
)
"""Headers that a client makes by itself."""
_METHOD = re.compile(r"[A-Za-z][A-Za-z-]*")
_ASSETS = ("image/", "font/", "text/css", "application/javascript", "text/javascript", "video/", "audio/")


class _Pair(msgspec.Struct):
    name: str
    value: str = ""


class _Posted(msgspec.Struct, rename="camel"):
    mime_type: str = ""
    text: str | None = None
    params: list[_Pair] = []


class _Request(msgspec.Struct, rename="camel"):
    method: str
    url: str
    headers: list[_Pair] = []
    post_data: _Posted | None = None


class _Content(msgspec.Struct, rename="camel"):
    mime_type: str = ""
    text: str | None = None
    encoding: str | None = None


class _Response(msgspec.Struct):
    status: int = 0
    headers: list[_Pair] = []
    content: _Content = msgspec.field(default_factory=_Content)


class _Entry(msgspec.Struct, rename="camel"):
    request: _Request
    response: _Response = msgspec.field(default_factory=_Response)
    started_date_time: str | None = None
    pageref: str | None = None


class _Log(msgspec.Struct):
    entries: list[_Entry]


class _Har(msgspec.Struct):
    log: _Log


class Har(msgspec.Struct, frozen=True):
    """The requests of a HAR file to the host that most of them went to."""

    requests: list[Recorded]
    host: str
    left_out: dict[str, int]
    """How many others there were, by why they are left out."""


def read(file: Path) -> Har:
    """Read a HAR file; what went to other hosts, and pictures, styles and scripts, is left out.

    Raises:
        RecordedError: it is none, or has no request.
    """
    try:
        told = msgspec.json.decode(file.read_bytes(), type=_Har)
    except OSError as error:
        raise RecordedError(f"{file}: {error.strerror}") from None
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise RecordedError(f"{file} is not a HAR file: {error}") from None
    left_out: Counter[str] = Counter()
    entries = []
    for entry in told.log.entries:
        parts = _address(entry.request.url)
        if parts is None or not _METHOD.fullmatch(entry.request.method):
            left_out["no address or method that can be sent"] += 1
        else:
            entries.append((entry, parts))
    hosts = Counter(parts.netloc for _, parts in entries)
    if not hosts:
        raise RecordedError(f"{file} has no request")
    host = hosts.most_common(1)[0][0]
    requests = []
    for entry, parts in entries:
        if parts.netloc != host:
            left_out["another host"] += 1
        elif entry.response.content.mime_type.startswith(_ASSETS):
            left_out["pictures, styles and scripts"] += 1
        elif entry.request.method == "CONNECT" or entry.response.status in (0, 101):
            left_out["without an answer"] += 1
        else:
            requests.append(_recorded(entry, parts))
    return Har(requests, host, dict(left_out))


def _address(url: str) -> SplitResult | None:
    """The parts of an address that names its host; ``None``: it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts if parts.netloc else None


def _recorded(entry: _Entry, parts: SplitResult) -> Recorded:
    asked = entry.request
    return Recorded(
        method=asked.method.upper(),
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        headers={
            pair.name: pair.value
            for pair in asked.headers
            # HTTP/2 has its request line among the headers.
            if pair.name.lower() not in _OWN and not pair.name.startswith(":")
        },
        body=_body(asked.post_data),
        status=entry.response.status,
        at_s=_moment(entry.started_date_time),
        answer=_answer(entry.response.content),
        # Firefox writes several cookies as lines of one header.
        answer_headers=tuple(
            (pair.name.lower(), line) for pair in entry.response.headers for line in pair.value.splitlines()
        ),
        page=entry.pageref,
    )


def _body(posted: _Posted | None) -> str | None:
    if posted is None:
        return None
    if posted.text is not None or not posted.params:
        return posted.text
    return "&".join(f"{pair.name}={pair.value}" for pair in posted.params)


def _answer(content: _Content) -> str | None:
    if content.text is None or content.encoding != "base64":
        return content.text
    try:
        return base64.b64decode(content.text).decode()
    except ValueError:
        return None


def _moment(text: str | None) -> float | None:
    try:
        return datetime.datetime.fromisoformat(text).timestamp() if text else None
    except (ValueError, OverflowError):
        return None


def is_har(text: str) -> bool:
    """Whether a text, or its beginning, looks like a HAR file."""
    return text.lstrip().startswith("{") and '"log"' in text[:200]
