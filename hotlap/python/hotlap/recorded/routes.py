"""The routes of recorded requests: what is the same in many of them, and the values in which they differ. Pure.

A segment of a path differs where it looks like an identifier, or where more words stand in its place than a service has
names for; where the app tells its own routes, these come first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, unquote

import msgspec

from hotlap.recorded.request import Recorded

MOST_NAMES = 20
"""So many different words in one place of a path are still names, and not values."""
MOST_ROWS = 100_000
"""Of the values of a route that are kept."""
_IDENTIFIER = re.compile(
    r"\d+|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|(?=[^/]*\d)[0-9a-fA-F]{8,}|(?=[^/]*\d)(?=[^/]*[A-Za-z])[A-Za-z0-9_-]{16,}"
)
_PARAMETER = re.compile(r"\{[^{}]*\}")
_WILD = "{}"


class Route(msgspec.Struct, kw_only=True):
    """Requests that differ in their values alone."""

    method: str
    template: str
    """With ``{name}`` where values stand, also in the query."""
    count: int
    status: int | None
    """The one that most of them were answered with."""
    failed: int = 0
    """How many were answered with 400 or above."""
    columns: list[str] = []
    """The names of the values."""
    rows: list[tuple[str, ...]] = []
    """The values of each request, as they were meant: not percent-encoded; no more than ``MOST_ROWS``."""
    example: Recorded
    """The first of them that was answered well, or the first."""


class _Seen(msgspec.Struct):
    """A request in parts."""

    recorded: Recorded
    segments: list[str]
    query: list[tuple[str, str]]


def routes(requests: Iterable[Recorded], known: Sequence[str] = ()) -> list[Route]:
    """The routes of requests, the most frequent first.

    Args:
        requests: They are all kept in memory.
        known: Paths that the app tells of itself, such as ``/items/{item_id}``.
    """
    seen = [_parts(one) for one in requests]
    templates = _templates(seen, known)
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[_Seen]] = {}
    for one, template in zip(seen, templates, strict=True):
        names = tuple(sorted({name for name, _ in one.query}))
        groups.setdefault((one.recorded.method, template, names), []).append(one)
    made = [_route(method, template, group) for (method, template, _), group in groups.items()]
    return sorted(made, key=lambda route: -route.count)


def shape(path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is equal in the paths of one route as far as one of them tells: its segments, and the names in its query."""
    one = _parts(Recorded(method="GET", path=path))
    # As in /items/1.json, which is another route than /items/1.
    stem, dot, kind = one.segments[-1].rpartition(".")
    of_a_file = dot and kind.isalpha() and _IDENTIFIER.fullmatch(unquote(stem))
    wild = _wild(one)
    wild = (*wild[:-1], f"{_WILD}.{kind}") if of_a_file else wild
    return wild, tuple(sorted({name for name, _ in one.query}))


def _wild(one: _Seen) -> tuple[str, ...]:
    return tuple(_WILD if _IDENTIFIER.fullmatch(unquote(part)) else part for part in one.segments)


def _parts(one: Recorded) -> _Seen:
    path, _, query = one.path.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    return _Seen(recorded=one, segments=path.split("/")[1:], query=pairs)


def _templates(seen: list[_Seen], known: Sequence[str]) -> list[tuple[str, ...]]:
    """For each request its segments, with a parameter in braces where values stand."""
    told = [tuple(path.partition("?")[0].split("/")[1:]) for path in known]
    # One without parameters is meant before one that fits as well.
    told.sort(key=lambda segments: sum(bool(_PARAMETER.search(part)) for part in segments))
    found: list[tuple[str, ...] | None] = [
        next((template for template in told if _fits(template, one.segments)), None) for one in seen
    ]
    guessed = [_wild(one) for one in seen]
    # Where many words stand in one place after the same beginning, they are values. From the left, as each such
    # place makes beginnings equal that were not.
    for place in range(max((len(one) for one in guessed), default=0)):
        words: dict[tuple[str, ...], set[str]] = {}
        for template in guessed:
            if place < len(template):
                words.setdefault((*template[:place], str(len(template))), set()).add(template[place])
        wide = {key for key, there in words.items() if len(there) > MOST_NAMES}
        guessed = [
            (*template[:place], _WILD, *template[place + 1 :])
            if place < len(template) and (*template[:place], str(len(template))) in wide
            else template
            for template in guessed
        ]
    return [template or guess for template, guess in zip(found, guessed, strict=True)]


def _fits(template: tuple[str, ...], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        bool(part) if _PARAMETER.fullmatch(wanted) else wanted == part
        for wanted, part in zip(template, segments, strict=True)
    )


def _route(method: str, template: tuple[str, ...], group: list[_Seen]) -> Route:
    statuses = Counter(one.recorded.status for one in group if one.recorded.status is not None)
    good = [one for one in group if (one.recorded.status or 200) < 400]
    columns: list[str] = []
    values: list[list[str]] = []
    path = []
    for place, part in enumerate(template):
        there = [unquote(one.segments[place]) for one in good or group]
        if not _PARAMETER.fullmatch(part) or len(set(there)) == 1:
            path.append((good or group)[0].segments[place] if _PARAMETER.fullmatch(part) else part)
            continue
        columns.append(_named(part.strip("{}") or _after(template[:place]), columns))
        values.append(there)
        path.append(f"{{{columns[-1]}}}")
    query = []
    for name in dict.fromkeys(name for name, _ in group[0].query):
        there = [dict(one.query).get(name, "") for one in good or group]
        if len(set(there)) == 1:
            query.append(f"{name}={there[0]}")
            continue
        columns.append(_named(name, columns))
        values.append(there)
        query.append(f"{name}={{{columns[-1]}}}")
    well = Counter({status: count for status, count in statuses.items() if status < 400}) or statuses
    return Route(
        method=method,
        template="/" + "/".join(path) + (f"?{'&'.join(query)}" if query else ""),
        count=len(group),
        status=well.most_common(1)[0][0] if well else None,
        failed=sum(count for status, count in statuses.items() if status >= 400),
        columns=columns,
        rows=list(zip(*values, strict=True))[:MOST_ROWS] if values else [],
        example=(good or group)[0].recorded,
    )


def _after(before: tuple[str, ...]) -> str:
    """The name of a value by the word before it: ``item_id`` after ``items``."""
    word = next((part for part in reversed(before) if not _PARAMETER.fullmatch(part)), "path")
    word = word[:-1] if word.endswith("s") and len(word) > 3 else word
    return f"{word}_id"


def _named(wanted: str, taken: list[str]) -> str:
    """A name that a placeholder can have and that is not taken yet."""
    name = re.sub(r"\W", "_", wanted.partition(":")[0], flags=re.ASCII) or "value"
    name = name if not name[0].isdigit() else f"_{name}"
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique
