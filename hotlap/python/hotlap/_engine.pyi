"""The lab's engine, in Rust.

Whatever it does is detached from the interpreter: other Python threads run meanwhile. A panic of the engine
becomes a ``PanicError``.
"""

import builtins
import os
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, final, type_check_only

build_profile: str
"""``release``, or ``debug`` where debug assertions are on."""

class PanicError(RuntimeError):
    """The engine panicked: a bug in it. The call failed; what the engine holds is as usable as before."""

def _panic(message: str) -> None:
    """Panic where all of the engine's work is done, so that tests see what a panic does.

    Raises:
        PanicError: always.
    """

ANOTHER_BODY: str
"""How what is said of an answer begins whose body is not the expected one."""

FLOW: str
"""The method under which flows as a whole are counted, beside the requests that they are made of."""

GENERATORS: str
"""What placeholders may stand for beside columns, as it is written."""

def first_difference(
    one: bytes, other: bytes, hidden: Sequence[str | bytes] = ...
) -> tuple[int, str, str] | None:
    """The first place where two bodies differ.

    Args:
        one: A body; ``other`` the other.
        other: See there.
        hidden: What is not shown: asterisks are.

    Returns:
        How many bytes before it are equal, and a few bytes there of each, as they can be printed; ``None`` where
        the bodies are equal.
    """

def columns_of(path: str | os.PathLike[str]) -> list[str]:
    """The names of a file's columns, without reading its rows.

    Raises:
        ValueError: it cannot be read.
    """

def columns_named(text: str) -> list[str]:
    """The columns that placeholders in a text name, if they are any: all names that are not generators'.

    Raises:
        ValueError: a generator has wrong arguments.
    """

@final
class Data:
    """A file of values, with the order in which requests take its rows."""

    def __new__(
        cls,
        path: str | os.PathLike[str],
        *,
        order: Literal["in-turn", "random", "zipf", "unique"] = ...,
        exponent: float = 1.0,
        at_end: Literal["stop", "again"] = ...,
    ) -> Data:
        """Read a file into memory.

        Args:
            path: ``.csv`` or ``.tsv`` with a line of names; ``.jsonl`` or ``.ndjson`` with an object in each line.
            order: ``in-turn``, as by default; ``random``; ``zipf``: the first rows most often; ``unique``: each once over
                all users, processes and workers.
            exponent: Of ``zipf``: the n-th row comes as often as 1 / n to this power.
            at_end: When no unique row is left: users ``stop``, as by default, or the rows are taken ``again``.

        Raises:
            ValueError: the file cannot be read, or has no row; the message names the line.
        """

    @property
    def path(self) -> str:
        """The file."""

    @property
    def columns(self) -> list[str]:
        """Their names."""

    @property
    def rows(self) -> int:
        """How many."""

    @property
    def memory_bytes(self) -> int:
        """What it takes."""

@final
class Prepared:
    """A request for the server of an address, for who sends it without the engine."""

    @property
    def differs(self) -> bool:
        """Whether it is another one at each position."""

    def at(self, position: int = 0) -> Sent:
        """The request with the values of a position: those that the engine sends there.

        Raises:
            IndexError: no row is left for it.
        """

@final
class Sent:
    """A request with its values."""

    @property
    def bytes(self) -> bytes:
        """What goes over the wire."""

    @property
    def path(self) -> str:
        """With its query, and below the path of the address."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All of them."""

    @property
    def body(self) -> builtins.bytes | None:
        """``None`` where that is nothing."""

    def objection(self, status: int, headers: Sequence[tuple[str, str]], body: builtins.bytes) -> str | None:
        """What is wrong with an answer to it; ``None``: nothing is."""

@type_check_only
class Stream(Protocol):
    """How an answer comes bit by bit, as ``hotlap.experiment.Stream`` says it."""

    @property
    def each(self) -> str | None:
        """What its events are: ``event``, ``line`` or ``chunk``; ``None``: as its content type says."""

    @property
    def events(self) -> int | None:
        """It is over after so many."""

    @property
    def time_s(self) -> float | None:
        """It is over after so long."""

