"""What a client is, what a store of clients does, and what a client may look like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from pyapp import _core

MAX_NAME_LENGTH = 64
MAX_TOPICS = 100
MAX_TOPIC_LENGTH = 100
MAX_USER_ID = 2**32 - 1
MAX_CLIENTS = _core.MAX_CLIENTS

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LENGTH, pattern=r"^[A-Za-z0-9._~-]+\Z")]
Topic = Annotated[str, Meta(max_length=MAX_TOPIC_LENGTH)]


class Client(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A client and what it is subscribed to: the body of ``PUT`` and ``GET /clients/{id}``."""

    user_id: Annotated[int, Meta(ge=0, le=MAX_USER_ID)]
    subscribed_topics: Annotated[list[Topic], Meta(max_length=MAX_TOPICS)]


SEED: dict[str, Client] = {
    "87-89-34": Client(1, ["cats", "dogs"]),
    "22-38-21": Client(2, ["cats", "reptiles"]),
    "12-67-22": Client(3, ["mice", "birds", "snakes"]),
}
"""The clients that a store starts with."""


class StoreFullError(Exception):
    """The store takes no further client."""


class Timing(Protocol):
    """Counts of durations: what ``pyapp._core.Histogram`` is."""

    def observe(self, seconds: float) -> None:
        """Counts a duration."""

    def snapshot(self) -> tuple[list[int], float]:
        """The count in each bucket and the sum of all durations in seconds."""


class Store(Protocol):
    """A variant's clients, behind its locks.

    A write takes the exclusive lock that ``/read`` holds through its wait, and then the map's own;
    reads take the map's own only.
    """

    def get(self, name: str) -> Client | None:
        """The client of that name."""

    def all(self) -> dict[str, Client]:
        """All clients, sorted by name."""

    def count(self) -> int:
        """How many clients there are."""

    async def put(self, name: str, client: Client) -> bool:
        """Sets a client; whether it is new.

        Raises:
            StoreFullError: it would be one too many; the store is then as it was.
        """

    async def delete(self, name: str) -> bool:
        """Removes a client; whether there was one."""

    def timings(self) -> Sequence[tuple[str, str, Timing]]:
        """For each lock its name, ``wait`` or ``hold``, and the times seen."""
