"""A recording becomes a schedule: in order, at its times, with what cannot be sent counted."""

from __future__ import annotations

import datetime
import json
import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotlap.recorded import RecordedError, schedule
from hotlap.recorded.schedule import Schedule, write

BEGAN = datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.UTC)


def line(after_s: float, path: str, method: str = "GET", status: int = 200) -> str:
    moment = BEGAN + datetime.timedelta(seconds=after_s)
    at = moment.isoformat() if after_s % 1 else f"{moment:%d/%b/%Y:%H:%M:%S %z}"
    return f'1.1.1.1 - - [{at}] "{method} {path} HTTP/1.1" {status} 1\n'


def written(folder: Path, text: str, speed: float = 1.0) -> Schedule:
    (folder / "recording").write_text(text)
    return write(folder / "recording", folder, speed)


def due(found: Schedule) -> Iterator[tuple[float, str, str]]:
    """Each request of a schedule: seconds after the first, method, path."""
    bytes_, at = found.file.read_bytes(), 0
    while at < len(bytes_):
        due_us, kind, length = struct.unpack_from("<QII", bytes_, at)
        at += 16 + length
        yield due_us / 1e6, found.kinds[kind].method, bytes_[at - length : at].decode()


def test_requests_are_due_at_their_times_and_in_their_order(tmp_path: Path) -> None:
    lines = [line(0.5, "/items/1?q=1"), line(2.25, "/items/2"), line(0.75, "/about", "HEAD", 404)]
    found = written(tmp_path, "".join(lines))
    assert list(due(found)) == [
        (0.0, "GET", "/items/1?q=1"),
        (0.25, "HEAD", "/about"),
        (1.75, "GET", "/items/2"),
    ]
    assert [(kind.route, kind.status) for kind in found.kinds] == [("/items/{}", 200), ("/about", 404)]
    assert (found.requests, found.length_s, found.busiest, found.whole_seconds) == (3, 1.75, 2, False)
    assert found.rate == pytest.approx(3 / 1.75)
    assert not (tmp_path / "spool").exists()


def test_at_twice_the_speed_it_takes_half_the_time(tmp_path: Path) -> None:
    text = line(0.5, "/a") + line(2.5, "/b") + line(3.75, "/c")
    assert [at_s for at_s, _, _ in due(written(tmp_path, text, 2.0))] == [0.0, 1.0, 1.625]


def test_whole_seconds_are_shared_out_evenly(tmp_path: Path) -> None:
    text = "".join(line(after_s, "/a") for after_s in (0, 0, 0, 0, 3, 3))
    found = written(tmp_path, text)
    assert [at_s for at_s, _, _ in due(found)] == [0.0, 0.25, 0.5, 0.75, 3.0, 3.5]
    assert (found.length_s, found.busiest) == (4.0, 4)
    assert "it has whole seconds: its requests are spread evenly within each" in found.said
    assert [at_s for at_s, _, _ in due(written(tmp_path, text, 4.0))][3:5] == [0.1875, 0.75]


def test_what_is_not_sent_is_counted_and_said(tmp_path: Path) -> None:
    text = "".join(
        [
            "Started\n",
            line(0.5, "/a"),
            line(0.5, "/a", "POST"),
            line(0.5, "/b", "POST"),
            line(0.5, "/a", "DELETE"),
            'INFO:     127.0.0.1:5210 - "GET /items HTTP/1.1" 200 OK\n',
            '1.1.1.1 "GET broken\n',
        ]
    )
    found = written(tmp_path, text)
    assert (found.requests, found.unread) == (1, 2)
    assert found.left_out == {
        "POST may change what is stored, and a log has not its body": 2,
        "DELETE may change what is stored, and a log has not its body": 1,
        "without a time": 1,
    }
    assert found.said[0] == (
        "2 lines were not read, the first of them: line 1: 'Started'; line 7: '1.1.1.1 \"GET broken'"
    )
    assert "2 requests are left out: POST may change what is stored, and a log has not its body" in found.said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("nothing\n", "one line was not read: line 1: 'nothing'"),
        ('INFO: "GET /items HTTP/1.1" 200 OK\n', "one request is left out: without a time"),
        (line(0, "/", "POST"), "POST may change what is stored"),
    ],
)
def test_where_nothing_can_be_sent_it_is_said_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecordedError, match="has no request that can be sent at its time") as refused:
        written(tmp_path, text)
    assert said in str(refused.value)


def test_a_har_file_has_its_headers_and_bodies(tmp_path: Path) -> None:
    def entry(after: str, method: str, path: str, **more: object) -> dict[str, object]:
        return {
            "startedDateTime": f"2023-11-14T22:13:{after}Z",
            "request": {
                "method": method,
                "url": f"http://shop{path}",
                "headers": [{"name": "X-A", "value": "{b}"}],
                **more,
            },
            "response": {"status": 201},
        }

    entries = [
        entry("21.500", "DELETE", "/items/3"),
        entry("20.250", "POST", "/items", postData={"mimeType": "a/b", "text": '{"a": 1}'}),
        entry("20.500", "GET", "/items/ü"),
    ]
    found = written(tmp_path, json.dumps({"log": {"entries": entries}}))
    assert list(due(found)) == [(0.0, "POST", "/items"), (1.25, "DELETE", "/items/3")]
    assert (found.kinds[0].headers, found.kinds[0].body) == ((("X-A", "{b}"),), '{"a": 1}')
    assert found.left_out == {"their paths are not percent-encoded": 1}


def test_the_memory_is_that_of_the_routes_not_of_the_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "OUT_OF_ORDER", 100)

    def peak(lines: int) -> int:
        file = tmp_path / "log"
        with file.open("w") as into:
            into.writelines(line(number / 8, f"/items/{number % 50}?q={number}") for number in range(lines))
        tracemalloc.start()
        try:
            assert write(file, tmp_path).requests == lines
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # Whatever is kept once, and is not there yet.
    peak(200)
    few, many = peak(1_000), peak(10_000)
    assert many < 1.5 * few, (few, many)