@final
class Request:
    """A request that users send. Two are equal if they are alike in all of it."""

    def __new__(
        cls,
        method: str,
        path: str,
        name: str | None = None,
        weight: int = 1,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        status: int | Sequence[int] | None = ...,
        expected_body: str | bytes | None = None,
        expected_sha256: str | None = None,
        hidden: Sequence[str | bytes] = ...,
        *,
        data: Sequence[Data] | None = None,
        expected_headers: Mapping[str, str] | None = None,
        expected_json: Mapping[str, object] | None = None,
        contains: Sequence[str] = ...,
        matches: Sequence[str] = ...,
        size: tuple[int, int] | None = None,
        capture: Mapping[str, str] | None = None,
        once: bool = False,
        wait_s: tuple[float, float] = ...,
        follow: bool = False,
        stream: Stream | None = None,
    ) -> Request:
        """Declare a request.

        Args:
            method: Such as ``GET``.
            path: Starts with ``/``; percent-encoded.
            name: What it is counted under; the path where there is none.
            weight: Its share among the requests of a user.
            headers: On top of ``Host``, ``User-Agent`` and ``Accept``.
            body: What is sent with it.
            status: What it must be answered with, 200 by default, or one of several; ``None``: anything below 400.
            expected_body: What the body of the answer must be.
            expected_sha256: The same, as the digest in hexadecimal digits.
            hidden: What is not shown where an answer's body is, such as a token: asterisks are.
            data: Files whose columns ``{name}`` stands for in path, headers, body and expectations, encoded for where
                it stands; generators are there without any (``{uuid}``, ``{counter}``, ``{int:1..9}``, ``{now}``,
                ``{hex:16}``). ``{{`` is a brace. ``None``: all braces are.
            expected_headers: Headers that an answer must have, with these values.
            expected_json: Values of its body by JSON pointer. A text with a placeholder stands for a number, too.
            contains: Texts that must be in its body.
            matches: Regular expressions that its body must match somewhere.
            size: The least and the most bytes of its body.
            capture: What its answer gives to later requests of a flow, by name: ``json:/POINTER``, ``header:NAME``,
                ``cookie:NAME`` or ``regex:PATTERN`` (its first group).
            once: In a flow, a user sends it only when it begins, as a login. What it takes of ``data`` the user keeps.
            wait_s: In a flow, how long a user waits after it: (low, high).
            follow: In a flow, it goes where its answer redirects to, on the same server.
            stream: How its answer comes bit by bit. Of its body the first 64 KiB are held against what is expected.

        Raises:
            ValueError: a pattern is not one; the digest is not made of 64 hexadecimal digits.
                What else cannot be sent is refused by :meth:`Swarm.declare`.
        """

    @property
    def method(self) -> str:
        """Such as ``GET``."""

    @property
    def path(self) -> str:
        """With its query."""

    @property
    def name(self) -> str:
        """What it is counted under."""

    @property
    def weight(self) -> int:
        """Its share among the requests of a user."""

    @property
    def headers(self) -> dict[str, str]:
        """Those that were given; a copy."""

    @property
    def body(self) -> bytes | None:
        """What is sent with it; ``None`` where that is nothing."""

    @property
    def statuses(self) -> list[int]:
        """What it may be answered with; none: anything below 400."""

    @property
    def expected_body(self) -> bytes | None:
        """What the body of the answer must be, where it was given."""

    @property
    def expected_sha256(self) -> str | None:
        """The digest of the same, where that was given instead."""

    @property
    def differs(self) -> bool:
        """Whether it has values that differ from request to request.

        Raises:
            ValueError: it cannot be sent.
        """

    @property
    def has_unique(self) -> bool:
        """Whether it has values that no other request may have: unique rows, or a counter.

        Raises:
            ValueError: it cannot be sent.
        """

    def prepare(self, url: str, *, seed: int = 0) -> Prepared:
        """It for the server of an address; ``seed`` is of its values.

        Raises:
            ValueError: the address is not one, or the request cannot be sent.
        """

