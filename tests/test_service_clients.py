"""The clients over HTTP: what is written is kept, what is wrong is refused by name and changes nothing."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from serving import Service, serve

from pyapp.app import STORES
from pyapp.client_resources import BODY_LIMIT
from pyapp.clients import MAX_CLIENTS, MAX_NAME_LENGTH, MAX_TOPIC_LENGTH, MAX_TOPICS, SEED

GOOD: dict[str, Any] = {"user_id": 4, "subscribed_topics": ["owls", "bats"]}
PREFIXES = ["", *(f"/{variant}" for variant in STORES)]


@pytest.fixture
def unchanged(service: Service) -> Iterator[Service]:
    """The service; afterwards every map must be as it was."""
    before = {prefix: service.get(f"{prefix}/clients") for prefix in PREFIXES}
    yield service
    assert {prefix: service.get(f"{prefix}/clients") for prefix in PREFIXES} == before


def problem(response: Any, status: int) -> dict[str, Any]:
    """The problem document of a response, which must be one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["type"] == "about:blank"
    return document


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_seeded_clients_are_listed_by_name(service: Service, prefix: str) -> None:
    response = service.client.get(f"{prefix}/clients")
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "12-67-22": {"user_id": 3, "subscribed_topics": ["mice", "birds", "snakes"]},
        "22-38-21": {"user_id": 2, "subscribed_topics": ["cats", "reptiles"]},
        "87-89-34": {"user_id": 1, "subscribed_topics": ["cats", "dogs"]},
    }
    assert list(response.json()) == sorted(SEED)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_client_is_made_read_replaced_and_removed(unchanged: Service, prefix: str) -> None:
    client, url = unchanged.client, f"{prefix}/clients/a.b_c~d-1"
    made = client.put(url, json=GOOD)
    assert (made.status_code, made.json()) == (201, GOOD)
    assert client.get(url).json() == GOOD
    other = {"user_id": 2**32 - 1, "subscribed_topics": []}
    replaced = client.put(url, json=other)
    assert (replaced.status_code, replaced.json()) == (200, other)
    assert client.get(url).json() == other
    removed = client.delete(url)
    assert (removed.status_code, removed.content) == (204, b"")
    assert "'a.b_c~d-1'" in problem(client.get(url), 404)["detail"]
    problem(client.delete(url), 404)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    ("written", "meant"), [("205.0", 205), ("2.05e2", 205), ("-0.0", 0), ("4294967295.0", 2**32 - 1)]
)
def test_an_integer_may_be_written_as_json_schema_allows(
    unchanged: Service, prefix: str, written: str, meant: int
) -> None:
    client, url = unchanged.client, f"{prefix}/clients/x"
    body = f'{{"user_id": {written}, "subscribed_topics": []}}'
    made = client.put(url, content=body)
    assert (made.status_code, made.json()["user_id"]) == (201, meant)
    assert f'"user_id":{meant},' in client.get(url).text
    client.delete(url).raise_for_status()


def test_the_path_without_a_prefix_is_the_native_map(unchanged: Service) -> None:
    client = unchanged.client
    client.put("/clients/x", json=GOOD).raise_for_status()
    assert client.get("/native/clients/x").json() == GOOD
    problem(client.get("/python/clients/x"), 404)
    client.delete("/native/clients/x").raise_for_status()
    problem(client.get("/clients/x"), 404)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"user_id": 4, "subscribed_topics": []} extra',
        b'{"user_id": 04, "subscribed_topics": []}',
        b'{"user_id": NaN, "subscribed_topics": []}',
        b'{"user_id": 4, "subscribed_topics": ["\xff"]}',
        b'{"user_id": 4, "subscribed_topics": ["\\ud800"]}',
        b'{"user_id": 4, "subscribed_topics": ["\x00"]}',
        b'{"user_id": "4", "subscribed_topics"',
        b"[" * 50_000,
        b"[" * 30_000 + b"]" * 30_000,
    ],
    ids=lambda body: repr(body[:30]),
)
def test_malformed_json_is_400(unchanged: Service, prefix: str, body: bytes) -> None:
    document = problem(unchanged.client.put(f"{prefix}/clients/x", content=body), 400)
    assert "JSON" in document["detail"]


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != field}


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    ("body", "field"),
    [
        (GOOD | {"user_id": "4"}, "user_id"),
        (GOOD | {"user_id": 4.5}, "user_id"),
        (GOOD | {"user_id": True}, "user_id"),
        (GOOD | {"user_id": None}, "user_id"),
        (GOOD | {"user_id": -1}, "user_id"),
        (GOOD | {"user_id": 2**32}, "user_id"),
        (GOOD | {"user_id": 10**30}, "user_id"),
        (GOOD | {"user_id": -1.0}, "user_id"),
        (GOOD | {"user_id": 2.0**32}, "user_id"),
        (GOOD | {"user_id": 1e300}, "user_id"),
        (GOOD | {"user_id": 4.0, "subscribed_topics": [1]}, "subscribed_topics[0]"),
        (GOOD | {"subscribed_topics": "cats"}, "subscribed_topics"),
        (GOOD | {"subscribed_topics": {}}, "subscribed_topics"),
        (GOOD | {"subscribed_topics": ["a", 1]}, "subscribed_topics[1]"),
        (GOOD | {"subscribed_topics": ["x" * (MAX_TOPIC_LENGTH + 1)]}, "subscribed_topics[0]"),
        (GOOD | {"subscribed_topics": ["x"] * (MAX_TOPICS + 1)}, "subscribed_topics"),
        (GOOD | {"more": 1}, "more"),
        (GOOD | {"a`b": 1}, "a`b"),
        (without("user_id"), "user_id"),
        (without("subscribed_topics"), "subscribed_topics"),
        ([], "body"),
        ("x", "body"),
        (None, "body"),
    ],
    ids=str,
)
def test_a_body_of_the_wrong_shape_is_422_and_names_the_field(
    unchanged: Service, prefix: str, body: Any, field: str
) -> None:
    document = problem(unchanged.client.put(f"{prefix}/clients/x", content=json.dumps(body)), 422)
    assert document["field"] == field
    assert document["instance"] == f"{prefix}/clients/x"


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    "name",
    [
        "x" * (MAX_NAME_LENGTH + 1),
        "a%20b",
        "%00",
        "%ff",
        "%ED%A0%80",
        "a%0A",
        "%C3%A4",
        "%F0%9F%90%88",
        "a%25b",
    ],
)
def test_an_id_that_cannot_be_is_422_to_write_and_404_to_read(
    unchanged: Service, prefix: str, name: str
) -> None:
    url = f"{prefix}/clients/{name}"
    assert problem(unchanged.client.put(url, json=GOOD), 422)["field"] == "id"
    problem(unchanged.client.get(url), 404)
    problem(unchanged.client.delete(url), 404)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_body_over_the_limit_is_413(unchanged: Service, prefix: str) -> None:
    url = f"{prefix}/clients/x"
    problem(unchanged.client.put(url, content=b" " * (BODY_LIMIT + 1)), 413)
    pieces = (b" " * 1000 for _ in range(BODY_LIMIT // 1000 + 1))
    document = problem(unchanged.client.put(url, content=pieces), 413)
    assert str(BODY_LIMIT) in document["detail"]
    problem(unchanged.client.put(url, content=b" " * BODY_LIMIT), 400)


BODY = json.dumps(GOOD).encode()


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("interface", ["rsgi", "asgi"])
def test_a_body_that_is_broken_off_is_not_taken_even_if_it_is_a_client_already(
    interface: str, prefix: str
) -> None:
    with serve("--interface", interface) as service:
        line = f"PUT {prefix}/clients/x HTTP/1.1\r\nHost: x\r\n".encode()
        for rest in (
            b"Content-Length: %d\r\n\r\n%s" % (len(BODY) + 1, BODY),
            b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s" % (len(BODY), BODY),
            b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n" % (len(BODY), BODY),
        ):
            with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
                connection.sendall(line + rest)
                connection.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda: connection.recv(4096), b""))
            assert not answer or answer.startswith(b"HTTP/1.1 400 "), answer
            problem(service.client.get(f"{prefix}/clients/x"), 404)


def test_a_body_at_the_limits_is_taken(unchanged: Service) -> None:
    body = {"user_id": 2**32 - 1, "subscribed_topics": ["ä" * MAX_TOPIC_LENGTH] * MAX_TOPICS}
    name = "x" * MAX_NAME_LENGTH
    for prefix in PREFIXES:
        unchanged.client.put(f"{prefix}/clients/{name}", json=body).raise_for_status()
        assert unchanged.client.get(f"{prefix}/clients/{name}").json() == body
        unchanged.client.delete(f"{prefix}/clients/{name}").raise_for_status()


@pytest.mark.parametrize("variant", STORES)
def test_one_client_too_many_is_422(fresh_service: Service, variant: str) -> None:
    for at in range(MAX_CLIENTS - len(SEED)):
        assert fresh_service.client.put(f"/{variant}/clients/c{at}", json=GOOD).status_code == 201
    document = problem(fresh_service.client.put(f"/{variant}/clients/more", json=GOOD), 422)
    assert str(MAX_CLIENTS) in document["detail"]
    assert fresh_service.client.put(f"/{variant}/clients/c0", json=GOOD).status_code == 200
    assert fresh_service.metric("pyapp_clients", variant=variant) == MAX_CLIENTS


def test_a_read_only_service_answers_every_write_with_405() -> None:
    with serve("--read-only", "--workers", "2") as service:
        for prefix in PREFIXES:
            for response in (
                service.client.put(f"{prefix}/clients/x", json=GOOD),
                service.client.put(f"{prefix}/clients/87-89-34", content=b"nonsense"),
                service.client.delete(f"{prefix}/clients/87-89-34"),
            ):
                assert "read-only" in problem(response, 405)["detail"]
                assert response.headers["allow"] == "GET"
            assert len(service.client.get(f"{prefix}/clients").json()) == len(SEED)
        assert "put" not in service.client.get("/openapi.json").json()["paths"]["/clients/{name}"]
