"""Recordings with anything in them: each is read, or refused with a sentence, and what is read can be sent."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from hotlap.recorded import Recorded, RecordedError, Unread, access_log, curl, har

ANYHOW = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

TIMES = (
    "14/Nov/2023:22:13:20 +0000",
    "2023-11-14T22:13:20Z",
    "0001-01-01 00:00:00",
    "9999-12-31T23:59:59+14:00",
    "x",
)
VALUES = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats()
    | some.text(max_size=30)
    | some.sampled_from(TIMES),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = (
    "request",
    "method",
    "uri",
    "path",
    "url",
    "args",
    "query",
    "status",
    "code",
    "ts",
    "time",
    "@timestamp",
    "msec",
)
METHODS = some.sampled_from(["GET", "POST", "CONNECT", "get", ""])
URLS = some.sampled_from(
    ["/a?b=c", "http://h/a", "http://[::1", "//", "/ä", "http://h:99999999/", "#", "/a b"]
)


def sendable(found: Recorded) -> None:
    """What a request is made of."""
    assert found.method
    assert found.path.startswith("/")
    assert found.at_s is None or math.isfinite(found.at_s)


@ANYHOW
@given(
    some.text(max_size=200)
    | some.builds(
        lambda time, method, url, status: f'1.1.1.1 - - [{time}] "{method} {url} HTTP/1.1" {status} 5',
        some.sampled_from(TIMES),
        METHODS,
        URLS | some.text(max_size=20),
        some.integers() | some.text(max_size=5),
    )
    | some.dictionaries(some.sampled_from(KEYS), VALUES | METHODS | URLS, max_size=8).map(json.dumps)
)
@example('{"method": "GET", "uri": "/", "status": 200, "ts": 1' + "0" * 400 + "}")
@example('{"method": "GET", "uri": "/", "status": 200, "ts": "nan"}')
@example('{"method": "GET", "uri": "/", "status": 200, "ts": "0001-01-01T00:00:00"}')
@example('{"method": "GET", "uri": "/", "status": "' + "9" * 5000 + '"}')
@example('{"a": ' + "[" * 100_000)
def test_a_line_of_a_log_is_a_request_or_counted(line: str) -> None:
    unread = Unread()
    found = list(access_log.read([line], unread))
    assert len(found) + unread.count == bool(line.strip())
    for one in found:
        sendable(one)


@ANYHOW
@given(
    some.binary(max_size=200)
    | some.lists(
        some.fixed_dictionaries(
            {"request": some.fixed_dictionaries({"method": METHODS, "url": URLS | some.text(max_size=20)})},
            optional={
                "response": some.fixed_dictionaries(
                    {"status": some.integers(-1, 999)},
                    optional={
                        "content": some.fixed_dictionaries(
                            {
                                "mimeType": some.text(max_size=9),
                                "text": some.text(max_size=9),
                                "encoding": some.just("base64"),
                            }
                        )
                    },
                ),
                "startedDateTime": some.sampled_from(TIMES),
            },
        ),
        max_size=3,
    ).map(lambda entries: json.dumps({"log": {"entries": entries}}).encode())
)
@example(b'{"log": {"entries": [{"request": {"method": "GET", "url": "http://[::1"}}]}}')
@example(b'{"log": ' + b"[" * 100_000)
def test_a_har_file_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "it.har"
    file.write_bytes(content)
    with contextlib.suppress(RecordedError):
        for one in har.read(file).requests:
            sendable(one)


WORDS = some.sampled_from(
    [
        *(
            "curl",
            "-H",
            "-d",
            "-X",
            "--json",
            "-G",
            "-u",
            "'",
            '"',
            "$'a\\nb'",
            "\\\n",
            "-b",
            "--data-urlencode",
        ),
        *("http://h/a?b", "http://[::1", "h", "a: b", "@file", "{}", "--url", "-I", "=", "", "-", "--"),
    ]
)


@ANYHOW
@given(
    some.lists(WORDS | some.text(max_size=8), max_size=8).map(lambda words: " ".join(["curl", *words]))
    | some.text()
)
@example("curl 'http://[::1'")
@example("curl http://h -d '" + "[" * 100_000 + "'")
def test_a_curl_command_is_read_or_refused(command: str) -> None:
    with contextlib.suppress(RecordedError):
        sendable(curl.read(command))


def test_what_is_generated_is_not_all_refused(tmp_path: Path) -> None:
    entry: dict[str, Any] = {
        "request": {"method": "GET", "url": "http://h/a?b=c"},
        "response": {"status": 200},
    }
    (tmp_path / "it.har").write_text(json.dumps({"log": {"entries": [entry]}}))
    (found,) = har.read(tmp_path / "it.har").requests
    sendable(found)
    sendable(curl.read("curl http://h/a?b -H 'a: b'"))
