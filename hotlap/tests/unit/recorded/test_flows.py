"""What users did one after the other is found in a recording, and how one request depends on another."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from hotlap.experiment.init_flow import SeenFlow, SeenStep
from hotlap.recorded import Recorded
from hotlap.recorded.flows import flows
from hotlap.recorded.secrets import Secrets

TOKEN = "tok3n-0123456789-abcdef"
OTHER = "tok3n-9876543210-fedcba"
CSRF = "cs7f0123456789abcdefghijk"
FORM = "application/x-www-form-urlencoded"


def asked(
    method: str,
    path: str,
    answer: object = None,
    *,
    status: int = 200,
    body: object = None,
    page: str | None = None,
    sets: tuple[str, ...] = (),
    location: str | None = None,
    **headers: str,
) -> Recorded:
    """A request; ``body`` is a form where it is a text, else JSON; likewise ``answer`` a page or JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None:
        named["Content-Type"] = FORM if isinstance(body, str) else "application/json"
    told = [("set-cookie", one) for one in sets] + ([("location", location)] if location else [])
    return Recorded(
        method=method,
        path=path,
        headers=named,
        body=body if body is None or isinstance(body, str) else json.dumps(body),
        status=status,
        answer=answer if answer is None or isinstance(answer, str) else json.dumps(answer),
        answer_headers=tuple(told),
        page=page,
    )


def login(token: str = TOKEN, user: str = "ann") -> Recorded:
    return asked(
        "POST",
        "/token",
        {"access_token": token, "user": {"id": 1}},
        body=f"username={user}&password=pw-of-{user}",
    )


def bearer(token: str = TOKEN) -> dict[str, Any]:
    return {"Authorization": f"Bearer {token}"}


def found(
    *requests: Recorded, secret: tuple[str, ...] = (TOKEN, OTHER, CSRF, "pw-of-ann", "pw-of-bob")
) -> list[SeenFlow]:
    """The flows, in which no secret is anywhere."""
    made = flows(requests, [], Secrets()).flows
    text = msgspec.json.encode(made).decode()
    assert not [one for one in secret if one in text]
    return made


def told(flow: SeenFlow) -> list[str]:
    return [f"{'once ' * step.once}{step.method} {step.path}" for step in flow.steps]


def step_of(flow: SeenFlow, name: str) -> SeenStep:
    return next(step for step in flow.steps if step.name == name)


def test_a_token_is_carried_from_a_login_that_is_sent_once() -> None:
    (flow,) = found(login(), asked("GET", "/items", [], **bearer()))
    assert told(flow) == ["once POST /token", "GET /items"]
    assert flow.steps[0].capture == {"access_token": "json:/access_token"}
    assert flow.steps[0].body == "username=ann&password=${PASSWORD}"
    assert flow.steps[1].headers == {"Authorization": "Bearer {access_token}"}
    assert flow.again_on == [401]


def test_each_login_begins_a_flow_whatever_lies_between() -> None:
    """By the tokens, not by their order."""
    first, second = found(
        login(),
        login(OTHER, "bob"),
        asked("GET", "/items", [], **bearer()),
        asked("GET", "/orders", [], **bearer(OTHER)),
        asked("GET", "/items?page=2", [], **bearer()),
    )
    assert told(first) == ["once POST /token", "GET /items", "GET /items?page=2"]
    assert told(second) == ["once POST /token", "GET /orders"]
    assert second.steps[0].body == "username=bob&password=${PASSWORD_2}"


def test_flows_that_are_alike_are_one_with_the_values_in_which_they_differ() -> None:
    requests = []
    for number, token in ((3, TOKEN), (5, OTHER)):
        requests += [login(token), asked("GET", f"/items/{number}?q=w{number}", {}, **bearer(token))]
    (flow,) = found(*requests)
    assert (flow.count, flow.steps[1].path) == (2, "/items/{item_id}?q={q}")
    assert (flow.columns, flow.rows) == (["item_id", "q"], [("3", "w3"), ("5", "w5")])


def test_an_id_comes_from_what_made_it_and_not_from_what_has_the_same_number() -> None:
    (flow,) = found(
        login(),
        asked("GET", "/users/me", {"id": 7}, **bearer()),
        asked("POST", "/items", {"id": 7}, status=201, body={"name": "chair", "size": 7}, **bearer()),
        asked("GET", "/items", [{"id": 3}, {"id": 7}], **bearer()),
        asked("GET", "/items/7/parts", {}, **bearer()),
        asked("GET", "/colours/7", {}, **bearer()),
        asked("POST", "/orders", {}, body={"item_id": 7, "count": 7}, **bearer()),
    )
    made = step_of(flow, "POST /items")
    assert made.capture == {"id": "json:/id"}
    assert made.body == '{"name": "chair-{now:ms}{hex:4}", "size": 7}'
    assert made.notes == ["name: it was a new one when it was recorded, so that another is made up each time"]
    assert [step.path for step in flow.steps[3:6]] == ["/items", "/items/{id}/parts", "/colours/7"]
    assert step_of(flow, "POST /orders").body == '{"item_id": {id}, "count": 7}'
    assert step_of(flow, "/users/me").capture == {}