@final
class Behaviour:
    """What users do: the requests that they choose from by weight, and how these arrive."""

    def __new__(
        cls,
        requests: Sequence[Request],
        *,
        model: Literal["closed", "paced", "open"] = "closed",
        wait_s: tuple[float, float] = ...,
        arrivals: Literal["even", "exponential"] = "even",
        max_in_flight: int = 1000,
        flow: str | None = None,
        again_on: Sequence[int] = ...,
    ) -> Behaviour:
        """Say what users do.

        Args:
            requests: At least one.
            model: ``closed`` (a user waits between an answer and the next request), ``paced`` (a user starts a
                request on a fixed period, the mean of ``wait_s``) or ``open`` (requests arrive at a rate).
            wait_s: (low, high), (0.0, 0.0) by default.
            arrivals: How the requests of ``open`` users are spread.
            max_in_flight: How many of them may be without an answer at once.
            flow: What the requests are counted under as a whole, where they are the steps of a flow: a user sends them
                one after the other, with cookies. The load model is that of whole flows then.
            again_on: Statuses that send the user of a flow back to the requests that are ``once``.

        Raises:
            ValueError: an argument is out of its range.
        """

    @staticmethod
    def mix(
        parts: Sequence[tuple[int, Behaviour]],
        *,
        model: Literal["closed", "paced", "open"] = "closed",
        wait_s: tuple[float, float] = ...,
        arrivals: Literal["even", "exponential"] = "even",
        max_in_flight: int = 1000,
    ) -> Behaviour:
        """Let users do several things in turns, each so often relative to the others: exactly, and spread evenly.

        Args:
            parts: Each with its weight; how the requests of these arrive does not matter, and is told here for all.
            model: As above, likewise of the others.
            wait_s: See there.
            arrivals: See there.
            max_in_flight: See there.

        Raises:
            ValueError: an argument is out of its range.
        """

    @property
    def requests(self) -> list[Request]:
        """What users choose from."""

    @property
    def model(self) -> Literal["closed", "paced", "open"]:
        """How requests arrive."""

    @property
    def wait_s(self) -> tuple[float, float]:
        """Between an answer and the next request: (low, high)."""

    @property
    def arrivals(self) -> Literal["even", "exponential"] | None:
        """How open arrivals are spread; ``None`` in another model."""

    @property
    def max_in_flight(self) -> int | None:
        """How many open arrivals may be without an answer at once; ``None`` in another model."""

