"""The routes of a server that tells none: those that its pages lead to, few of each kind, and none that changes something."""

from __future__ import annotations

import re
import time
import zlib
from collections import Counter, deque
from collections.abc import Iterator
from urllib.parse import unquote

import msgspec

from hotlap.experiment import pages
from hotlap.experiment.openapi import Request
from hotlap.formatting import plural
from hotlap.recorded import routes as recorded_routes
from hotlap.recorded.request import Recorded
from hotlap.serving.restarting import Restarting
from hotlap.serving.verify import VerifyError

MOST_ASKED = 60
"""Pages, at most."""
MOST_DEPTH = 4
"""Links from the first page to one that is still read."""
MOST_ROUTES = 25
MOST_OF_A_KIND = 2
"""Pages of one route that are read for their links: another value may lead elsewhere."""
MOST_QUERIES = 3
"""Sets of names in the query that are asked for of one path."""
MOST_S = 60.0
_SHOWN = 5
FIRST_PAGE = "/"


class Crawled(msgspec.Struct, kw_only=True):
    """What the pages of a server lead to."""

    found: list[tuple[Request, int]]
    """An example of each route, in the order in which they were found, and how many links lead to it."""
    changing: list[tuple[Request, str]]
    """Links and forms that change something, each with what says so; they were not followed."""
    read: int
    """How many pages were asked for."""
    passed_over: list[str]
    """Paths of routes that are more than an experiment should have."""
    bound: str | None
    """Why not all links were followed, if they were not."""
    first: str
    """What the first page answered, in words."""

    @property
    def said(self) -> str:
        """What was found, in a sentence."""
        told = f"its pages lead to {plural(len(self.found), 'route')} ({plural(self.read, 'page')} read, from {FIRST_PAGE} on)"
        more = []
        if self.passed_over:
            shown = ", ".join(self.passed_over[:_SHOWN]) + (", …" if len(self.passed_over) > _SHOWN else "")
            more = [
                f"{plural(len(self.passed_over), 'more route')} left out ({shown}): name them with --path"
            ]
        return "; ".join([told, *more, *([self.bound] if self.bound else [])])


