"""Links and forms of a page, as far as they lead to the same server: pure.

Following a link may change something where an app is built so. What says that it does is told apart by its words: those of
its path, its text and its attributes. It is better to leave out too many than to follow one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode, urljoin, urlsplit

import msgspec

from hotlap.experiment.openapi import Request

MOST_CHARS = 1_000_000
"""Of a page, that are read."""
_WORDS = re.compile(
    r"log ?(?:out|off)|sign ?(?:out|off)|de-?activate|activate|add|approve|ban|buy|cancel|checkout|clear|confirm"
    r"|create|delete|destroy|disable|downvote|drop|edit|enable|erase|expire|flush|impersonate|import|insert|install|kill|mark"
    r"|merge|pay|prune|publish|purge|reboot|reject|remove|rename|reset|restart|revoke|rollback|save|send"
    r"|shut ?down|stop|subscribe|terminate|toggle|trash|truncate|undo|unfollow|uninstall|unlike|unlock|unpublish"
    r"|unsubscribe|update|upgrade|upload|upvote|vote|wipe"
)
_MARKS = re.compile(r"log ?(?:out|off)|sign ?(?:out|off)|delete|destroy|remove|danger")
"""Those of the words that mean the same in the name of a style."""
_NO_FOLLOW = re.compile(r"nofollow|external|sponsored|ugc")
_SCRIPTED = ("onclick", "onsubmit", "data-method", "data-confirm", "data-turbo-method", "data-turbo-confirm")
_TOLD = ("title", "aria-label", "name", "value", "alt")
_STYLED = ("class", "id")
_LOCAL = ("localhost", "127.0.0.1", "::1")
_KEYS = re.compile(r"(?:.*[_-])?(?:href|url|link|next|self|prev|previous|first|last)", re.IGNORECASE)


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A request that a page leads to."""

    request: Request
    changes: str | None = None
    """What says that it changes something: a word, or an attribute."""


def links(body: str, kind: str, at: str) -> list[Link]:
    """The links and forms of a page that lead to its own server, in their order.

    Args:
        body: The page; its first million characters are read.
        kind: Its ``Content-Type``: HTML, or JSON whose members give addresses.
        at: Its own address.
    """
    body = body[:MOST_CHARS]
    if "json" in kind:
        return [_link(request) for url in _addresses(body) if (request := _here(url, at)) is not None]
    if "html" not in kind:
        return []
    page = _Page(at)
    page.feed(body)
    page.close()
    return page.found


def here(url: str, at: str) -> str | None:
    """The path and query of an address, if it is at the same server as a page; relative ones are read from there."""
    try:
        whole, own = urlsplit(urljoin(at, url.strip())), urlsplit(at)
        same = (whole.scheme, _host(whole.hostname), whole.port) == (
            own.scheme,
            _host(own.hostname),
            own.port,
        )
    except ValueError:
        return None
    if not same:
        return None
    path = quote(whole.path or "/", safe="/%:@!$&'()*+,;=~")
    # What is of no one path, such as a template of JavaScript, is none.
    if not path.startswith("/") or "{" in whole.path or "${" in whole.query:
        return None
    query = quote(whole.query, safe="/%:@!$&'()*+,;=~?[]")
    return f"{path}?{query}" if query else path


def changing(path: str, texts: Mapping[str, str] | None = None) -> str | None:
    """What says that following a link changes something; ``None``: nothing does.

    Args:
        path: Its path and query.
        texts: Its text, and its attributes by name.
    """
    texts = texts or {}
    for name in _SCRIPTED:
        if name in texts:
            return name
    if found := _NO_FOLLOW.search(texts.get("rel", "").lower()):
        return f'rel="{found[0]}"'
    if "download" in texts:
        return "download"
    for said in [path, texts.get("", ""), *(texts.get(name, "") for name in _TOLD)]:
        if (word := _word(said, _WORDS)) is not None:
            return word
    return next((word for name in _STYLED if (word := _word(texts.get(name, ""), _MARKS)) is not None), None)


def _word(text: str, words: re.Pattern[str]) -> str | None:
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unquote_plus(text))
    plain = " ".join(re.findall(r"[A-Za-z]+", parts)).lower()
    found = re.search(rf"\b(?:{words.pattern})\b", plain)
    return found[0] if found else None


def _host(name: str | None) -> str | None:
    return "localhost" if name in _LOCAL else name


def _here(url: str, at: str, method: str = "GET", body: str | None = None) -> Request | None:
    path = here(url, at)
    if path is None:
        return None
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
    return Request(method=method, path=path, template=path.partition("?")[0], headers=headers, body=body)


def _link(request: Request, texts: Mapping[str, str] | None = None) -> Link:
    return Link(request=request, changes=changing(request.path, texts))


def _addresses(body: str) -> Iterator[str]:
    """What a JSON document gives as addresses: whole ones, and paths under a name that says so."""

    def within(value: Any, name: str) -> Iterator[str]:
        if isinstance(value, dict):
            for key, one in value.items():
                yield from within(one, key)
        elif isinstance(value, list):
            for one in value:
                yield from within(one, name)
        elif isinstance(value, str) and (
            value.startswith(("http://", "https://")) or (value.startswith("/") and _KEYS.fullmatch(name))
        ):
            yield value

    try:
        yield from within(json.loads(body), "")
    except (ValueError, RecursionError):
        return


class _Page(HTMLParser):
    """Reads links (``a``, ``area``, frames, ``rel=next``) and forms. Whatever is never closed ends with the page."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.found: list[Link] = []
        self._at = at
        self._link: tuple[str, dict[str, str]] | None = None
        self._form: dict[str, str] | None = None
        self._fields: list[tuple[str, str]] = []
        self._pressed: tuple[str, str] | None = None
        self._select: tuple[str, str | None] | None = None
        self._area: tuple[str, list[str]] | None = None
        self._text: list[str] = []
        """Of the link."""
        self._around: list[str] = []
        """Of the form."""

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attrs = {name: value or "" for name, value in given}
        match tag:
            case "base" if "href" in attrs:
                self._at = urljoin(self._at, attrs["href"])
            case "a" | "area" if "href" in attrs:
                self._end_link()
                self._link, self._text = (attrs["href"], attrs), []
            case "iframe" | "frame" if attrs.get("src"):
                self._lead(attrs["src"], {})
            case "link" if attrs.get("rel", "").lower() in ("next", "prev") and "href" in attrs:
                self._lead(attrs["href"], {})
            case "img" if self._link is not None:
                self._text.append(f" {attrs.get('alt', '')} ")
            case "form":
                self._end_form()
                self._form, self._fields, self._pressed, self._around = attrs, [], None, []
            case _ if self._form is not None:
                self._field(tag, attrs)
        if tag == "area":
            self._end_link()

    def _field(self, tag: str, attrs: dict[str, str]) -> None:
        name, value, kind = attrs.get("name", ""), attrs.get("value", ""), attrs.get("type", "text").lower()
        match tag:
            case "input" if kind in ("submit", "image", "button"):
                self._around.append(f" {value} ")
                if kind == "submit" and self._pressed is None:
                    self._pressed = (name, value)
            case "input" if kind in ("checkbox", "radio"):
                if name and "checked" in attrs:
                    self._fields.append((name, value or "on"))
            case "input" if name and kind not in ("reset", "file"):
                self._fields.append((name, value))
            case "button" if kind in ("submit", "text") and self._pressed is None:
                self._pressed = (name, value)
            case "select":
                self._select = (name, None)
            case "option" if self._select is not None:
                if self._select[1] is None or "selected" in attrs:
                    self._select = (self._select[0], value)
            case "textarea":
                self._area = (name, [])

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "a":
                self._end_link()
            case "select" if self._select is not None:
                name, value = self._select
                self._fields += [(name, value)] if name and value is not None else []
                self._select = None
            case "textarea" if self._area is not None:
                name, text = self._area
                self._fields += [(name, "".join(text))] if name else []
                self._area = None
            case "form":
                self._end_form()

    def handle_data(self, data: str) -> None:
        for texts in (self._text, self._around, *([self._area[1]] if self._area is not None else [])):
            texts.append(data)

    def close(self) -> None:
        super().close()
        self._end_link()
        self._end_form()

    def _end_link(self) -> None:
        if self._link is not None:
            href, attrs = self._link
            self._link = None
            self._lead(href, {**attrs, "": "".join(self._text)})

    def _end_form(self) -> None:
        if self._form is None:
            return
        attrs, self._form = self._form, None
        fields = self._fields + ([self._pressed] if self._pressed and self._pressed[0] else [])
        given = urlencode(fields)
        where = attrs.get("action") or self._at
        texts = {**attrs, "": "".join(self._around)}
        match attrs.get("method", "get").lower():
            case "get" if attrs.get("action") or given:
                where = where.partition("#")[0].partition("?")[0]
                self._lead(f"{where}?{given}" if given else where, texts)
            case "post":
                if (request := _here(where, self._at, "POST", given)) is not None:
                    self.found.append(Link(request=request))

    def _lead(self, url: str, texts: dict[str, str]) -> None:
        if not url.strip() or url.strip().startswith("#"):
            # It leads nowhere: a script hears the click.
            return
        if (request := _here(url, self._at)) is not None:
            self.found.append(_link(request, texts))
