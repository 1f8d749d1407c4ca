"""What the ladder compares the service's map, lock and loop with, in Rust.

``Ids``, ``Place`` and ``Hold`` are those of ``pyapp._core``, built into this module: its functions take its own.
"""

from asyncio import Future
from typing import Literal, final

from pyapp._core import Hold, Ids, Place

__all__ = ["Hold", "Ids", "Place", "RustPool", "ShardedMap", "SharedLock", "SnapshotMap"]

build_profile: Literal["release", "debug"]
"""How the module was built; only a release build may be measured."""

@final
class ShardedMap:
    """User ids by name in a sharded hash map (dashmap)."""

    def __new__(cls) -> ShardedMap:
        """Make an empty map."""

    def put(self, name: str, user_id: int) -> None:
        """Set the user id of that name."""

    def delete(self, name: str) -> None:
        """Remove that name, if it is there."""

    def user_ids(self) -> Ids:
        """The user ids, shard by shard, each under the read side of its own lock."""

@final
class SnapshotMap:
    """User ids by name in a map that a writer replaces as a whole (arc-swap): readers take no lock."""

    def __new__(cls) -> SnapshotMap:
        """Make an empty map."""

    def put(self, name: str, user_id: int) -> None:
        """Set the user id of that name: copies the whole map."""

    def delete(self, name: str) -> None:
        """Remove that name, if it is there: copies the whole map."""

    def user_ids(self) -> Ids:
        """The user ids, all of one moment."""

@final
class SharedLock:
    """The service's fair lock with both of its sides: readers share it, and overtake no writer that waits."""

    def __new__(cls) -> SharedLock:
        """Make a lock that nobody holds."""

    def read(self) -> Place:
        """A place in the queue for the side that readers share."""

    def write(self) -> Place:
        """A place in the queue for the side that a writer has alone."""

@final
class RustPool:
    """Threads of Rust's own that compute for the tasks of an event loop."""

    def __new__(cls, threads: int) -> RustPool:
        """Start so many threads.

        Raises:
            RuntimeError: the system gives none.
        """

    def fold_clone(self, ids: Ids, iterations: int) -> Future[int]:
        """``Ids.fold_clone`` in one of the threads, as a future of the running event loop.

        Raises:
            RuntimeError: no event loop runs in this thread.
        """

def fold_parsed(ids: Ids, iterations: int) -> int:
    """As ``Ids.fold``, with each string parsed once, before the loop. Raises as ``Ids.fold`` does."""

def fold_closed(ids: Ids, iterations: int) -> int:
    """What ``Ids.fold`` gives, by the formula: no loop. Raises as ``Ids.fold`` does."""

def fold_attached(ids: Ids, iterations: int) -> int:
    """As ``Ids.fold``, but attached to the interpreter: no other Python thread runs meanwhile."""
