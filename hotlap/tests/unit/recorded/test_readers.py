"""Recordings of every kind are read as the requests that they are of."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotlap.recorded import Recorded, RecordedError, Unread, access_log, curl, har

AT_S = 1_700_000_000.0
"""2023-11-14T22:13:20Z."""


@pytest.mark.parametrize(
    "line",
    [
        # Apache and nginx, common and combined; gunicorn's is the same.
        '127.0.0.1 - - [14/Nov/2023:22:13:20 +0000] "GET /items/7?q=a%20b HTTP/1.1" 200 512',
        '10.0.0.1 - ann [14/Nov/2023:23:13:20 +0100] "GET /items/7?q=a%20b HTTP/2.0" 200 512 "http://x/" "Mozilla/5.0 (X)"',
        # Of a proxy, with the whole address.
        '1.2.3.4 - - [14/Nov/2023:22:13:20 +0000] "GET http://shop/items/7?q=a%20b HTTP/1.1" 200 -',
        # granian.
        '[2023-11-14 22:13:20 +0000] 127.0.0.1 - "GET /items/7?q=a%20b HTTP/1.1" 200 1.204',
        # nginx in JSON, with the path in one or two keys; Caddy; Traefik.
        '{"time_iso8601": "2023-11-14T22:13:20+00:00", "request_method": "GET", '
        '"request_uri": "/items/7?q=a%20b", "status": "200"}',
        '{"msec": "1700000000.000", "request_method": "GET", "uri": "/items/7", "args": "q=a%20b", "status": 200}',
        '{"time": "2023-11-14T22:13:20Z", "request": "GET /items/7?q=a%20b HTTP/1.1", "status": 200}',
        '{"level":"info","ts":1700000000.0,"request":{"method":"GET","uri":"/items/7?q=a%20b","host":"x"},"status":200}',
        '{"StartUTC":"2023-11-14T22:13:20Z","RequestMethod":"GET","RequestPath":"/items/7?q=a%20b","DownstreamStatus":200}',
        '{"timestamp": 1700000000000, "method": "GET", "path": "/items/7", "query_string": "?q=a%20b", "status_code": 200}',
    ],
)
def test_each_form_of_a_log_gives_the_same_request(line: str) -> None:
    unread = Unread()
    (found,) = access_log.read([line], unread)
    assert found == Recorded(method="GET", path="/items/7?q=a%20b", status=200, at_s=AT_S)
    assert (unread.count, str(unread)) == (0, "all lines were read")


def test_uvicorn_says_no_time() -> None:
    (found,) = access_log.read(['INFO:     127.0.0.1:5210 - "POST /items HTTP/1.1" 201 Created'], Unread())
    assert found == Recorded(method="POST", path="/items", status=201)


def test_what_is_no_request_is_counted_and_the_first_shown() -> None:
    lines = [
        "Started server process",
        "",
        '1.1.1.1 - - [14/Nov/2023:22:13:20 +0000] "GET / HTTP/1.1" 200 1',
        '1.1.1.1 - - [14/Nov/2023:22:13:20 +0000] "\\x16\\x03\\x01" 400 1',
        '1.1.1.1 - - [14/Nov/2023:22:13:20 +0000] "GET /ü b HTTP/1.1" 400 1',
        '{"cut": ',
        '{"method": "GET", "uri": 7, "status": 200}',
        '{"method": "GET", "uri": "/", "status": "many"}',
        '[1] "CONNECT a:443 HTTP/1.1" 200',
    ]
    unread = Unread()
    assert len(list(access_log.read(lines, unread))) == 1
    assert unread.count == 7
    assert [number for number, _ in unread.first] == [1, 4, 5]
    assert "7 lines were not read, the first of them: line 1: 'Started server process'" in str(unread)


def test_lines_are_read_as_they_come() -> None:
    line = '1.1.1.1 - - [14/Nov/2023:22:13:20 +0000] "GET / HTTP/1.1" 200 1'
    pulled = 0

    def lines() -> Iterator[str]:
        nonlocal pulled
        while True:
            pulled += 1
            yield line

    reading = access_log.read(lines(), Unread())
    next(reading)
    next(reading)
    assert pulled == 2


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("curl http://x/a?b=1", Recorded(method="GET", path="/a?b=1")),
        (
            "curl 'http://x' -H 'Accept: */*' --compressed -s",
            Recorded(method="GET", path="/", headers={"Accept": "*/*"}),
        ),
        (
            "curl -X PUT x:8000/a/é -d '{\"a\": 1}' \\\n  -H 'X-A: b:c'",
            Recorded(
                method="PUT",
                path="/a/%C3%A9",
                headers={"X-A": "b:c", "Content-Type": "application/json"},
                body='{"a": 1}',
            ),
        ),
        (
            "curl http://x/ -d a=1 --data-urlencode 'b=x y' --data-raw @c",
            Recorded(
                method="POST",
                path="/",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                body="a=1&b=x%20y&@c",
            ),
        ),
        ("curl -G http://x/s?a=1 -d b=2", Recorded(method="GET", path="/s?a=1&b=2")),
        (
            "curl --json '[]' -u ann:pw http://x/ -b sid=1",
            Recorded(
                method="POST",
                path="/",
                headers={
                    "Cookie": "sid=1",
                    "Authorization": "Basic YW5uOnB3",
                    "Content-Type": "application/json",
                },
                body="[]",
            ),
        ),
        ("curl -I http://x/a#b", Recorded(method="HEAD", path="/a")),
    ],
)
def test_a_curl_command_is_its_request(command: str, wanted: Recorded) -> None:
    assert curl.read(command) == wanted


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("wget http://x/", "does not begin with curl"),
        ("curl", "names 0 addresses"),
        ("curl http://x http://y", "names 2 addresses"),
        ("curl 'http://x", "cannot be read"),
        ("curl http://x -d @body.json", "sends the file body.json"),
        ("curl http://x --upload-file f", "cannot be read"),
    ],
)
def test_what_is_no_such_command_is_told(command: str, said: str) -> None:
    with pytest.raises(RecordedError, match=said):
        curl.read(command)


def entry(
    url: str, status: int = 200, kind: str = "application/json", **request: object
) -> dict[str, object]:
    return {
        "startedDateTime": "2023-11-14T22:13:20.000Z",
        "request": {"method": "GET", "url": url, "headers": [], **request},
        "response": {"status": status, "content": {"mimeType": kind, "text": "{}"}},
    }


def test_a_har_file_gives_the_requests_to_its_host(tmp_path: Path) -> None:
    posted = entry(
        "http://shop/token",
        method="POST",
        headers=[
            {"name": "Content-Type", "value": "a/b"},
            {"name": "Host", "value": "shop"},
            {"name": ":path", "value": "/"},
        ],
        postData={"mimeType": "a/b", "text": "x=1"},
    )
    packed = entry("http://shop/b")
    packed["response"] = {
        "status": 200,
        "content": {"mimeType": "text/plain", "text": base64.b64encode(b"hi").decode(), "encoding": "base64"},
    }
    entries = [
        entry("http://shop/a?b=1"),
        posted,
        packed,
        entry("http://shop/x.png", kind="image/png"),
        entry("http://elsewhere/"),
        entry("http://shop/ws", status=101),
    ]
    file = tmp_path / "shop.har"
    file.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    found = har.read(file)
    assert found.host == "shop"
    assert found.left_out == {"pictures, styles and scripts": 1, "another host": 1, "without an answer": 1}
    assert found.requests == [
        Recorded(method="GET", path="/a?b=1", status=200, at_s=AT_S, answer="{}"),
        Recorded(
            method="POST",
            path="/token",
            headers={"Content-Type": "a/b"},
            body="x=1",
            status=200,
            at_s=AT_S,
            answer="{}",
        ),
        Recorded(method="GET", path="/b", status=200, at_s=AT_S, answer="hi"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "is not a HAR file"), ("{}", "is not a HAR file"), ('{"log": {"entries": []}}', "has no request")],
)
def test_what_is_no_har_file_is_told(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "a.har"
    file.write_text(text)
    with pytest.raises(RecordedError, match=said):
        har.read(file)