@final
class Swarm:
    """The load engine: virtual users on threads of its own, detached from the interpreter.

    Each closed or paced user has one keep-alive connection and one request under way at most. At any
    time started = answered + failed + aborted + in flight.
    """

    def __new__(
        cls,
        url: str,
        *,
        threads: int = 1,
        connect_timeout_s: float = 10.0,
        timeout_s: float = 30.0,
        ca_file: str | None = None,
        insecure: bool = False,
        seed: int = 0,
        share: tuple[int, int] = ...,
        most_bytes: int | None = None,
    ) -> Swarm:
        """Start the threads; no user yet.

        Args:
            url: ``http://host:port`` or ``https://host:port``, or ``unix:/path``.
            threads: How many; one serves tens of thousands of requests a second.
            connect_timeout_s: For connecting, TLS included.
            timeout_s: For an answer, from the send.
            ca_file: A PEM file with the authorities to trust instead of the usual ones.
            insecure: Trust any certificate.
            seed: Of what is left to chance: weights, waits, gaps, values.
            share: Where several engines load one server: the first position of the sequence of values that is this
                one's, and how many further on each next one is.
            most_bytes: How much of an answer may come; a longer one is a failure.

        Raises:
            ValueError: the URL, a time or the file cannot be used.
        """

    def declare(self, behaviour: Behaviour) -> int:
        """Declare what users do.

        Returns:
            The number that ``add`` takes.

        Raises:
            ValueError: a request that cannot be sent, or a behaviour that nobody can live.
        """

    def add(self, behaviour: int, *, rate: float = 0.0) -> int:
        """Add a user; an ``open`` one brings ``rate`` arrivals a second. Returns what ``remove`` takes.

        Raises:
            ValueError: no such behaviour, or an open one without a rate.
        """

    def replay(
        self, kinds: Sequence[Request], schedule: str | os.PathLike[str], *, max_in_flight: int = 1000
    ) -> int:
        """Send recorded requests, each at its moment, whatever the answers do: a user that ends when all have ended.

        Args:
            kinds: The requests without their paths, which are in the schedule; braces in them are braces.
            schedule: A file with a record for each request, in their order, little-endian: when it is due, in
                microseconds from now (8 bytes); the number of its kind (4); the length of its path (4); the path with
                its query. It is read as it is played.
            max_in_flight: Beyond so many without an answer, requests are not offered.

        Raises:
            ValueError: a request cannot be sent, or the file is not such a schedule.
        """

    def ended(self, user: int) -> bool:
        """Whether a user has ended by itself, or was removed."""

    def remove(self, user: int, *, grace_s: float = 0.0) -> None:
        """Remove a user, at once between requests; one under way is aborted after the grace."""

    @property
    def users(self) -> int:
        """How many users there are."""

    def attempt(
        self, behaviour: int, *, position: int = 0, limit_s: float | None = None
    ) -> tuple[list[tuple[str, int, list[tuple[str, str]], bytes, str | None]], str | None, float | None]:
        """Let one user act once, with the values of a position: send a request, or go through a flow.

        Args:
            behaviour: What it does.
            position: In the sequence of values.
            limit_s: How long it may take, beside the limits of its requests.

        Returns:
            For each answer its name, status, headers, body and what is wrong with it, of a flow those of its steps;
            what was wrong with the whole, in a flow with the step; and how many seconds it took, ``None`` where it did
            not end within its limit.

        Raises:
            IndexError: no row is left at that position.
            ValueError: there is no such behaviour.
        """

    @property
    def drawn(self) -> int:
        """How many requests took values of the sequence."""

    def take(self) -> list[Counters]:
        """What was counted of each method and name since it was last taken."""

    def take_late(self) -> Histogram:
        """How late the engine's threads woke from pauses since this was last asked: their own delay."""

    def stop(self, *, grace_s: float = 0.0) -> None:
        """End all users and wait for it; requests under way are finished within the grace or aborted."""

@final
class Counters:
    """What became of the requests of one method and name: sums that can be added, and sent elsewhere.

    At any time started = answered + failed + aborted + in flight. Histograms and dictionaries are copies.
    """

    def __new__(cls, method: str = "", name: str = "") -> Counters:
        """Nothing counted yet."""

    @property
    def method(self) -> str:
        """Of the requests; empty in a total."""

    @property
    def name(self) -> str:
        """What they are counted under; empty in a total."""

    @property
    def started(self) -> int:
        """Requests that began."""

    @property
    def answered(self) -> int:
        """Those whose answer was as expected."""

    @property
    def failed(self) -> int:
        """Those that ended otherwise."""

    @property
    def aborted(self) -> int:
        """Those that were given up."""

    @property
    def out_of_data(self) -> int:
        """Users, or streams of arrivals, that ended because no row was left for them."""

    @property
    def redirected(self) -> int:
        """Further requests that were sent since an answer redirected."""

    @property
    def renewed(self) -> int:
        """Flows whose user had to begin anew."""

    @property
    def parsed(self) -> int:
        """Answers whose body was parsed or searched, where something in it was expected."""

    @property
    def not_offered(self) -> int:
        """Open arrivals that the bound on requests in flight turned away; they count as nothing else."""

    @property
    def reconnected(self) -> int:
        """Requests that were sent once more, since the server had just closed the connection that was kept."""

    @property
    def cut(self) -> int:
        """Answers that ended with a TLS connection that was closed without notice."""

    @property
    def body_bytes(self) -> int:
        """The size of the answers' bodies; of streams as they come."""

    @property
    def events(self) -> int:
        """Events of streams, as they come."""

    @property
    def requests(self) -> int:
        """Requests that ended by themselves, well or not."""

    @property
    def in_flight(self) -> int:
        """Requests that began and have not ended. Below 0 where more ended than began since the last look."""

    @property
    def in_flight_s(self) -> float:
        """Requests in flight, integrated over time: request-seconds."""

    @property
    def response(self) -> Histogram:
        """Latencies of the answers that were as expected, from the intended send to the answer's end, so that
        coordinated omission is corrected."""

    @property
    def failure(self) -> Histogram:
        """The same of other answers, and of time limits; connections that broke have no latency."""

    @property
    def service(self) -> Histogram:
        """Latencies of the answers that were as expected, from the real send."""

    @property
    def connect(self) -> Histogram:
        """How long new connections took."""

    @property
    def lag(self) -> Histogram:
        """How much later than intended requests were sent, connecting left out."""

    @property
    def first_byte(self) -> Histogram:
        """Of streams: from the intended send to the first byte of the body."""

    @property
    def first_event(self) -> Histogram:
        """Of streams: from the intended send to the first event."""

    @property
    def gap(self) -> Histogram:
        """Of streams: from an event to the next one."""

    @property
    def errors(self) -> dict[str, int]:
        """How often each error occurred."""

    @property
    def seconds(self) -> dict[int, tuple[int, int]]:
        """By second of the Unix clock: requests that ended, and failed ones among them."""

    def counts(self) -> dict[str, int]:
        """The counts by name, ``requests`` and ``in_flight`` among them."""

    def merge(self, other: Counters) -> None:
        """Add all of another's."""

    def reset(self) -> None:
        """Count anew. What is in flight counts as started: it will end in what is counted from now on."""

    def write_off(self, count: int) -> None:
        """Count so many in flight as aborted: their process is gone. Below 0: it was not, after all."""

    def to_dict(self) -> dict[str, object]:
        """All of it as plain data that msgpack and pickle take; histograms in their compressed form."""

    @staticmethod
    def from_dict(data: dict[str, object]) -> Counters:
        """What ``to_dict`` made.

        Raises:
            ValueError: something is missing, or is not what it should be.
        """

@final
class NullServer:
    """A server on 127.0.0.1 that answers each request at once with the same body."""

    def __new__(cls, body_bytes: int = 0, *, body: bytes | None = None) -> NullServer: ...
    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``."""

    @property
    def received(self) -> int:
        """How many requests have come."""

    def close(self) -> None:
        """End it."""

@final
class Histogram:
    """Latencies in microseconds, 1 µs to 1 h, three significant digits (an HDR histogram)."""

    def __new__(cls) -> Histogram:
        """Make an empty histogram."""

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

    def recorded(self) -> list[tuple[int, int]]:
        """The recorded values in microseconds, each with its count, in order."""

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
class HeavyFunction:
    """A function of :meth:`Stacks.functions`, likewise."""

    @property
    def name(self) -> str:
        """The readable name; a Python function's with its file, and with its line where but one was seen."""

    @property
    def kind(self) -> str:
        """As :attr:`HeavyFrame.kind`."""

    @property
    def self_value(self) -> int:
        """The value of the stacks that end in this function."""

    @property
    def total_value(self) -> int:
        """The value of the stacks that have this function anywhere, each once."""

    @property
    def location(self) -> str | None:
        """``file:line`` of its heaviest line, where the recording has it."""

    @property
    def lines(self) -> list[tuple[str, int, int]]:
        """Each line's ``file:line``, own value and total, the heaviest first; none where there is but one."""

@final
class ChangedFrame:
    """A function of :meth:`StackDiff.top`. Values are in the comparison's unit: shares (0 to 1) or what they
    were scaled to."""

    @property
    def name(self) -> str:
        """The readable name without line; a Python function's with its file."""

    @property
    def kind(self) -> str:
        """As :attr:`HeavyFrame.kind`."""

    @property
    def self_a(self) -> float:
        """In the first recording: the value of the stacks that end in this function."""

    @property
    def self_b(self) -> float:
        """The same in the second."""

    @property
    def total_a(self) -> float:
        """In the first recording: the value of the stacks that have this function anywhere, each once."""

    @property
    def total_b(self) -> float:
        """The same in the second."""

@final
class StackDiff:
    """Two recordings, matched: see :meth:`Stacks.diff`."""

    @property
    def total(self) -> tuple[float, float]:
        """The sums of both, in the comparison's unit."""

    def top(self, count: int = 20) -> list[ChangedFrame]:
        """The functions that changed most: by their own value, then by total, then by name."""

    def svg(self, title: str, *, subtitle: str | None = None, standalone: bool = True) -> str:
        """A differential flame graph: each frame as wide as the larger of both values.

        Orange is more in the second recording, blue is less; tooltips have both values. What went away is
        drawn as well as what is new. For the rest see :meth:`Stacks.svg`.
        """

@final
class OffCpu:
    """Time off the processor by the stack that left it, from the scheduler's events.

    Record with ``perf record -e sched:sched_switch -e sched:sched_wakeup --switch-events
    --call-graph dwarf,8192 -p PIDS`` and read ``perf script --no-demangle --show-switch-events
    --show-lost-events -F comm,pid,tid,time,event,ip,sym,dso,trace``. (``--switch-events`` says when a thread
    is back; without it only recordings of the whole machine, ``-a``, do.)
    """

    @staticmethod
    def read(
        path: str | os.PathLike[str],
        *,
        pids: list[int] = ...,
        blocked: list[tuple[int, list[str]]] = ...,
        window_us: int = 0,
    ) -> OffCpu:
        """Read the text of ``perf script``, as a stream.

        Args:
            path: The text.
            pids: Of these processes only, if any are given.
            blocked: The threads that were off the processor when the recording began, each with the stack
                that it had (headings and frames as in collapsed files, the outermost first).
            window_us: How long was recorded, where that is more than from the first event to the last.

        Raises:
            OSError: The file cannot be read.
        """

    @staticmethod
    def from_bytes(
        data: bytes,
        *,
        pids: list[int] = ...,
        blocked: list[tuple[int, list[str]]] = ...,
        window_us: int = 0,
    ) -> OffCpu:
        """The same from memory."""

    @property
    def waiting(self) -> Stacks:
        """Microseconds spent waiting for something, until woken. Clean it with ``drop_waiting=False``."""

    @property
    def runnable(self) -> Stacks:
        """Microseconds spent able to run but without a processor: after a wake-up, or preempted."""

    @property
    def throughout(self) -> Stacks:
        """Microseconds of threads that were blocked for more than half of the recording at once."""

    @property
    def switches(self) -> int:
        """How often a thread left the processor."""

    @property
    def unpaired(self) -> int:
        """How many of those miss their return: the thread left again without one."""

    @property
    def span_us(self) -> int:
        """How long the recording was, in microseconds."""

@final
class Stacks:
    """Stacks with their values. Nothing changes them: each method gives new ones."""

    @staticmethod
    def read(
        path: str | os.PathLike[str],
        format: str = "collapsed",
        *,
        periods: bool = False,
        event: str | None = None,
    ) -> Stacks:
        """Read a recording, as a stream.

        Lines that cannot be used (malformed, a NUL byte, not UTF-8, longer than 512 KiB, a count that
        overflows) are skipped and counted: see :attr:`skipped`.

        Args:
            path: The recording.
            format: ``collapsed`` (``outer;inner COUNT`` a line, as ``py-spy record --format raw`` writes it;
                counts may have fractions: see :attr:`parts`), ``perf`` (what ``perf script`` writes, best with
                ``--no-demangle -F comm,pid,tid,time,event,period,ip,sym,dso``; ``--show-lost-events`` fills
                :attr:`lost`), or ``guess``: one of the two, by how the file begins.
            periods: Of ``perf``, count the events that a sample stands for, where the file says how many.
            event: Of ``perf``, the kind of event that counts; without it, the first in the file. Others are
                skipped as ``other_event``: kinds are never added up.

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
    def parts(self) -> int:
        """How many units of a value make one of the recording's: 1, or 1,000,000 where it has fractions."""

    @property
    def waiting(self) -> int:
        """The value of the stacks that :meth:`clean` left out because they only wait."""

    @property
    def skipped(self) -> dict[str, int]:
        """How many lines were skipped, by reason.

        Reasons: ``too_long``, ``nul``, ``not_utf8``, ``no_count``, ``overflow``, ``no_stack``, ``malformed``,
        ``other_event``, ``limit``.
        """

    @property
    def lost(self) -> int:
        """How many events the recorder says that it lost."""

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
        roles: list[tuple[str, str]] = ...,
        tids: dict[int, str] = ...,
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
            threads: Keep the thread's role as the outermost frame (``thread: event loop``), where the
                recording has threads.
            roles: Roles by thread name, as ``(regular expression, role)``; the first that is found in the
                name (an empty one if the thread has none) counts. Of other threads the stacks tell the role
                (``event loop``, ``thread pool``, ``server runtime``, ``Python thread``), or else it is the
                name without numbers.
            tids: Roles by the system's thread id; they come before ``roles``.

        Raises:
            StacksError: A pattern is no regular expression.
        """

    def merge(self, others: list[Stacks]) -> Stacks:
        """These stacks and the others in one."""

    def under(self, pattern: str) -> float:
        """The share of the value (0 to 1) whose stack has a frame whose readable name matches.

        Raises:
            StacksError: The pattern is no regular expression.
        """

    def within(self, pattern: str) -> Stacks:
        """The stacks that have a frame that matches, from the outermost such frame inwards.

        ``stacks.within("fold").under("malloc|clone")`` is the loop's share under an allocation.

        Raises:
            StacksError: The pattern is no regular expression.
        """

    def texts(self) -> list[str]:
        """The text of each frame, once, as it was recorded."""

    def renamed(self, texts: dict[str, str]) -> Stacks:
        """The same stacks with other texts for some frames, each as a recorder would write it."""

    def below_role(self, role: str) -> Stacks:
        """The same stacks with ``thread: ROLE`` as the outermost frame."""

    def roots(self) -> list[tuple[str, int]]:
        """The value below each outermost frame (the roles, where there are threads), the heaviest first."""

    def top(self, count: int = 20) -> list[HeavyFrame]:
        """The heaviest frames: by their own value, then by total, then by name."""

    def functions(self, count: int = 20) -> list[HeavyFunction]:
        """The heaviest functions, likewise: in Python a function is a frame for each of its lines."""

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

    def speedscope(self, title: str, *, unit: str = "samples") -> bytes:
        """The stacks as speedscope's JSON, for speedscope.app and the Firefox Profiler."""

    def pprof(self, title: str, *, unit: str = "samples") -> bytes:
        """The stacks as pprof's protocol buffer, gzip'd, for ``go tool pprof`` and others."""

    def diff(
        self,
        other: Stacks,
        *,
        scale: tuple[float, float] | None = None,
        unit: str = "µs per request",
        names: tuple[str, str] = ("A", "B"),
    ) -> StackDiff:
        """Compare these stacks (A) with others (B). Clean both first.

        Frames are matched by name (Python's with file), not by line.

        Args:
            other: The second recording.
            scale: What the values of each are multiplied by, to be comparable: ``cpu_us_per_request / total``
                for samples, ``1 / requests`` for microseconds or bytes. ``None`` compares shares of the
                totals.
            unit: What comes out of ``scale``.
            names: What the two are called in legend and tooltips.

        Raises:
            StacksError: One of them has no samples, or a factor is not above 0.
        """
