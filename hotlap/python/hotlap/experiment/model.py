"""What is measured: an experiment, its lanes and their load.

An experiment is a plain value. It comes from a TOML table (``[tool.hotlap]``) or from a Python
object that the table names. Nothing here starts a process or reads a file.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import quote

import msgspec

Interface = Literal["asgi", "wsgi", "rsgi"]
Model = Literal["closed", "paced", "open"]
Arrivals = Literal["even", "exponential"]
Engine = Literal["native", "http"]
Mode = Literal["on-cpu", "off-cpu", "await", "gil", "memory"]
Profiler = Literal["py-spy", "perf"]
"""Those between which there is a choice."""


MOST_USERS = 100_000
"""So many users, or requests in flight, at the most: each has a connection, and there are fewer ports."""
MOST_A_SECOND = 10_000_000.0
"""So many arrivals, or users started, a second."""
LONGEST_S = 7 * 86_400.0
"""So long waits and time limits, at the most."""


class ExperimentError(ValueError):
    """An experiment that cannot be run: the message says which key is wrong and what to do."""


class Load(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The load of a lane.

    ``closed``: ``users`` each wait ``wait_s`` (low, high) between an answer and the next request.
    ``paced``: each of ``users`` starts a request every ``wait_s`` seconds. ``open``: requests start
    at ``rate`` a second whatever the answers do, with at most ``max_in_flight`` unanswered.
    """

    model: Model = "closed"
    users: int = 16
    spawn_rate: float | None = None
    wait_s: tuple[float, float] = (0.0, 0.0)
    rate: float | None = None
    arrivals: Arrivals = "even"
    max_in_flight: int = 1000
    timeout_s: float = 30.0


StreamEach = Literal["event", "line", "chunk"]
DataOrder = Literal["in-turn", "random", "zipf", "unique"]
AtEnd = Literal["stop", "again"]


class DataFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file whose columns placeholders in a lane's requests stand for, and the order in which its rows are taken."""

    path: str
    """``.csv`` or ``.tsv`` with a line of names, ``.jsonl`` or ``.ndjson`` with an object in each line."""
    order: DataOrder = "in-turn"
    exponent: float = 1.0
    """Of ``zipf``: the n-th row comes as often as 1 / n to this power."""
    at_end: AtEnd = "stop"
    """What happens when no ``unique`` row is left: users end, or the rows are taken anew."""


Json = bool | int | float | str | None


class Expect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a lane must answer.

    Texts may have placeholders, which stand for what was sent. ``body`` is the exact text; with ``any_body`` nothing is
    expected of it. ``same_as`` names the variant of the same scenario whose answer it must equal. With none of these,
    all such variants of a scenario must answer alike.
    """

    statuses: tuple[int, ...] = (200,)
    body: str | None = None
    any_body: bool = False
    """Whether answers may have any body: then only their status is held against them."""
    same_as: str | None = None
    headers: dict[str, str] = {}
    json: dict[str, Json] = {}
    """Values of the body by JSON pointer (RFC 6901)."""
    contains: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()
    """Patterns that the body matches somewhere."""
    size_bytes: tuple[int, int] | None = None
    """The least and the most that the body may have."""

    @property
    def status(self) -> str:
        """The statuses, in words."""
        return " or ".join(map(str, self.statuses))

    @property
    def of_body(self) -> bool:
        """Whether something is expected of the answer beside its status and its whole body."""
        return bool(self.headers or self.json or self.contains or self.matches or self.size_bytes)


class Stream(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer that comes bit by bit: its events are counted and timed.

    It is over after ``events``, after ``time_s``, or when the server ends it. One that ends before is a failure. The
    load's ``timeout_s`` is then for its silence.
    """

    each: StreamEach | None = None
    """What an event is; ``None``: as its content type says. ``event``: a server-sent one with data. ``line``: one that
    is not blank. ``chunk``: what the server sends at once."""
    events: int | None = None
    time_s: float | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request of a flow."""

    name: str
    """What it is counted under."""
    method: str = "GET"
    path: str
    headers: dict[str, str] = {}
    body: str | None = None
    expect: Expect = Expect()
    capture: dict[str, str] = {}
    """What its answer gives to later steps, by name: ``json:/POINTER``, ``header:NAME``, ``cookie:NAME`` or
    ``regex:PATTERN``."""
    once: bool = False
    """Whether a user sends it only when it begins, as a login."""
    wait_s: tuple[float, float] = (0.0, 0.0)
    """After it."""
    follow: bool = False
    """Whether it goes where its answer redirects to, on the same server."""
    stream: Stream | None = None
    """Where its answer is a stream."""


class Writes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A share of a lane's requests that write, counted apart from those that read."""

    share: float
    """From 0 to 1."""
    method: str = "PUT"
    path: str | None = None
    """``None``: the lane's own."""
    headers: dict[str, str] = {}
    body: str | None = None
    expect: Expect = Expect()


