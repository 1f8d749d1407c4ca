"""A recorded request in its parts: the places where a value stands, each of which may be written otherwise. Pure."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, unquote

import msgspec

from hotlap.experiment.placeholders import constant
from hotlap.recorded.request import Recorded
from hotlap.recorded.routes import segments_of

Place = Literal["path", "query", "header", "form", "json", "part"]
_SCHEME = re.compile(
    r"(?P<scheme>(?:Bearer|Basic|Token|Digest|JWT) +)(?P<rest>.+)", re.IGNORECASE | re.DOTALL
)
_PART = re.compile(
    r'name="(?P<name>[^"\r\n]*)"(?P<more>[^\r\n]*)\r?\n(?:[^\r\n]+\r?\n)*\r?\n(?P<value>.*?)\r?\n--',
    re.DOTALL,
)
"""A field of a multipart body."""
_MARK = "hotlap:slot:{}:"
_MARKED = re.compile(r'"hotlap:slot:(\d+):"')


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a request where a value stands."""

    place: Place
    key: str
    """The number of the segment of a path; the name of a parameter, header or field (of a form or, a ``part``, of a
    multipart body); the JSON pointer."""
    value: str
    """As it was meant: decoded."""
    is_text: bool = True
    """Whether it is a text; else a number of JSON."""
    before: str = ""
    """What stands before it in a header, as ``Bearer``."""

    @property
    def name(self) -> str:
        """The last word of its key."""
        return self.key.rpartition("/")[2]


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A request as an experiment has it."""

    path: str
    headers: dict[str, str]
    body: str | None


class Parts:
    """A request with its slots."""

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self._segments = segments_of(recorded.path)
        self._query = parse_qsl(recorded.path.partition("?")[2], keep_blank_values=True)
        self._json: Any = None
        self._form: list[tuple[str, str]] | None = None
        kind = content_type(recorded.headers)
        body = recorded.body
        if body and ("json" in kind or (not kind and body.lstrip()[:1] in ("{", "["))):
            with contextlib.suppress(ValueError):
                self._json = json.loads(body)
        elif body and ("urlencoded" in kind or (not kind and re.fullmatch(r"[^\s{}<>=&]+=[^\s{}<>]*", body))):
            self._form = parse_qsl(body, keep_blank_values=True)
        self._fields = list(_PART.finditer(body or "")) if "multipart/" in kind else []
        # What is in a file is nobody's value.
        self._fields = [field for field in self._fields if "filename" not in field["more"]]
        self.slots = list(self._found())

    def _found(self) -> Iterator[Slot]:
        for number, segment in enumerate(self._segments):
            yield Slot(place="path", key=str(number), value=unquote(segment))
        for name, value in self._query:
            yield Slot(place="query", key=name, value=value)
        for name, value in self.recorded.headers.items():
            scheme = _SCHEME.fullmatch(value)
            before, rest = (scheme["scheme"], scheme["rest"]) if scheme else ("", value)
            yield Slot(place="header", key=name, value=rest, before=before)
        for name, value in self._form or ():
            yield Slot(place="form", key=name, value=value)
        for field in self._fields:
            yield Slot(place="part", key=field["name"], value=field["value"])
        for pointer, leaf in leaves(self._json):
            text = leaf if isinstance(leaf, str) else repr(leaf)
            yield Slot(place="json", key=pointer, value=text, is_text=isinstance(leaf, str))

    def written(self, otherwise: Mapping[int, str]) -> Written:
        """The request as an experiment has it; ``otherwise`` says what is written in some slots, by their numbers."""
        numbers = iter(range(len(self.slots)))

        def texts(raw: list[str]) -> list[str]:
            return [otherwise.get(next(numbers), constant(text)) for text in raw]

        path = "/" + "/".join(texts(self._segments))
        query = texts([quote(value, safe="") for _, value in self._query])
        headers = texts([slot.value for slot in self.slots if slot.place == "header"])
        befores = [slot.before for slot in self.slots if slot.place == "header"]
        fields = texts([quote(value, safe="") for _, value in self._form or ()])
        if self._query:
            names = [constant(quote(name, safe="[]")) for name, _ in self._query]
            path += "?" + "&".join(f"{name}={text}" for name, text in zip(names, query, strict=True))
        body = constant(self.recorded.body) if self.recorded.body is not None else None
        if self._form is not None:
            names = [constant(quote(name, safe="[]")) for name, _ in self._form]
            body = "&".join(f"{name}={text}" for name, text in zip(names, fields, strict=True))
        elif self._fields:
            body = self._fields_written(texts([field["value"] for field in self._fields]))
        elif self._json is not None and otherwise:
            body = self._json_written(
                {number: otherwise[number] for number in numbers if number in otherwise}
            )
        return Written(
            path=path,
            headers={
                name: before + text
                for name, before, text in zip(self.recorded.headers, befores, headers, strict=True)
            },
            body=body,
        )

    def _fields_written(self, values: list[str]) -> str:
        whole, at, pieces = self.recorded.body or "", 0, []
        for field, value in zip(self._fields, values, strict=True):
            pieces += [constant(whole[at : field.start("value")]), value]
            at = field.end("value")
        return "".join([*pieces, constant(whole[at:])])

    @property
    def is_read(self) -> bool:
        """Whether the values in its body are among its slots."""
        return (
            not self.recorded.body or self._form is not None or self._json is not None or bool(self._fields)
        )

    def _json_written(self, otherwise: Mapping[int, str]) -> str:
        if not otherwise:
            return constant(self.recorded.body or "")
        marks = {self.slots[number].key: _MARK.format(number) for number in otherwise}
        text = constant(json.dumps(_marked(self._json, "", marks), ensure_ascii=False))

        def put(mark: re.Match[str]) -> str:
            number = int(mark[1])
            return f'"{otherwise[number]}"' if self.slots[number].is_text else otherwise[number]

        return _MARKED.sub(put, text)


def _marked(value: Any, pointer: str, marks: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _marked(inner, f"{pointer}/{_escaped(key)}", marks) for key, inner in value.items()}
    if isinstance(value, list):
        return [_marked(inner, f"{pointer}/{number}", marks) for number, inner in enumerate(value)]
    return marks.get(pointer, value)


def leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, str | int | float]]:
    """The texts and numbers within a value of JSON, with their JSON pointers."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{pointer}/{_escaped(key)}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{pointer}/{number}")
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield pointer, value


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def content_type(headers: Mapping[str, str]) -> str:
    """What a body is, by the headers: in small letters, empty where they do not say."""
    return next((value for name, value in headers.items() if name.lower() == "content-type"), "").lower()
