"""What is said before a run of what will serve."""

from __future__ import annotations

from hotlap.evidence.service import ServedBy
from hotlap.run.preflight import said

GRANIAN = ServedBy(
    server="granian", interface="asgi", python="/lab/python", python_version="3.11.7", own=True
)
UVICORN = ServedBy(server="uvicorn", interface="asgi", python="/app/python", python_version="3.13.0")


def test_one_way_is_said_once_and_without_names() -> None:
    assert said({"a/x": GRANIAN, "b/x": GRANIAN}) == ["served by granian (asgi) on Python 3.11.7"]
    assert said({}) == []


def test_several_ways_are_said_with_their_lanes_and_foreign_interpreters() -> None:
    assert said({"a/x": GRANIAN, "a/y": UVICORN, "b/x": GRANIAN}) == [
        "a/x, b/x: served by granian (asgi) on Python 3.11.7",
        "a/y: served by uvicorn (asgi) on Python 3.13.0, /app/python",
    ]