class Server(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an app is served: ``app`` by a server of its environment, a ``command`` with ``{port}``, or a ``url``."""

    app: str | None = None
    python: str | None = None
    """The interpreter that the app runs in, from the experiment's folder; ``None``: the lab's own."""
    factory: bool = False
    interface: Interface = "asgi"
    command: tuple[str, ...] | None = None
    url: str | None = None
    ca_file: str | None = None
    """The authorities, in PEM, that a ``https`` url is trusted by, instead of the usual ones."""
    pid: int | None = None
    env: dict[str, str] = {}
    cwd: str | None = None
    ready_path: str = "/"
    ready_timeout_s: float = 30.0
    stop_timeout_s: float = 8.0
    granian_args: tuple[str, ...] = ()


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scenario within a mix."""

    weight: int
    """How often it has its turn, relative to the others."""
    lane: Lane


class Lane(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scenario in one variant: the thing that is loaded, profiled and given a row."""

    scenario: str
    variant: str
    path: str
    """Placeholders in it, in headers, body and expectations stand for values: ``{name}``."""
    steps: tuple[Step, ...] = ()
    """Those of a flow, which one user goes through with cookies of its own; then the lane has no request but these."""
    again_on: tuple[int, ...] = ()
    """Statuses that send the user of a flow back to its steps that are ``once``, as 401 when a token has run out."""
    mix: tuple[Part, ...] = ()
    """Scenarios that have their turns, instead of requests of its own; how these arrive is this lane's load."""
    data: tuple[DataFile, ...] = ()
    """Where those values come from that are not generated."""
    suite: str = "default"
    title: str = ""
    method: str = "GET"
    headers: dict[str, str] = {}
    body: str | None = None
    expect: Expect = Expect()
    stream: Stream | None = None
    """Where its answer is a stream."""
    load: Load = Load()
    writes: Writes | None = None
    locustfile: str | None = None
    """A locustfile of one's own, whose users stand in for the generated ones."""
    profiles: tuple[Mode, ...] = ("on-cpu",)
    """The modes in which a run profiles this lane unless it is told others."""
    profiler: Profiler | None = None
    """Who records those of them that it can, instead of each mode's own."""
    server: Server | None = None
    """What this lane changes of how the app is served; ``None``: the experiment's own server."""
    secrets: dict[str, str] = {}
    """Variables of the environment that were put into its requests, with their values: they are never shown."""

    def hide(self, text: str) -> str:
        """A text with ``${NAME}`` in the place of each secret."""
        for name, value in sorted(self.secrets.items(), key=lambda one: -len(one[1])):
            for written in (value, quote(value, safe=""), json.dumps(value)[1:-1]) if value else ():
                text = text.replace(written, f"${{{name}}}")
        return text

    @property
    def name(self) -> str:
        """``scenario/variant``."""
        return f"{self.scenario}/{self.variant}"

    @property
    def asks(self) -> str:
        """What it asks for, in a line: its path, the steps of its flow, or the scenarios of its mix."""
        if self.mix:
            return ", ".join(f"{part.weight} × {part.lane.scenario}" for part in self.mix)
        return " → ".join(step.name for step in self.steps) or self.path


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """An app, how it is served, its lanes and their load."""

    name: str
    server: Server
    lanes: tuple[Lane, ...]
    root: str = "."
    """The folder from which the app is served and relative paths start."""
    setup: tuple[str, ...] | None = None
    """A command that is run before each server starts, in the experiment's folder."""
    teardown: tuple[str, ...] | None = None
    """A command that is run after each server has ended."""
    fail_if: tuple[str, ...] = ()
    """Thresholds that a run must not cross, such as ``cpu/native p99 > 1.10x``."""
    allow_remote: bool = False
    """Whether a server that is not on this machine may be loaded."""
    diffs: tuple[tuple[str, str], ...] = ()
    """Pairs of lanes whose on-CPU profiles are drawn as a difference: (before, after)."""
    metrics_path: str | None = None
    """Where the app says how long its locks were waited for and held, in the Prometheus text format."""
    baseline: str = "python"
    candidate: str = "native"
    extensions: tuple[str, ...] = ()
    """Modules that say how they were built (``build_profile``), checked before anything is measured."""
    reference: dict[str, dict[str, float | str]] = {}
    """Figures from elsewhere, a scenario each, shown beside the run's: ``{"read": {"rps": 19.5}}``."""
    reference_title: str = ""

    def suites(self) -> list[str]:
        """The suites, in the order in which lanes first name them."""
        return list(dict.fromkeys(lane.suite for lane in self.lanes))

    def lane(self, name: str) -> Lane:
        """The lane of that name.

        Raises:
            ExperimentError: no lane has that name; the message lists those that there are.
        """
        for lane in self.lanes:
            if lane.name == name:
                return lane
        raise ExperimentError(f"no lane is named {name!r}; there are: {', '.join(self.names())}")

    def names(self) -> list[str]:
        """The names of the lanes."""
        return [lane.name for lane in self.lanes]

    def select(self, patterns: tuple[str, ...] = (), suite: str | None = None) -> list[Lane]:
        """The lanes that match one of the patterns (``cpu/*``) and the suite, in the experiment's order.

        Without a pattern, a suite's lanes; without either, those of the first suite.

        Raises:
            ExperimentError: a pattern or suite that matches nothing.
        """
        if suite is not None and suite not in self.suites():
            raise ExperimentError(f"no suite is named {suite!r}; there are: {', '.join(self.suites())}")
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in self.names()):
                raise ExperimentError(f"no lane matches {pattern!r}; there are: {', '.join(self.names())}")
        if not patterns and suite is None:
            suite = self.suites()[0]
        return [
            lane
            for lane in self.lanes
            if (suite is None or lane.suite == suite)
            and (not patterns or any(fnmatchcase(lane.name, pattern) for pattern in patterns))
        ]