class _Crawl:
    """One walk over the pages, breadth first."""

    def __init__(self, server: Restarting) -> None:
        self._server = server
        self._waiting: deque[tuple[str, int]] = deque([(FIRST_PAGE, 0)])
        self._linked: dict[str, None] = {FIRST_PAGE: None}
        self._status: dict[str, int | None] = {}
        self._kinds: Counter[object] = Counter()
        self._queries: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
        self._words: dict[tuple[str, ...], set[str]] = {}
        self._changing: dict[tuple[str, str], tuple[Request, str]] = {}
        self._bound: str | None = None
        self._first = ""

    def walk(self) -> Crawled:
        deadline = time.monotonic() + MOST_S
        while self._waiting:
            path, depth = self._waiting.popleft()
            if ("GET", path) in self._changing or not self._is_new_kind(path):
                continue
            if len(self._status) == MOST_ASKED:
                self._bound = f"no more than {MOST_ASKED} pages were read"
                break
            if time.monotonic() > deadline:
                self._bound = f"no more pages were read after {MOST_S:g} s"
                break
            for link in self._links(path):
                self._note(link, depth)
        return self._told()

    def _note(self, link: pages.Link, depth: int) -> None:
        request = link.request
        if _STATIC.match(request.path):
            return
        if request.method == "GET" and request.path in self._status:
            # It was read already, by a link that says nothing: this one may be a way back, such as "cancel".
            return
        if request.method != "GET" or link.changes is not None:
            self._changing.setdefault((request.method, request.path), (request, link.changes or "form"))
        elif request.path not in self._linked:
            self._linked[request.path] = None
            if depth < MOST_DEPTH:
                self._waiting.append((request.path, depth + 1))

    def _is_new_kind(self, path: str) -> bool:
        """Whether a page like it was not read often enough."""
        segments, names = kind = recorded_routes.shape(path)
        queries = self._queries.setdefault(segments, set())
        if names not in queries and len(queries) == MOST_QUERIES:
            return False
        # Many words in one place are values of a route as well.
        last = len(segments) - (2 if len(segments) > 1 and not segments[-1] else 1)
        words = self._words.setdefault((*segments[:last], str(len(segments))), set())
        if segments[last] not in words and len(words) > recorded_routes.MOST_NAMES + MOST_OF_A_KIND:
            return False
        if self._kinds[kind] == MOST_OF_A_KIND:
            return False
        queries.add(names)
        words.add(segments[last])
        self._kinds[kind] += 1
        return True

    def _links(self, path: str) -> Iterator[pages.Link]:
        request = _get(path)
        self._status[path] = None
        try:
            answer = self._server.answer(request)
        except VerifyError as error:
            self._first = self._first or f"gives no answer ({error})"
            return
        self._status[path] = answer.status
        headers = {name.lower(): value for name, value in answer.headers}
        kind = headers.get("content-type", "")
        self._first = self._first or f"answers {answer.status} with {kind or 'nothing that has a type'}"
        at = self._server.url + path
        if "location" in headers and (leads := pages.here(headers["location"], at)) is not None:
            yield pages.Link(request=_get(leads), changes=pages.changing(leads))
        body = _unpacked(answer.body, headers.get("content-encoding", ""))
        yield from pages.links(body.decode(errors="replace"), kind.lower(), at)

    def _told(self) -> Crawled:
        changing = {path for method, path in self._changing if method == "GET"}
        # What was asked for comes first: it stands for the others.
        asked = [path for path in self._status if path not in changing]
        others = [path for path in self._linked if path not in self._status and path not in changing]
        seen = [Recorded(method="GET", path=path, status=self._status.get(path)) for path in asked + others]
        found = recorded_routes.routes(seen)
        order = {path: place for place, path in enumerate(self._linked)}
        found.sort(key=lambda route: order[route.example.path])
        if self._status.get(FIRST_PAGE) in _NOT_THERE:
            # Nobody links to it: it was a try.
            found = [route for route in found if route.example.path != FIRST_PAGE]
        found = _merged(found)
        kept = _kept(found)
        return Crawled(
            found=[(_of(route), route.count) for route in kept],
            changing=self._changing_kinds(),
            read=len(self._status),
            passed_over=[route.example.path for route in found if route not in kept],
            bound=self._bound,
            first=self._first,
        )

    def _changing_kinds(self) -> list[tuple[Request, str]]:
        """One of each kind."""
        seen = [Recorded(method=method, path=path) for method, path in self._changing]
        kinds = [(route.method, route.example.path) for route in recorded_routes.routes(seen)]
        return [told for key, told in self._changing.items() if key in kinds][:MOST_ROUTES]


_STATIC = re.compile(r"/(?:[^?]*/)?(?:static|assets)/|/favicon\.ico$")
"""Files beside the app's own pages."""
_NOT_THERE = (404, 405)
_EITHER_HEADER = 32 + zlib.MAX_WBITS
"""Of gzip or of zlib."""


def _unpacked(body: bytes, coding: str) -> bytes:
    """A body that came packed though nobody asked for it; what cannot be unpacked holds no links."""
    if coding.lower() not in ("gzip", "deflate"):
        return body
    try:
        return zlib.decompressobj(_EITHER_HEADER).decompress(body, pages.MOST_CHARS)
    except zlib.error:
        return b""


def _merged(found: list[recorded_routes.Route]) -> list[recorded_routes.Route]:
    """Those whose paths are of one shape become one."""
    shapes: dict[object, recorded_routes.Route] = {}
    for route in found:
        known = shapes.setdefault(recorded_routes.shape(route.example.path), route)
        if known is not route:
            known.count += route.count
    return list(shapes.values())


def _kept(found: list[recorded_routes.Route]) -> list[recorded_routes.Route]:
    """As many as an experiment should have, those that answered well before others."""
    per_path: Counter[str] = Counter()
    few = []
    for route in found:
        plain = route.template.partition("?")[0]
        per_path[plain] += 1
        if per_path[plain] <= MOST_QUERIES:
            few.append(route)
    best = sorted(few, key=lambda route: (route.status or 300) >= 300)[:MOST_ROUTES]
    return [route for route in few if route in best]


def crawl(server: Restarting) -> Crawled:
    """Look for the routes of a server on its pages, the first of which is at ``/``."""
    return _Crawl(server).walk()


def _get(path: str) -> Request:
    return Request(method="GET", path=path, template=path.partition("?")[0])


def _of(route: recorded_routes.Route) -> Request:
    path, _, query = route.template.partition("?")
    names = "&".join(part.partition("=")[0] for part in query.split("&") if part)
    return Request(
        method="GET", path=route.example.path, template=unquote(path) + (f"?{names}" if names else "")
    )
