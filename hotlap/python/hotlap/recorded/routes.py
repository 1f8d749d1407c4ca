"""The routes of recorded requests: what is the same in many of them, and the values in which they differ. Pure.

A segment of a path differs where it looks like an identifier, or where more words stand in its place than a service has
names for; where the app tells its own routes, these come first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from urllib.parse import parse_qsl, unquote

import msgspec

from hotlap.recorded.request import Recorded

MOST_NAMES = 20
"""So many different words in one place of a path are still names, and not values."""
MOST_ROWS = 100_000
"""Of the values of a route that are kept."""
_IDENTIFIER = re.compile(
    r"\d+|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|(?=[^/]*\d)[0-9a-fA-F]{8,}|(?=[^/]*\d)(?=[^/]*[A-Za-z])[A-Za-z0-9_-]{16,}"
)
_PARAMETER = re.compile(r"\{[^{}]*\}")
_WILD = "{}"


class Route(msgspec.Struct, kw_only=True):
    """Requests that differ in their values alone."""

    method: str
    template: str
    """With ``{name}`` where values stand, also in the query."""
    plain: str
    """The path with ``{name}`` also where all of them have the same value."""
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
    pairs = parse_qsl(one.path.partition("?")[2], keep_blank_values=True)
    return _Seen(recorded=one, segments=segments_of(one.path), query=pairs)


class _Node:
    """What is known of the paths that begin alike and have as many segments."""

    __slots__ = ("leaf", "next", "wide")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.wide = False
        """Whether values stand in the next place."""
        self.leaf: int | None = None
        """The number of the template that ends here."""


class Templates:
    """The templates of paths, found as paths come: what is kept grows with the routes, not with the requests.

    Args:
        known: Paths that the app tells of itself, such as ``/items/{item_id}``: they come first.
    """

    def __init__(self, known: Sequence[str] = ()) -> None:
        told = {tuple(path.partition("?")[0].split("/")[1:]) for path in known}
        # One without parameters is meant before one that fits as well.
        self._told = sorted(
            told, key=lambda segments: (sum(bool(_PARAMETER.search(part)) for part in segments), segments)
        )
        self._roots: dict[int, _Node] = {}
        self._same: list[int] = list(range(len(self._told)))
        """For each number the one that it is the same as by now."""
        self._found: dict[int, tuple[str, ...]] | None = None

    def add(self, segments: Sequence[str]) -> int:
        """Take a path in, by its segments: the number of its template, which is told once all are in."""
        self._found = None
        for number, template in enumerate(self._told):
            if _fits(template, segments):
                return number
        node = self._roots.setdefault(len(segments), _Node())
        for part in segments:
            word = _WILD if node.wide or _IDENTIFIER.fullmatch(unquote(part)) else part
            child = node.next.get(word)
            if child is None:
                child = node.next[word] = _Node()
                if len(node.next) > MOST_NAMES:
                    # Where many words stand in one place after the same beginning, they are values.
                    self._widen(node)
                    child = node.next[_WILD]
            node = child
        if node.leaf is None:
            node.leaf = len(self._same)
            self._same.append(node.leaf)
        return node.leaf

    def template(self, number: int) -> tuple[str, ...]:
        """The segments of a template, with a parameter in braces where values stand."""
        if number < len(self._told):
            return self._told[number]
        if self._found is None:
            self._found = {}
            for root in self._roots.values():
                self._name(root, ())
        return self._found[self._final(number)]

    def _final(self, number: int) -> int:
        while self._same[number] != number:
            number = self._same[number]
        return number

    def _name(self, node: _Node, before: tuple[str, ...]) -> None:
        if node.leaf is not None:
            assert self._found is not None
            self._found[self._final(node.leaf)] = before
        for word, child in node.next.items():
            self._name(child, (*before, word))

    def _widen(self, node: _Node) -> None:
        node.wide = True
        whole = _Node()
        for child in node.next.values():
            self._merge(whole, child)
        node.next = {_WILD: whole}

    def _merge(self, into: _Node, other: _Node) -> None:
        """Beginnings that were different are equal from now on."""
        if other.leaf is not None:
            if into.leaf is None:
                into.leaf = other.leaf
            self._same[other.leaf] = into.leaf
        if other.wide and not into.wide:
            self._widen(into)
        for word, child in other.next.items():
            self._merge(into.next.setdefault(_WILD if into.wide else word, _Node()), child)
        if len(into.next) > MOST_NAMES:
            self._widen(into)


def segments_of(path: str) -> list[str]:
    """The segments of a path, without its query."""
    return path.partition("?")[0].split("/")[1:]


def _templates(seen: list[_Seen], known: Sequence[str]) -> list[tuple[str, ...]]:
    """For each request its segments, with a parameter in braces where values stand."""
    templates = Templates(known)
    numbers = [templates.add(one.segments) for one in seen]
    return [templates.template(number) for number in numbers]


def _fits(template: tuple[str, ...], segments: Sequence[str]) -> bool:
    return len(template) == len(segments) and all(
        bool(part) if _PARAMETER.fullmatch(wanted) else wanted == part
        for wanted, part in zip(template, segments, strict=True)
    )


def _route(method: str, template: tuple[str, ...], group: list[_Seen]) -> Route:
    statuses = Counter(one.recorded.status for one in group if one.recorded.status is not None)
    good = [one for one in group if (one.recorded.status or 200) < 400]
    columns: list[str] = []
    values: list[list[str]] = []
    path, plain = [], []
    for place, part in enumerate(template):
        there = [unquote(one.segments[place]) for one in good or group]
        plain.append(f"{{{after(template[:place])}}}" if part == _WILD else part)
        if not _PARAMETER.fullmatch(part) or len(set(there)) == 1:
            path.append((good or group)[0].segments[place] if _PARAMETER.fullmatch(part) else part)
            continue
        columns.append(unlike(part.strip("{}") or after(template[:place]), columns))
        values.append(there)
        path.append(f"{{{columns[-1]}}}")
    query = []
    for name in dict.fromkeys(name for name, _ in group[0].query):
        there = [dict(one.query).get(name, "") for one in good or group]
        if len(set(there)) == 1:
            query.append(f"{name}={there[0]}")
            continue
        columns.append(unlike(name, columns))
        values.append(there)
        query.append(f"{name}={{{columns[-1]}}}")
    well = Counter({status: count for status, count in statuses.items() if status < 400}) or statuses
    return Route(
        method=method,
        plain="/" + "/".join(plain),
        template="/" + "/".join(path) + (f"?{'&'.join(query)}" if query else ""),
        count=len(group),
        status=well.most_common(1)[0][0] if well else None,
        failed=sum(count for status, count in statuses.items() if status >= 400),
        columns=columns,
        rows=list(zip(*values, strict=True))[:MOST_ROWS] if values else [],
        example=(good or group)[0].recorded,
    )


def is_identifier(text: str) -> bool:
    """Whether a segment of a path looks like an identifier."""
    return bool(_IDENTIFIER.fullmatch(text))


def after(before: Sequence[str]) -> str:
    """The name of a value by the word before it: ``item_id`` after ``items``."""
    word = next((part for part in reversed(before) if not _PARAMETER.fullmatch(part)), "path")
    word = word[:-1] if word.endswith("s") and len(word) > 3 else word
    return f"{word}_id"


def unlike(wanted: str, taken: Collection[str]) -> str:
    """A name that a placeholder can have and that is not taken yet."""
    name = re.sub(r"\W", "_", wanted.partition(":")[0], flags=re.ASCII) or "value"
    name = name if not name[0].isdigit() else f"_{name}"
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique
