"""Requests from an OpenAPI document: each operation with examples in the places that need a value."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

METHODS = ("get", "post", "put", "patch", "delete")
_DEEPEST = 12
UUID = "11111111-1111-4111-8111-111111111111"
_FORMATS = {
    "date-time": "2024-01-31T12:00:00Z",
    "date": "2024-01-31",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "uuid": UUID,
    "email": "someone@example.org",
    "uri": "http://example.org/",
    "hostname": "example.org",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request that an operation takes.

    ``template`` is its path as the document has it. ``guessed`` names the parameters whose value is made
    up from their type; examples, defaults and choices that the document gives are no guesses.
    """

    method: str
    path: str
    template: str
    headers: dict[str, str] = {}
    body: str | None = None
    status: int = 200
    guessed: tuple[str, ...] = ()


def requests(document: Mapping[str, Any]) -> list[Request]:
    """A request for each operation of a document (version 3), in its order; what is optional is left out.

    Of version 2 paths and parameters are read, but no bodies.
    """
    base = str(document.get("basePath", "")).rstrip("/")
    return [
        _request(document, base + path, item, method)
        for path, item in document.get("paths", {}).items()
        for method in METHODS
        if method in item
    ]


def _request(document: Mapping[str, Any], template: str, item: Mapping[str, Any], method: str) -> Request:
    operation = item[method]
    path, query, headers, guessed = template, [], {}, []
    for parameter in _parameters(document, item.get("parameters", []), operation.get("parameters", [])):
        place, name = parameter["in"], parameter["name"]
        if place != "path" and not parameter.get("required"):
            continue
        value, known = _value(parameter, document)
        text = _text(value)
        guessed += [] if known else [name]
        match place:
            case "path":
                path = path.replace("{" + name + "}", quote(text, safe="")).replace(
                    "{" + name + ":path}", quote(text)
                )
            case "query":
                query += [(name, _text(one)) for one in (value if isinstance(value, list) else [value])]
            case "header":
                headers[name] = text
            case "cookie":
                headers["Cookie"] = "; ".join([*filter(None, [headers.get("Cookie")]), f"{name}={text}"])
    body = None
    content = _resolved(operation.get("requestBody", {}), document).get("content", {})
    for kind in content:
        if kind == "application/json" or kind.endswith("+json"):
            body = json.dumps(_value(content[kind], document)[0], ensure_ascii=False)
        elif kind == "application/x-www-form-urlencoded":
            body = urlencode(_value(content[kind], document)[0] or {}, doseq=True)
        else:
            continue
        headers["Content-Type"] = kind
        break
    return Request(
        method=method.upper(),
        path=path + (f"?{urlencode(query)}" if query else ""),
        template=template,
        headers=headers,
        body=body,
        status=_status(operation),
        guessed=tuple(guessed),
    )


def _parameters(document: Mapping[str, Any], *lists: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    """An item's parameters and its operation's, which take the place of those of the same name."""
    named: dict[tuple[str, str], Mapping[str, Any]] = {}
    for parameters in lists:
        for one in parameters:
            parameter = _resolved(one, document)
            named[parameter["in"], parameter["name"]] = parameter
    yield from named.values()


def _status(operation: Mapping[str, Any]) -> int:
    told = [str(code) for code in operation.get("responses", {})]
    return next((int(code) for code in told if code.isdecimal() and code.startswith("2")), 200)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _resolved(at: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(_DEEPEST):
        if "$ref" not in at:
            return at
        found: Any = document
        for part in at["$ref"].removeprefix("#/").split("/"):
            found = found.get(part.replace("~1", "/").replace("~0", "~"), {})
        at = found
    return {}


def _value(holder: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[Any, bool]:
    """A value for a parameter or a body, and whether the document itself gives it."""
    given = _given(holder)
    if given is not None:
        return given[0], True
    return example(holder.get("schema", {}), document)


def _given(at: Mapping[str, Any]) -> tuple[Any] | None:
    """The value that is given there, if one is: an example, a default, or the first choice."""
    for key in ("example", "default", "const"):
        if at.get(key) is not None:
            return (at[key],)
    for key in ("examples", "enum"):
        values = at.get(key)
        if values:
            first = next(iter(values.values())) if isinstance(values, Mapping) else values[0]
            return (first["value"] if isinstance(first, Mapping) and "value" in first else first,)
    return None


def example(schema: Mapping[str, Any], document: Mapping[str, Any], depth: int = 0) -> tuple[Any, bool]:
    """A value that a schema takes, the plainest one, and whether all of it is given by the document."""
    schema = _resolved(schema, document)
    if depth > _DEEPEST:
        return None, False
    if (given := _given(schema)) is not None:
        return given[0], True
    for key in ("anyOf", "oneOf"):
        choices = [one for one in schema.get(key, []) if one.get("type") != "null"]
        if choices:
            return example(choices[0], document, depth + 1)
    if "allOf" in schema:
        merged: dict[str, Any] = {"properties": {}, "required": []}
        for one in [*schema["allOf"], {key: value for key, value in schema.items() if key != "allOf"}]:
            part = _resolved(one, document)
            merged = {
                **merged,
                **part,
                "properties": {**merged["properties"], **part.get("properties", {})},
                "required": [*merged["required"], *part.get("required", [])],
            }
        return example({key: value for key, value in merged.items() if value}, document, depth + 1)
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    match next((kind for kind in kinds if kind != "null"), "null") if isinstance(kinds, list) else kinds:
        case "object":
            members = {
                name: example(schema.get("properties", {}).get(name, {}), document, depth + 1)
                for name in dict.fromkeys(schema.get("required", []))
            }
            return {name: value for name, (value, _) in members.items()}, all(
                known for _, known in members.values()
            )
        case "array":
            value, known = example(schema.get("items", {}), document, depth + 1)
            return [value] * schema.get("minItems", 1), known
        case "integer" | "number" as kind:
            return _number(schema, whole=kind == "integer"), False
        case "boolean":
            return True, False
        case "null":
            return None, False
    text = _FORMATS.get(schema.get("format", ""), "string")
    return text.ljust(schema.get("minLength", 0), "g")[: schema.get("maxLength")], False


def _number(schema: Mapping[str, Any], *, whole: bool) -> float:
    """A number within the schema's bounds: 1 if it may be."""
    least, most, step = -math.inf, math.inf, schema.get("multipleOf", 1)
    above, below = schema.get("exclusiveMinimum", least), schema.get("exclusiveMaximum", most)
    low, high = schema.get("minimum", least), schema.get("maximum", most)
    # Until version 3.1 of OpenAPI they were flags beside the bound.
    above, below = low if above is True else above, high if below is True else below
    tried: list[float] = [step, 0]
    tried += [math.ceil(low / step) * step] if low > least else []
    tried += [(math.floor(above / step) + 1) * step] if above > least else []
    tried += [math.floor(high / step) * step] if high < most else []
    tried += [(math.ceil(below / step) - 1) * step] if below < most else []
    if not whole and max(low, above) > least and min(high, below) < most:
        tried.append((max(low, above) + min(high, below)) / 2)
    return next((one for one in tried if low <= one <= high and above < one < below), 1)
