"""Requests are written as experiments have them, and what is nobody's to know becomes a variable."""

from __future__ import annotations

import json

import pytest

from hotlap.experiment.variables import filled
from hotlap.recorded import Recorded
from hotlap.recorded.routes import routes
from hotlap.recorded.secrets import Secrets
from hotlap.recorded.slots import Parts, Written
from hotlap.recorded.traffic import seen

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmVk"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def written(secrets: Secrets, request: Recorded) -> Written:
    parts = Parts(request)
    found = {number: secrets.slot(slot) for number, slot in enumerate(parts.slots)}
    return parts.written({number: text for number, text in found.items() if text is not None})


def request(path: str, body: str | None = None, **headers: str) -> Recorded:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Recorded(method="POST", path=path, body=body, headers=named)


def test_credentials_in_headers_become_variables() -> None:
    secrets = Secrets()
    asked = request(
        "/", Authorization="Bearer abc", Cookie="sid=1", X_Api_Key="k", Accept="*/*", X_Money="${x}"
    )
    assert written(secrets, asked).headers == {
        "Authorization": "Bearer ${TOKEN}",
        "Cookie": "${COOKIE}",
        "X-Api-Key": "${X_API_KEY}",
        "Accept": "*/*",
        "X-Money": "$${x}",
    }
    again = written(secrets, request("/", Authorization="Bearer abc"))
    assert again.headers["Authorization"] == "Bearer ${TOKEN}"
    other = written(secrets, request("/", Authorization="Bearer def"))
    assert other.headers["Authorization"] == "Bearer ${TOKEN_2}"


def test_credentials_in_queries_paths_and_bodies_become_variables() -> None:
    secrets = Secrets()
    made = written(secrets, request(f"/a%20b/{JWT}?api_key=1&q=x%20y&token="))
    assert made.path == "/a%20b/${TOKEN}?api_key=${API_KEY}&q=x%20y&token="
    form = "grant_type=password&username=ann%40x.org&password=p%26w%C3%BC&client_secret=s"
    assert written(secrets, request("/token", form, **FORM)).body == (
        "grant_type=password&username=ann%40x.org&password=${PASSWORD}&client_secret=${CLIENT_SECRET}"
    )
    body = json.dumps({"user": {"password": 'p"w', "name": "{name}", "pin": 7}, "tags": ["${x}"]})
    assert written(secrets, request("/users", body, **JSON)).body == (
        '{"user": {"password": "${PASSWORD_2}", "name": "{{name}", "pin": 7}, "tags": ["$${x}"]}'
    )
    assert secrets.names["p&wü"] == "PASSWORD"
    assert secrets.hide('it said "p%26w%C3%BC" and s') == 'it said "${PASSWORD}" and s'


def test_what_is_written_is_sent_as_it_was_recorded() -> None:
    """But for what the engine reads: doubled braces."""
    for body, headers in [
        ('{"a": "${x}{id}", "n": 1.5}', JSON),
        ("a=${x}&b={id}&c=", FORM),
        ("{not JSON ${", JSON),
    ]:
        made = written(Secrets(), request("/{id}?q=${x}", body, **headers))
        text, used = filled(made.body or "", {})
        assert not used
        again = text.replace("{{", "{")
        assert again.replace("%24%7Bx%7D", "${x}").replace("%7Bid%7D", "{id}") == body
        path, _ = filled(made.path, {})
        assert path.replace("{{", "{") == "/{id}?q=%24%7Bx%7D"


def test_values_of_a_route_that_are_credentials_reach_no_file() -> None:
    requests = [
        Recorded(method="GET", path=f"/items/{number}?q=w{number}&token=secret-{number}", status=200)
        for number in range(5)
    ]
    requests += [Recorded(method="GET", path=f"/confirm/{JWT}{number}", status=200) for number in range(3)]
    secrets = Secrets()
    items, confirm = (seen(route, secrets) for route in routes(requests))
    assert items.path == "/items/{item_id}?q={q}&token=${TOKEN}"
    assert (items.columns, items.rows[1]) == (["item_id", "q"], ("1", "w1"))
    assert confirm.path.startswith("/confirm/${TOKEN")
    assert (confirm.columns, confirm.rows) == ([], [])


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "user_password",
        "newPassword",
        "Passwort",
        "password2",
        "client_secret",
        "apiKey",
        "otp",
        "card_number",
    ],
)
def test_fields_that_hold_credentials_are_known_by_their_names(name: str) -> None:
    made = written(Secrets(), request("/", json.dumps({name: "of-ann"}), **JSON))
    assert "of-ann" not in (made.body or "")


@pytest.mark.parametrize("name", ["name", "compass", "keyboard", "opinion", "passage", "shipping"])
def test_other_fields_are_not(name: str) -> None:
    body = json.dumps({name: "of-ann"})
    assert written(Secrets(), request("/", body, **JSON)).body == body
