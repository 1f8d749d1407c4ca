"""The service's core, in Rust: the shared client map, the lock that ``/read`` holds through its wait,
and the hot parse-and-fold loop.

Everything here is safe to use from several threads. What computes, and what may have to wait for a lock,
is detached from the interpreter: other Python threads run meanwhile. A panic of the core becomes a
``PanicError``.
"""

from collections.abc import Generator
from types import TracebackType
from typing import Any, ClassVar, Literal, final

build_profile: Literal["release", "debug"]
"""How the module was built; only a release build may be measured."""

MAX_CLIENTS: int
"""The most clients that a service's map takes (1000)."""

MAX_ITERATIONS: int
"""The most iterations of a fold (2^21): with it, ``MAX_CLIENTS`` and ids of 32 bits, a sum has 63 bits."""

class FullError(ValueError):
    """A client too many for the map; the map is as it was."""

class PanicError(RuntimeError):
    """The core panicked: a bug in it. The call failed; what the core holds is as usable as before."""

@final
class Client:
    """A client and what it is subscribed to. Two with the same content are equal."""

    __hash__: ClassVar[None]  # type: ignore[assignment]
    def __new__(cls, user_id: int, subscribed_topics: list[str]) -> Client:
        """Make a client.

        Args:
            user_id: the number that stands for it, from 0 to 2^32-1.
            subscribed_topics: the topics, in their order.

        Raises:
            OverflowError: ``user_id`` is out of range.
            TypeError: an argument is of another type.
        """

    @property
    def user_id(self) -> int:
        """The number that stands for the client."""

    @property
    def subscribed_topics(self) -> list[str]:
        """A copy of the topics, in the order in which they were given."""

@final
class ClientMap:
    """Clients by name in a hash map behind a read-write lock, which no method holds when it returns."""

    def __new__(cls, limit: int = ...) -> ClientMap:
        """Make an empty map that takes at most ``limit`` clients (``MAX_CLIENTS`` if not given)."""

    @property
    def limit(self) -> int:
        """How many clients the map takes."""

    def get(self, name: str) -> Client | None:
        """The client of that name."""

    def put(self, name: str, client: Client) -> bool:
        """Set the client of that name; whether it is new.

        Raises:
            FullError: it would be one too many; the map is then as it was.
        """

    def delete(self, name: str) -> bool:
        """Remove the client of that name; whether there was one."""

    def items(self) -> list[tuple[str, Client]]:
        """All names and clients, sorted by name."""

    def __len__(self) -> int:
        """How many clients there are."""

    def user_ids(self) -> Ids:
        """The user ids as strings, collected under the read side of the lock, in no particular order."""

    def timings(self) -> list[tuple[str, str, Histogram]]:
        """For each side of the lock (``read``, ``write``) the histograms of its ``wait`` and ``hold``."""

@final
class Ids:
    """User ids as strings, kept in Rust: what a request has collected from the map."""

    def __new__(cls, ids: list[str]) -> Ids:
        """Take these ids; whether they are numbers shows when they are parsed."""

    def __len__(self) -> int:
        """How many ids there are."""

    def to_list(self) -> list[str]:
        """A copy of the ids."""

    def sum(self) -> int:
        """The sum of the ids, parsed in reverse order.

        Raises:
            ValueError: an id is no number from 0 to 2^32-1; the message names it.
        """

    def fold(self, iterations: int) -> int:
        """The article's ``/cpu``: for each ``i`` from 0 to ``iterations - 1``, fold over the ids in reverse
        order, starting from ``i`` and adding each parsed id; the sum of the folds. Nothing is allocated.

        For n ids and k iterations that is n * k parses, and ``k * (k - 1) / 2 + k * sum(ids)``.

        Raises:
            ValueError: an id is no number, or ``iterations`` is more than ``MAX_ITERATIONS``.
            OverflowError: ``iterations`` is negative or beyond 32 bits, or the sum is beyond 64.
        """

    def fold_clone(self, iterations: int) -> int:
        """The article's ``/cpualloc``: as ``fold``, with each string cloned before it is parsed: one
        allocation for each parse.

        Raises:
            ValueError: an id is no number, or ``iterations`` is more than ``MAX_ITERATIONS``.
            OverflowError: ``iterations`` is negative or beyond 32 bits, or the sum is beyond 64.
        """

@final
class Histogram:
    """Counts of durations in fixed buckets, filled without a lock."""

    bounds: ClassVar[list[float]]
    """The upper bounds of the buckets in seconds: 1, 2.5 and 5 of each decade, from 1 µs to 50 s."""

    def __new__(cls) -> Histogram:
        """Make an empty histogram."""

    def observe(self, seconds: float) -> None:
        """Count a duration.

        Raises:
            ValueError: ``seconds`` is negative or not finite.
        """

    def snapshot(self) -> tuple[list[int], float]:
        """The count in each bucket (one more than there are bounds: the last takes what is longer), and the
        sum of all durations in seconds."""

@final
class ExclusiveLock:
    """A fair lock for the tasks of an event loop, whichever loop: who asks first has it first, no thread
    waits, and a task that is cancelled leaves the queue. It is tokio's read-write lock (a FIFO queue), of
    which it takes the exclusive side only."""

    def __new__(cls) -> ExclusiveLock:
        """Make a lock that nobody holds."""

    def acquire(self) -> Place:
        """A place in the queue, taken when it is awaited: ``with await lock.acquire(): ...``."""

    def locked(self) -> bool:
        """Whether somebody holds the lock."""

    def waiting(self) -> int:
        """How many tasks wait for the lock."""

    def timings(self) -> list[tuple[str, Histogram]]:
        """The histograms of the lock's ``wait`` (of those who got it) and ``hold``."""

@final
class Place:
    """A place in the queue for a lock. Awaiting it gives the lock; dropping it gives the place up."""

    waits_for: ClassVar[str]
    """What it waits for, in words: a profiler of suspended tasks shows it."""
    waits_for_kind: ClassVar[str]
    """The same as one of the kinds that such a profiler tells apart."""

    def __await__(self) -> Generator[Any, None, Hold]:
        """Wait for the lock."""

    def __iter__(self) -> Place:
        """The place itself: it is its own awaiting iterator."""

    def __next__(self) -> Any:
        """Go on waiting: a future to wait for, or ``StopIteration`` with the lock."""

    def send(self, value: None, /) -> Any:
        """As ``__next__``."""

    def throw(self, kind: Any, value: Any = None, traceback: TracebackType | None = None, /) -> None:
        """Leave the queue and raise what is given."""

    def close(self) -> None:
        """Leave the queue."""

@final
class Hold:
    """The lock, held until ``release``, the end of a ``with`` block, or the end of this object.

    A block that an exception leaves, a cancellation as a rule, is not counted among the times held.
    """

    def release(self) -> None:
        """Release the lock: the next in the queue has it.

        Raises:
            RuntimeError: it was released already.
        """

    def __enter__(self) -> Hold:
        """The hold itself."""

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Release the lock."""

def _panic(message: str) -> None:
    """Panic where all of the core's work is done, so that tests see what a panic does to the service.

    Raises:
        PanicError: always.
    """
