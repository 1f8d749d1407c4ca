"""A ``curl`` command, as browsers copy it."""

from __future__ import annotations

import argparse
import base64
import json
import shlex
from typing import NoReturn
from urllib.parse import quote, urlsplit

from hotlap.recorded.request import Recorded, RecordedError

_DATA: tuple[tuple[str, ...], ...] = (
    ("-d", "--data", "--data-ascii"),
    ("--data-raw",),
    ("--data-binary",),
    ("--data-urlencode",),
)
# How curl goes about it, not what it asks for.
_SWITCHES: tuple[tuple[str, ...], ...] = (
    ("-s", "--silent"),
    ("-S", "--show-error"),
    ("-k", "--insecure"),
    ("-L", "--location"),
    ("-i", "--include"),
    ("-v", "--verbose"),
    ("-f", "--fail"),
    ("--compressed",),
    ("--http1.1",),
    ("--http2",),
)
_SETTINGS: tuple[tuple[str, ...], ...] = (
    ("-o", "--output"),
    ("-m", "--max-time"),
    ("--connect-timeout",),
    ("-w", "--write-out"),
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise RecordedError(f"the curl command cannot be read: {message}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("urls", nargs="*")
    parser.add_argument("--url", dest="urls_named", action="append", default=[])
    parser.add_argument("-X", "--request")
    parser.add_argument("-H", "--header", action="append", default=[])
    for names in _DATA:
        parser.add_argument(*names, dest="data", action=_Data, default=[])
    parser.add_argument("--json")
    parser.add_argument("-G", "--get", action="store_true")
    parser.add_argument("-I", "--head", action="store_true")
    parser.add_argument("-u", "--user")
    parser.add_argument("-b", "--cookie")
    parser.add_argument("-A", "--user-agent")
    parser.add_argument("-e", "--referer")
    for names in _SWITCHES:
        parser.add_argument(*names, action="store_true", dest="passed_over")
    for names in _SETTINGS:
        parser.add_argument(*names, dest="passed_over")
    return parser


class _Data(argparse.Action):
    def __call__(
        self, parser: object, into: argparse.Namespace, value: object, option: str | None = None
    ) -> None:
        text = str(value)
        if text.startswith("@") and option != "--data-raw":
            raise RecordedError(
                f"the curl command sends the file {text[1:]}: put its text there, or use body_file"
            )
        if option == "--data-urlencode":
            name, equals, rest = text.partition("=")
            text = f"{name}={quote(rest, safe='')}" if equals and name else quote(rest or name, safe="")
        into.data = [*into.data, text]


def read(command: str) -> Recorded:
    """The request of a command.

    Raises:
        RecordedError: it is none, or names what is not in it.
    """
    try:
        words = shlex.split(command.replace("\\\n", " ").replace("\\\r\n", " "))
    except ValueError as error:
        raise RecordedError(f"the curl command cannot be read: {error}") from None
    # What a browser writes as $'...' has the dollar left.
    words = [word[1:] if word.startswith("$") and f"${word[1:]}" not in command else word for word in words]
    if not words or words[0].rpartition("/")[2] != "curl":
        raise RecordedError("it does not begin with curl")
    told = _parser().parse_args(words[1:])
    urls = [*told.urls, *told.urls_named]
    if len(urls) != 1:
        raise RecordedError(f"it names {len(urls)} addresses: give one")
    try:
        parts = urlsplit(urls[0] if "://" in urls[0] else f"http://{urls[0]}")
    except ValueError as error:
        raise RecordedError(
            f"{urls[0]!r} is not an address ({error}): give one such as http://host/path"
        ) from None
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query, body = parts.query, "&".join(told.data) if told.data else None
    headers: dict[str, str] = {}
    for line in told.header:
        name, colon, value = line.partition(":")
        if colon and value.strip():
            headers[name.strip()] = value.strip()
    for name, value in (("User-Agent", told.user_agent), ("Referer", told.referer), ("Cookie", told.cookie)):
        if value is not None:
            headers.setdefault(name, value)
    if told.user is not None:
        headers.setdefault("Authorization", f"Basic {base64.b64encode(told.user.encode()).decode()}")
    if told.json is not None:
        body = told.json
        headers.setdefault("Content-Type", "application/json")
    if told.get and body is not None:
        query, body = "&".join(filter(None, [query, body])), None
    if body is not None and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = (
            "application/json" if _is_json(body) else "application/x-www-form-urlencoded"
        )
    method = told.request or ("HEAD" if told.head else "POST" if body is not None else "GET")
    return Recorded(
        method=method.upper(), path=f"{path}?{query}" if query else path, headers=headers, body=body
    )


def _is_json(body: str) -> bool:
    try:
        return isinstance(json.loads(body), dict | list)
    except (ValueError, RecursionError):
        return False
