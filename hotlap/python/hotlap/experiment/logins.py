"""How a route that asks for a login is measured: as a flow whose users log in by themselves. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from hotlap.experiment.openapi import Request

_ROUTES = re.compile(r"/(?:token|log-?in|sign-?in|sessions?|auth|jwt)(?:/(?:log-?in|token|create|new))?/?$")
_SECRET = re.compile(r"pass|secret|pwd", re.IGNORECASE)
_WHO = re.compile(r"user|e-?mail|log_?in|name", re.IGNORECASE)
_FORM = "application/x-www-form-urlencoded"


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A request that logs in, with ``${USERNAME}`` and ``${PASSWORD}`` where they go."""

    path: str
    headers: dict[str, str]
    body: str
    token: str
    """Where its answer has the token: a JSON pointer."""
    known: bool
    """Whether the app has such a route; otherwise all of it is an example."""


EXAMPLE = Login(
    path="/login",
    headers={"Content-Type": "application/json"},
    body='{"username": "${USERNAME}", "password": "${PASSWORD}"}',
    token="/token",
    known=False,
)


def login_of(requests: Sequence[Request], document: Mapping[str, Any] | None = None) -> Login:
    """The login among an app's requests; an example where there is none.

    Args:
        requests: What the app takes.
        document: Its OpenAPI document, which may name the address of its tokens.
    """
    told = _token_paths(document or {})
    posts = [one for one in requests if one.method == "POST" and one.body is not None]
    found = next((one for one in posts if one.path in told), None) or next(
        (one for one in posts if _ROUTES.search(one.path.lower()) and _SECRET.search(one.body or "")), None
    )
    if found is None:
        return EXAMPLE
    oauth = found.path in told or "token" in found.path
    return Login(
        path=found.path,
        headers=found.headers,
        body=_filled(found),
        token="/access_token" if oauth else EXAMPLE.token,
        known=True,
    )


def _token_paths(document: Mapping[str, Any]) -> list[str]:
    schemes = document.get("components", {}).get("securitySchemes", {}).values()
    flows = [flow for scheme in schemes for flow in scheme.get("flows", {}).values()]
    return [
        "/" + str(flow["tokenUrl"]).removeprefix("./").lstrip("/") for flow in flows if "tokenUrl" in flow
    ]


def _filled(request: Request) -> str:
    """Its body with variables for who logs in."""
    body = request.body or ""
    if request.headers.get("Content-Type") == _FORM:
        pairs = [(name, _value(name, value)) for name, value in parse_qsl(body, keep_blank_values=True)]
        return urlencode(pairs, safe="${}", quote_via=quote)
    try:
        members = json.loads(body)
    except ValueError:
        return body
    if not isinstance(members, dict):
        return body
    return json.dumps({name: _value(name, value) for name, value in members.items()}, ensure_ascii=False)


def _value(name: str, value: Any) -> Any:
    if _SECRET.search(name):
        return "${PASSWORD}"
    return "${USERNAME}" if _WHO.search(name) else value


def is_basic(challenge: str | None) -> bool:
    """Whether a name and a password in a header are all that is asked for."""
    return (challenge or "").strip().lower().startswith("basic")
