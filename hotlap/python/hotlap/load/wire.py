"""What the lab tells the Locust that it starts, and what it is told back; files between two processes."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from hotlap.evidence.load import LocustStats, MachineUse
from hotlap.experiment import Engine, Lane, Load

PLAN_VARIABLE = "HOTLAP_SWARM_PLAN"
INTERACTIVE_VARIABLE = "HOTLAP_SWARM_INTERACTIVE"


class SwarmPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One trial: written by the lab, read by the locustfile.

    With ``time_s`` the trial is measured after ``warm_up_s`` and then ends; without it the load
    goes on until the process is told to end, and ``live`` says how far it got.
    """

    lane: Lane
    load: Load
    engine: Engine
    warm_up_s: float = 0.0
    time_s: float | None = None
    server_pids: tuple[int, ...] = ()
    seen_pids: tuple[int, ...] = ()
    """Processes of the server as far as they can be seen, also where they were not named."""
    seed: int = 0
    """Of what is left to chance: waits, gaps, who writes."""
    body: bytes | None = None
    """What each body must be; ``None`` where that is not known, or the lane itself says it."""
    first: int = 0
    """The position in the sequence of values from which on they are its own."""
    ca_file: str | None = None
    """The authorities that a ``https`` server is trusted by, instead of the usual ones."""
    answer: str
    """The file for the ``WindowResult``."""
    failure: str
    """The file that says why there can be none, as text."""
    live: str
    """The file that holds how many requests were answered so far, as text."""

    @property
    def users(self) -> int:
        """How many Locust users there are: one stands for all open arrivals."""
        return 1 if self.load.model == "open" else self.load.users

    @staticmethod
    def given() -> SwarmPlan:
        """The plan that the environment names."""
        return msgspec.json.decode(Path(os.environ[PLAN_VARIABLE]).read_bytes(), type=SwarmPlan)


class InteractivePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What ``hotlap swarm`` was asked for."""

    lane: Lane
    load: Load
    engine: Engine
    body: bytes | None = None
    """What each body must be, as in ``SwarmPlan``."""
    ca_file: str | None = None
    """The authorities that a ``https`` server is trusted by, instead of the usual ones."""
    json: str | None = None
    """Where the result is to be written, for the command to take it from."""

    @staticmethod
    def given() -> InteractivePlan:
        """The plan in the file that the environment names: a body may be larger than a variable can be."""
        path = Path(os.environ[INTERACTIVE_VARIABLE])
        return msgspec.json.decode(path.read_bytes(), type=InteractivePlan)


class StreamSlice(msgspec.Struct, kw_only=True):
    """What came of streams in it. Encoded histograms."""

    events: int
    body_bytes: int
    first_byte: bytes
    first_event: bytes
    gap: bytes


class Slice(msgspec.Struct, kw_only=True):
    """A short part of the window, so that it can be cut afterwards. Encoded histograms."""

    length_s: float
    requests: int
    failures: int
    response: bytes
    """Of the answers that were as expected."""
    failure: bytes | None = None
    """Of what failed; ``None`` where nothing did."""
    service: bytes | None = None
    in_flight: int | None = None
    """Requests without an answer at its end; ``None`` where the engine does not count them."""
    in_flight_s: float | None = None
    """The same, integrated over its length."""
    not_offered: int | None = None
    parsed: int | None = None
    reconnected: int | None = None
    stream: StreamSlice | None = None
    generator_cpu_s: float
    server_cpu_s: float | None
    errors: dict[str, int] = {}


class NamedSlice(msgspec.Struct, kw_only=True):
    """What the requests of one name gave in the window."""

    requests: int
    failures: int
    response: bytes
    service: bytes | None = None
    stream: StreamSlice | None = None


class WindowResult(msgspec.Struct, kw_only=True):
    """What a trial gave, after its warm-up."""

    engine: Engine
    """Whose users made the load: those of a locustfile may be the native engine's."""
    slices: list[Slice]
    aborted: int | None = None
    """Requests that had no answer when the window ended; ``None`` where the engine does not count them."""
    drawn: int | None = None
    """Requests that took values, since the first; ``None`` where the engine did not send them."""
    out_of_data: int | None = None
    """Users, or streams of arrivals, that ended since the first request because no row was left."""
    connect: bytes | None = None
    """How long connections took, an encoded histogram; likewise the others."""
    lag: bytes | None = None
    """How much later than meant requests were sent."""
    late: bytes | None = None
    """How late the engine's threads woke."""
    locust: LocustStats
    by_name: dict[str, NamedSlice] = {}
    """What each name gave, where requests of several names were sent."""
    flows: dict[str, NamedSlice] = {}
    """What flows as a whole gave, where the requests were steps of some; their waits left out."""
    machine: MachineUse | None = None
