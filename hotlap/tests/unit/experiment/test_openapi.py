"""Requests from an OpenAPI document: each value that is made up fits its schema."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from hotlap.experiment.openapi import example, requests


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 7},
        {"type": "integer", "exclusiveMinimum": 7},
        {"type": "integer", "maximum": -3},
        {"type": "integer", "exclusiveMaximum": 1},
        {"type": "integer", "minimum": 4, "multipleOf": 5},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": "number", "minimum": 2.5, "maximum": 2.75},
        {"type": "string", "minLength": 20},
        {"type": "string", "maxLength": 2},
        {"type": ["null", "boolean"]},
        {"enum": ["a", "b"]},
        {"const": 4},
        {"anyOf": [{"type": "null"}, {"type": "integer"}]},
        {"type": "array", "items": {"type": "number"}, "minItems": 3},
        {"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}, "required": ["a"]},
        {
            "allOf": [
                {"$ref": "#/components/schemas/Named"},
                {"properties": {"age": {"type": "integer"}}, "required": ["age"]},
            ]
        },
        {"$ref": "#/components/schemas/Tree"},
    ],
)
def test_an_example_fits_its_schema(schema: dict[str, Any]) -> None:
    named = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    tree = {"type": "object", "properties": {"left": {"$ref": "#/components/schemas/Tree"}}}
    document = {"components": {"schemas": {"Named": named, "Tree": tree}}}
    value, _ = example(schema, document)
    jsonschema.validate(value, {**schema, **document})


def test_what_the_document_gives_is_no_guess() -> None:
    document = {
        "paths": {
            "/of/{name}/{number}": {
                "parameters": [
                    {"in": "path", "name": "name", "required": True, "example": "a b/c"},
                    {"in": "path", "name": "number", "required": True, "schema": {"type": "integer"}},
                ],
                "get": {
                    "parameters": [
                        {"in": "query", "name": "page", "schema": {"type": "integer"}},
                        {"in": "query", "name": "tag", "required": True, "schema": {"default": ["x", "y"]}},
                        {"in": "header", "name": "X-Kind", "required": True, "schema": {"enum": ["k"]}},
                        {"in": "cookie", "name": "who", "required": True, "schema": {"type": "string"}},
                    ],
                    "responses": {"404": {}, "204": {}},
                },
                "post": {
                    "requestBody": {
                        "content": {
                            "multipart/form-data": {},
                            "application/x-www-form-urlencoded": {"example": {"a": 1, "b": "c d"}},
                        }
                    }
                },
            }
        }
    }
    got, posted = requests(document)
    assert (got.path, got.status) == ("/of/a%20b%2Fc/1?tag=x&tag=y", 204)
    assert got.headers == {"X-Kind": "k", "Cookie": "who=string"}
    assert got.guessed == ("number", "who")
    assert got.body is None
    assert (posted.body, posted.headers["Content-Type"]) == (
        "a=1&b=c+d",
        "application/x-www-form-urlencoded",
    )


def test_a_schema_that_needs_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/n"}}, "required": ["next"]}
    value, known = example({"$ref": "#/n"}, {"n": node})
    assert isinstance(value, dict)
    assert not known


def test_paths_of_version_2_begin_with_the_base_path() -> None:
    operation = {"parameters": [{"in": "path", "name": "id", "type": "integer", "required": True}]}
    document = {"swagger": "2.0", "basePath": "/api/", "paths": {"/items/{id}": {"get": operation}}}
    [found] = requests(document)
    assert found.template == "/api/items/{id}"
