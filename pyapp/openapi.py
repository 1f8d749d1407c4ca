"""The OpenAPI document, derived from the registry and from the types that validate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from pyapp.clients import SEED, Client, Name
from pyapp.problems import MEDIA_PROBLEM
from pyapp.scenarios import DEFAULT_VARIANT, Scenario
from pyapp.settings import Settings

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "the path that was asked for"},
        "field": {"type": "string", "description": "the field that is wrong"},
    },
}
_EXAMPLE_NAME, _EXAMPLE = next(iter(SEED.items()))
_CLIENT = {"$ref": "#/components/schemas/Client"}


def document(
    scenarios: Sequence[Scenario[Any, Any]], stores: Sequence[str], settings: Settings
) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the service with these scenarios, variants' stores and settings."""
    _, schemas = msgspec.json.schema_components([Client], ref_template="#/components/schemas/{name}")
    schemas["Client"]["examples"] = [msgspec.to_builtins(_EXAMPLE)]
    paths: dict[str, Any] = {
        "/": _get("index", "The lanes", _text("text/html")),
        "/healthz": _get("healthz", "Whether the service answers", _text("text/plain")),
        "/metrics": _get("metrics", "What the service has counted", _text("text/plain")),
        "/openapi.json": _get("openapi", "This document", _json({"type": "object"})),
    }
    for scenario in scenarios:
        for prefix, variant in _prefixes(tuple(scenario.variants)):
            operation = "_".join(part for part in (prefix.strip("/"), scenario.name) if part)
            answer = _text("text/html", pattern="^[0-9]+$")
            path = _get(operation, f"{scenario.title} ({variant})", answer)
            if variant in scenario.writing and not settings.read_only:
                path["put"] = {
                    "operationId": f"put_{operation}",
                    "summary": f"{scenario.title}: a write ({variant})",
                    "responses": {"200": {"description": "the answer that a read gives", **answer}},
                }
            paths[f"{prefix}/{scenario.name}"] = path
    for prefix, variant in _prefixes(stores):
        paths |= _client_paths(prefix, variant, read_only=settings.read_only)
    return {
        "openapi": "3.1.0",
        "info": {"title": "pyapp", "version": "1", "description": "Every endpoint in Python and in Rust."},
        "paths": paths,
        "components": {"schemas": {**schemas, "Problem": _PROBLEM}},
    }


def _prefixes(variants: Sequence[str]) -> list[tuple[str, str]]:
    """The prefixes of a path and the variant that each means."""
    default = DEFAULT_VARIANT if DEFAULT_VARIANT in variants else variants[0]
    return [("", default), *((f"/{variant}", variant) for variant in variants)]


def _client_paths(prefix: str, variant: str, *, read_only: bool) -> dict[str, Any]:
    tag = prefix.strip("/")
    all_clients = {"type": "object", "additionalProperties": _CLIENT}
    schema = msgspec.json.schema(Name)
    name = {"name": "name", "in": "path", "required": True, "schema": schema, "example": _EXAMPLE_NAME}
    one: dict[str, Any] = {
        "parameters": [name],
        **_get(f"{tag}_client".strip("_"), f"A client ({variant})", _json(_CLIENT), 404),
    }
    if not read_only:
        one["put"] = {
            "operationId": f"put_{tag}_client".replace("__", "_"),
            "summary": f"Sets a client ({variant})",
            "requestBody": {"required": True, **_json(_CLIENT)},
            "responses": {
                "200": {"description": "there was one", **_json(_CLIENT)},
                "201": {"description": "it is new", **_json(_CLIENT)},
                **_problems(400, 413, 422),
            },
        }
        one["delete"] = {
            "operationId": f"delete_{tag}_client".replace("__", "_"),
            "summary": f"Removes a client ({variant})",
            "responses": {"204": {"description": "it is gone"}, **_problems(404)},
        }
    return {
        f"{prefix}/clients": _get(
            f"{tag}_clients".strip("_"), f"All clients ({variant})", _json(all_clients)
        ),
        f"{prefix}/clients/{{name}}": one,
    }


def _get(operation: str, summary: str, answer: dict[str, Any], *problems: int) -> dict[str, Any]:
    responses = {"200": {"description": "the answer", **answer}, **_problems(*problems)}
    return {"get": {"operationId": f"get_{operation}", "summary": summary, "responses": responses}}


def _problems(*statuses: int) -> dict[str, Any]:
    content = {"content": {MEDIA_PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    return {str(status): {"description": "a problem document", **content} for status in statuses}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _text(media_type: str, **schema: str) -> dict[str, Any]:
    return {"content": {media_type: {"schema": {"type": "string", **schema}}}}
