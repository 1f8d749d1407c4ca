"""Access logs, a line at a time: common, combined and JSON forms, and what Python's servers print.

A line counts that has a request line in quotes and a status after it, as those of nginx, Apache, uvicorn, gunicorn and
granian have; or that is a JSON object with a method, a path and a status under names that nginx, Caddy, Traefik and
others use.
"""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from hotlap.recorded.request import Recorded, Unread

_REQUEST = re.compile(
    r'"(?P<method>[A-Z]{3,10}) (?P<target>[^" ]+)(?: HTTP/[0-9.]+)?"[^0-9]*(?P<status>[1-5]\d\d)\b'
)
_BRACKETED = re.compile(r"\[(?P<time>[^\]]+)\]")
_LEADING = re.compile(r"^(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_KEYS = {
    "method": ("method", "request_method", "RequestMethod", "http_method", "verb"),
    "path": ("uri", "request_uri", "path", "RequestPath", "url", "target"),
    "query": ("args", "query", "query_string"),
    "status": ("status", "DownstreamStatus", "status_code", "response_status", "code"),
    "time": ("ts", "time", "timestamp", "@timestamp", "StartUTC", "time_iso8601", "time_local", "msec"),
}


def read(lines: Iterable[str], unread: Unread) -> Iterator[Recorded]:
    """The requests of a log, as its lines come; what is not one is counted in ``unread``."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = _of_json(line) if line.lstrip().startswith("{") else _of_text(line)
        if found is None:
            unread.add(number, line)
        else:
            yield found


def _of_text(line: str) -> Recorded | None:
    found = _REQUEST.search(line)
    if found is None or found["method"] not in _METHODS:
        return None
    path = _path(found["target"])
    if path is None:
        return None
    return Recorded(method=found["method"], path=path, status=int(found["status"]), at_s=_text_time(line))


def _of_json(line: str) -> Recorded | None:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    # Caddy keeps the request in an object of its own.
    inner = told.get("request")
    both: dict[str, Any] = {**(inner if isinstance(inner, dict) else {}), **told}
    if isinstance(both.get("request"), str):
        # A request line, as nginx's $request is.
        words = both["request"].split(" ")
        if len(words) >= 2:
            both |= {"method": words[0], "uri": words[1]}
    method, path, status = (_first(both, key) for key in ("method", "path", "status"))
    query = _first(both, "query")
    if not isinstance(method, str) or not isinstance(path, str) or method not in _METHODS:
        return None
    if isinstance(query, str) and query and "?" not in path:
        path = f"{path}?{query.lstrip('?')}"
    whole = _path(path)
    try:
        code = int(status) if isinstance(status, int | str) else None
    except ValueError:
        code = None
    if whole is None or code is None:
        return None
    return Recorded(method=method, path=whole, status=code, at_s=_moment(_first(both, "time")))


def _first(told: dict[str, Any], what: str) -> Any:
    return next((told[key] for key in _KEYS[what] if key in told), None)


def _path(target: str) -> str | None:
    """The path of a request's target; ``None``: it is none that can be sent."""
    if target.startswith(("http://", "https://")):
        target = "/" + target.split("/", 3)[3] if target.count("/") >= 3 else "/"
    target = target.partition("#")[0]
    plain = target.startswith("/") and target.isascii() and target.isprintable() and " " not in target
    return target if plain else None


def _text_time(line: str) -> float | None:
    if leading := _LEADING.match(line):
        return _moment(leading["time"])
    for bracketed in _BRACKETED.finditer(line):
        if (moment := _moment(bracketed["time"])) is not None:
            return moment
    return None


def _moment(text: Any) -> float | None:
    """A moment as Unix time, from a number of seconds or milliseconds or from a text; ``None``: it is none."""
    if isinstance(text, bool) or text is None:
        return None
    try:
        number = float(text)
    except (TypeError, ValueError, OverflowError):
        return _written(text) if isinstance(text, str) else None
    if not math.isfinite(number):
        return None
    return number / 1000 if number > 1e11 else number


@lru_cache(maxsize=64)
def _written(text: str) -> float | None:
    # Most of a log's lines have the second of the one before.
    for form in ("%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%d %H:%M:%S %z", "%a %b %d %H:%M:%S %Y", None):
        try:
            if form is None:
                moment = datetime.datetime.fromisoformat(text.replace(",", "."))
            else:
                moment = datetime.datetime.strptime(text, form)
            # A log that names no zone is this machine's.
            return moment.timestamp()
        except (ValueError, OverflowError):
            continue
    return None
