"""The lab's engine, in Rust."""

import os
from typing import final

build_profile: str
"""``release``, or ``debug`` where debug assertions are on."""

@final
class Histogram:
    """Latencies in microseconds, 1 µs to 1 h, three significant digits (an HDR histogram)."""

    def __new__(cls) -> Histogram: ...
    def record(self, latency_us: int) -> None:
        """Count one latency; a longer one than an hour counts as an hour."""

    def merge(self, other: Histogram) -> None:
        """Add all of another's."""

    def clear(self) -> None:
        """Forget all."""

    @property
    def count(self) -> int:
        """How many latencies were counted."""

    def quantile_ms(self, quantile: float) -> float | None:
        """The latency at a quantile, in ms; ``None`` with fewer than ``10 / (1 - quantile)`` samples.

        Raises:
            ValueError: the quantile is not in [0, 1).
        """

    @property
    def mean_ms(self) -> float | None:
        """The mean in milliseconds; ``None`` without a sample."""

    @property
    def max_ms(self) -> float | None:
        """The longest in milliseconds; ``None`` without a sample."""

    def hgrm(self) -> str:
        """The text that HdrHistogram's plotter reads, values in milliseconds."""

    def csv(self) -> str:
        """The recorded values in microseconds and their counts, as CSV with a header."""

    def encode(self) -> bytes:
        """The compressed form (HdrHistogram V2), to be sent elsewhere and merged there."""

    @staticmethod
    def decode(bytes: bytes) -> Histogram:
        """What ``encode`` made.

        Raises:
            ValueError: the bytes are not a histogram.
        """

# Stacks

FLAME_SCRIPT: str
"""Zoom and search of the graphs that :meth:`Stacks.svg` draws, for pages that add graphs later.

Each graph brings this script. Where it does not run (a graph that was put in by ``innerHTML``), evaluate it
once afterwards: it starts every graph of the document that has not been started.
"""

class StacksError(ValueError):
    """Stacks that cannot be read, compared or drawn: the message says what to do."""

@final
class HeavyFrame:
    """A function of :meth:`Stacks.top`. Values are in the recording's unit (samples, µs, bytes)."""

    @property
    def name(self) -> str:
        """The readable name; a Python function's with file and line."""

    @property
    def kind(self) -> str:
        """``python``, ``rust``, ``c``, ``kernel``, ``interpreter`` or ``thread`` (a heading)."""

    @property
    def self_value(self) -> int:
        """The value of the stacks that end in this function."""

    @property
    def total_value(self) -> int:
        """The value of the stacks that have this function anywhere, each once."""

    @property
    def location(self) -> str | None:
        """``file:line`` where the recording has it: of the heaviest line if there are several."""

    @property
    def full_name(self) -> str | None:
        """The whole name where ``name`` is a shortened one."""