def test_an_id_comes_out_of_a_list_where_nothing_made_it() -> None:
    (flow,) = found(
        login(),
        asked("GET", "/items", {"items": [{"id": 3}, {"id": 7}]}, **bearer()),
        asked("GET", "/items/7", {}, **bearer()),
    )
    assert flow.steps[1].capture == {"id": "json:/items/1/id"}
    assert flow.steps[2].path == "/items/{id}"


def test_who_registers_has_a_name_of_their_own_in_the_login_too() -> None:
    email = "ann@x.org"
    (flow,) = found(
        asked(
            "POST",
            "/users",
            {"id": 1, "email": email},
            status=201,
            body={"email": email, "password": "pw-of-ann"},
        ),
        asked("POST", "/token", {"access_token": TOKEN}, body=f"username={email}&password=pw-of-ann"),
        asked("GET", "/items", [], **bearer()),
    )
    assert told(flow) == ["once POST /users", "once POST /token", "GET /items"]
    assert flow.steps[0].body == '{"email": "ann-{now:ms}{hex:4}@x.org", "password": "${PASSWORD}"}'
    assert flow.steps[1].body == "username=ann-{now:ms}{hex:4}%40x.org&password=${PASSWORD}"


def test_what_was_made_is_looked_for_by_the_name_that_was_made_up() -> None:
    (flow,) = found(
        login(),
        asked("POST", "/items", {}, status=201, body={"name": "chair"}, page="1", **bearer()),
        asked("GET", "/search?q=chair", {}, page="2", **bearer()),
    )
    assert flow.steps[2].path == "/search?q=chair-{now:ms}{hex:4}"


def test_a_form_is_sent_with_the_token_of_the_page_and_cookies_go_by_themselves() -> None:
    page = f'<form><input type="hidden" name="csrf" value="{CSRF}"><input name="user"></form>'
    (flow,) = found(
        asked("GET", "/login", page, sets=("csrftoken=abcdefgh01234567abcd; Path=/",)),
        asked(
            "POST",
            "/login",
            status=302,
            body=f"csrf={CSRF}&user=ann&password=pw-of-ann",
            sets=("sessionid=0123456789abcdefghij; HttpOnly",),
            location="/home",
            Cookie="csrftoken=abcdefgh01234567abcd",
            Origin="http://shop",
        ),
        asked(
            "GET",
            "/home",
            "<p>hello",
            Cookie="csrftoken=abcdefgh01234567abcd; sessionid=0123456789abcdefghij",
        ),
        asked(
            "POST",
            "/likes",
            {},
            body={"of": 1},
            Cookie="csrftoken=abcdefgh01234567abcd; sessionid=0123456789abcdefghij",
            X_CSRFToken="abcdefgh01234567abcd",
        ),
        secret=(CSRF, "pw-of-ann", "0123456789abcdefghij", "abcdefgh01234567abcd"),
    )
    assert told(flow) == ["once GET /login", "once POST /login", "POST /likes"]
    form, sent, likes = flow.steps
    assert form.capture == {
        "csrf": 'regex:<input type="hidden" name="csrf" value="([^"\'\\s>]+)',
        "csrftoken": "cookie:csrftoken",
    }
    assert (sent.follow, sent.status, sent.body) == (True, 200, "csrf={csrf}&user=ann&password=${PASSWORD}")
    assert sent.headers == {"Content-Type": FORM}
    assert likes.headers == {"X-CSRFToken": "{csrftoken}", "Content-Type": "application/json"}


def test_pages_are_flows_of_their_own_unless_one_depends_on_another() -> None:
    links = '<a href="/notes/5/">five</a> <a href="/notes/new/">new</a>'
    listed, searched = found(
        login(),
        asked("GET", "/notes/", links, page="1", **bearer()),
        asked("GET", "/search?q=x", "<p>", page="2", **bearer()),
        asked("GET", "/notes/5/", "<p>", page="3", **bearer()),
    )
    assert told(listed) == ["once POST /token", "GET /notes/", "GET /notes/{note_id}/"]
    assert listed.steps[1].capture == {"note_id": "regex:[\"'=]/notes/(\\d+)[\"'/?#]"}
    assert told(searched) == ["once POST /token", "GET /search?q=x"]


def test_a_basket_without_a_login_is_one_flow() -> None:
    (flow,) = found(
        asked("GET", "/", "<p>", page="1", sets=("basket=b1",)),
        asked("POST", "/basket", {}, page="2", body={"item": 3}, Cookie="basket=b1"),
        asked("GET", "/basket", {}, page="3", Cookie="basket=b1"),
    )
    assert told(flow) == ["GET /", "POST /basket", "GET /basket"]
    assert not any("Cookie" in step.headers for step in flow.steps)


def test_what_failed_and_what_was_kept_by_a_browser_is_not_expected_again() -> None:
    made = flows(
        [
            login(),
            asked("GET", "/gone", {}, status=404, **bearer()),
            asked("OPTIONS", "/items", Access_Control_Request_Method="GET"),
            asked("GET", "/items", status=304, If_None_Match='"0123456789abcdefghij"', **bearer()),
        ],
        [],
        Secrets(),
    )
    assert told(made.flows[0]) == ["once POST /token", "GET /items"]
    assert (made.flows[0].steps[1].status, list(made.flows[0].steps[1].headers)) == (200, ["Authorization"])
    assert made.said == ["one request is left out: answered with 400 or above"]


def test_a_multipart_form_has_its_values_too() -> None:
    body = (
        f'--xx\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{CSRF}\r\n'
        '--xx\r\nContent-Disposition: form-data; name="title"\r\n\r\nOf {today}\r\n'
        '--xx\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n--xx--\r\n'
    )
    page = f'<meta name="csrf" content="{CSRF}">'
    posted = msgspec.structs.replace(
        asked("POST", "/notes", {}, status=201),
        body=body,
        headers={"Content-Type": "multipart/form-data; boundary=xx"},
    )
    (flow,) = found(asked("GET", "/notes/new", page), posted)
    assert flow.steps[1].body == body.replace(CSRF, "{csrf}").replace(
        "Of {today}", "Of {{today}-{now:ms}{hex:4}"
    )


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [asked("GET", "/items", [{"id": 1}]), asked("GET", "/about", "<p>")],
        [asked("GET", "/items/1"), asked("GET", "/items/2")],
    ],
)
def test_where_nothing_depends_on_anything_there_is_no_flow(requests: list[Recorded]) -> None:
    assert flows(requests, [], Secrets()).flows == []


def test_a_recording_without_its_credentials_is_told() -> None:
    cut = flows([login(), asked("GET", "/items", [])], [], Secrets())
    assert cut.flows == []
    assert "save it with sensitive data" in cut.said[0]


def test_two_logins_and_a_refreshed_token_are_told_apart() -> None:
    refresh = "refresh-0123456789-abcdef"
    (flow, again) = found(
        asked(
            "POST",
            "/token",
            {"access_token": TOKEN, "refresh_token": refresh},
            body="username=a&password=pw-of-ann",
        ),
        asked("GET", "/items", [], **bearer()),
        asked("POST", "/refresh", {"access_token": OTHER}, body={"refresh_token": refresh}),
        asked("GET", "/orders", [], **bearer(OTHER)),
        secret=(TOKEN, OTHER, refresh, "pw-of-ann"),
    )
    assert told(flow) == ["once POST /token", "GET /items"]
    assert told(again) == ["once POST /token", "once POST /refresh", "GET /orders"]
    assert again.steps[1].body == '{"refresh_token": "{refresh_token}"}'


def test_names_are_those_that_placeholders_can_have() -> None:
    (flow,) = found(
        asked("POST", "/things", {"uuid": "0c52d8f1-7f0e-4a6b-9d4e-000000000001"}, status=201, body={"a": 1}),
        asked("GET", "/things/0c52d8f1-7f0e-4a6b-9d4e-000000000001", {}),
    )
    assert flow.steps[0].capture == {"uuid_2": "json:/uuid"}
    assert flow.steps[1].path == "/things/{uuid_2}"


def test_a_token_within_a_script_is_found_by_what_stands_before_it() -> None:
    page = f'<script>\nvar user = "u-1234567890123456", config = {{csrfToken: "{CSRF}"}};</script>'
    (flow,) = found(
        asked("GET", "/", page),
        asked("POST", "/likes", {}, body={"of": 1}, X_CSRF_Token=CSRF),
        secret=(CSRF, "1234567890123456"),
    )
    assert flow.steps[0].capture == {"X_CSRF_Token": 'regex:, config = \\{csrfToken: "([^"\'<>&\\s\\\\]+)'}
    assert flow.steps[1].headers["X-CSRF-Token"] == "{X_CSRF_Token}"
