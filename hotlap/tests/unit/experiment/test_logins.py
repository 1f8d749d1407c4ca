"""The request that logs in, among those that an app takes."""

from __future__ import annotations

import json

import pytest

from hotlap.experiment.logins import EXAMPLE, login_of
from hotlap.experiment.openapi import Request


def post(path: str, body: str, kind: str = "application/json") -> Request:
    return Request(method="POST", path=path, template=path, headers={"Content-Type": kind}, body=body)


def test_the_documents_own_address_of_tokens_comes_first() -> None:
    scheme = {"flows": {"password": {"tokenUrl": "auth/jwt", "scopes": {}}}}
    document = {"components": {"securitySchemes": {"OAuth2": scheme}}}
    form = "grant_type=password&username=string&password=string"
    asked = [
        post("/login", '{"password": "string"}'),
        post("/auth/jwt", form, "application/x-www-form-urlencoded"),
    ]
    found = login_of(asked, document)
    assert (found.path, found.token, found.known) == ("/auth/jwt", "/access_token", True)
    assert found.body == "grant_type=password&username=${USERNAME}&password=${PASSWORD}"


@pytest.mark.parametrize("path", ["/login", "/api/v1/sign-in", "/auth/login/", "/sessions"])
def test_a_route_that_is_called_so_and_takes_a_password_is_a_login(path: str) -> None:
    found = login_of(
        [post("/items", '{"name": "x"}'), post(path, '{"email": "a@b.c", "password": "x", "remember": true}')]
    )
    assert (found.path, found.token) == (path, "/token")
    assert json.loads(found.body) == {"email": "${USERNAME}", "password": "${PASSWORD}", "remember": True}


def test_without_one_it_is_an_example() -> None:
    assert login_of([]) == EXAMPLE
    assert login_of([post("/login", '{"sso": "x"}'), post("/logins", '{"password": "x"}')]) == EXAMPLE