@final
class Stacks:
    """Stacks with their values. Nothing changes them: each method gives new ones."""

    @staticmethod
    def read(path: str | os.PathLike[str], format: str = "collapsed") -> Stacks:
        """Read a recording, as a stream.

        Lines that cannot be used (malformed, a NUL byte, not UTF-8, longer than 512 KiB, a count that
        overflows) are skipped and counted: see :attr:`skipped`.

        Args:
            path: The recording.
            format: ``collapsed`` (``outer;inner COUNT`` a line, as ``py-spy record --format raw`` writes it).

        Raises:
            OSError: The file cannot be read.
            StacksError: There is no such format.
        """

    @staticmethod
    def from_bytes(data: bytes, format: str = "collapsed") -> Stacks:
        """The same from memory."""

    @staticmethod
    def from_counts(counts: list[tuple[list[str], int]]) -> Stacks:
        """Stacks from their frames, the outermost first, with their values (each at least 1).

        Frames are written as recorders do: ``name (file.py:12)``, ``name (file.rs:3)``, ``name (libfoo.so)``,
        ``name_[k]`` in the kernel, ``thread (TID): name`` as a heading.
        """

    @property
    def total(self) -> int:
        """The sum of all values."""

    @property
    def waiting(self) -> int:
        """The value of the stacks that :meth:`clean` left out because they only wait."""

    @property
    def skipped(self) -> dict[str, int]:
        """How many lines were skipped, by reason.

        Reasons: ``too_long``, ``nul``, ``not_utf8``, ``no_count``, ``overflow``, ``no_stack``, ``malformed``,
        ``limit``.
        """

    @property
    def unnamed_share(self) -> float:
        """The share of the value (0 to 1) whose innermost frame has no name, only an address or a library."""

    def __len__(self) -> int:
        """The number of distinct stacks."""

    def clean(
        self,
        *,
        drop_waiting: bool = True,
        fold: bool = True,
        threads: bool = True,
        roles: list[tuple[str, str]] = [],
    ) -> Stacks:
        """Make the stacks readable.

        Rust symbols are demangled (legacy, v0 and half mangled) and lose their hashes, generics are shortened
        (the whole name stays in tooltips), addresses of a library without symbols become one frame
        ``[libfoo.so]``, worker processes are merged. Recursion and inlined frames stay. Clean stacks stay as
        they are.

        Args:
            drop_waiting: Leave out stacks whose innermost frame only waits (``epoll_wait``, ``futex``, ...):
                for samplers of wall-clock time such as py-spy. Their value is in :attr:`waiting`.
            fold: Fold away what starts server, process and threads; the event loop's and a thread pool's
                machinery is one frame each; calls that the interpreter only passes on are dropped.
            threads: Keep the thread's role as the outermost frame (``thread: MainThread``), where the
                recording has threads.
            roles: Roles by thread name, as ``(regular expression, role)``; the first that is found in the
                name (an empty one if the thread has none) counts. Others keep their name without trailing
                numbers.

        Raises:
            StacksError: A pattern is no regular expression.
        """

    def merge(self, others: list[Stacks]) -> Stacks:
        """These stacks and the others in one."""

    def under(self, pattern: str) -> float:
        """The share of the value (0 to 1) whose stack has a frame that matches, by short or whole name.

        Raises:
            StacksError: The pattern is no regular expression.
        """

    def within(self, pattern: str) -> Stacks:
        """The stacks that have a frame that matches, from the outermost such frame inwards.

        ``stacks.within("fold").under("malloc|clone")`` is the loop's share under an allocation.

        Raises:
            StacksError: The pattern is no regular expression.
        """

    def below_role(self, role: str) -> Stacks:
        """The same stacks with ``thread: ROLE`` as the outermost frame."""

    def roots(self) -> list[tuple[str, int]]:
        """The value below each outermost frame (the roles, where there are threads), the heaviest first."""

    def top(self, count: int = 20) -> list[HeavyFrame]:
        """The heaviest functions: by their own value, then by total, then by name."""

    def collapsed(self) -> str:
        """Collapsed stacks, sorted. Only names are in it: locations and whole names of shortened ones are
        not."""

    def write_collapsed(self, path: str | os.PathLike[str]) -> None:
        """The same, into a file.

        Raises:
            OSError: The file cannot be written.
        """

    def svg(
        self, title: str, *, subtitle: str | None = None, unit: str = "samples", standalone: bool = True
    ) -> str:
        """A flame graph with zoom (click), search (a field, regular expressions) and tooltips with whole
        names.

        Colours tell the kind of code and suit colour-blind readers; a legend names them.

        Args:
            title: The title.
            subtitle: A line below it.
            unit: What widths are: ``samples``, ``µs``, ``bytes``.
            standalone: True for a file of its own (it follows the reader's light or dark setting). False for
                a graph that is put into an HTML page as it is: it takes the page's text colour, and any
                number of graphs may be in one page, as nothing in them has an id.

        Raises:
            StacksError: There are no samples.
        """
