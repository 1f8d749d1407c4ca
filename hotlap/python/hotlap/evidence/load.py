"""What one trial saw: its requests, slice by slice and as a whole, and the machine meanwhile."""

from __future__ import annotations

from typing import Literal

import msgspec

from hotlap.evidence.figures import (
    Amount,
    Count,
    CountDifference,
    Difference,
    Duration,
    FileName,
    Percentiles,
)
from hotlap.experiment import Arrivals, Engine, Model

Role = Literal["measure", "a/a", "stock", "capacity"]
"""What a trial is for: the figures, the machine's own noise, stock Locust beside the engine, a search."""


class Point(msgspec.Struct, kw_only=True):
    """One second of a trial, its warm-up included."""

    t_s: Amount
    rps: Amount
    """Answers as expected; the latencies are theirs."""
    p50_ms: Amount | None = None
    p99_ms: Amount | None = None
    in_flight: Count | None = None
    failures: Count = 0


class Slice(msgspec.Struct, kw_only=True):
    """A short part of a trial, its warm-up included: what tells whether there is a steady state."""

    length_s: Duration
    requests: Count
    failures: Count = 0
    """Of them."""
    mean_ms: Amount | None = None
    """``None``: nothing was answered in it."""
    in_flight: Count | None = None
    """Requests without an answer at its end; ``None`` where the engine does not count them."""


class StreamFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What came of answers that are streams, those too that had not ended when the window did."""

    events: Count
    events_per_s: Amount
    bytes_per_s: Amount
    """Of bodies."""
    first_byte_ms: Percentiles
    """From the intended send to the first byte of the body."""
    first_event_ms: Percentiles
    """From the intended send to the first event."""
    gap_ms: Percentiles
    """From an event to the next one."""
    server_cpu_us_per_event: Difference | None = None
    """``None`` where it is not known, or other requests were sent beside."""


class NamedRequests(msgspec.Struct, kw_only=True):
    """The requests of one name in a trial: of its whole window, its warm-up included."""

    requests: Count
    failures: Count
    rps: Amount
    latency_ms: Percentiles
    service_ms: Percentiles | None = None
    """From the real send of each; ``None`` where the engine does not know."""
    stream: StreamFigures | None = None
    """Where their answers are streams."""


class ProcessUse(msgspec.Struct, frozen=True, kw_only=True):
    """A process that is neither the server, the generator nor the lab's own."""

    name: str
    pid: Count
    cpu_percent: Amount
    """Of one core, from when the users were started."""


class MachineUse(msgspec.Struct, kw_only=True):
    """What else the machine did during a trial."""

    other_cpu_percent: Amount = 0.0
    """Of one core, by processes that are neither the generator nor the server, where its processes are known."""
    others: list[ProcessUse] | None = None
    """Those of them that used most and were there at the end; ``None`` where nobody looked."""
    steal_percent: Difference = 0.0
    """Of one core, taken away by the host."""
    swapped_bytes: CountDifference = 0
    throttled: CountDifference | None = None
    """Periods in which the container's share was used up; ``None`` where it has none."""
    file_limit: CountDifference | None = None
    cores: Count | None = None
    """That server and generator may run on."""


class LocustStats(msgspec.Struct, kw_only=True):
    """What Locust's own statistics say of the window, in requests/s and milliseconds."""

    rps: Amount | None = None
    mean: Amount | None = None
    p50: Amount | None = None
    p99: Amount | None = None


class FirstSchema(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of the first schema says of a trial whose slices it did not keep."""

    growth_ms_per_s: Difference | None = None
    """The slope of a latency that was found to grow; percentiles were not kept then."""
    saturated: bool = False


class ServerProcesses(msgspec.Struct, frozen=True, kw_only=True):
    """The processes that a server had, and how they changed during a trial."""

    began: Count
    """When its load began."""
    ended: Count = 0
    """Of those, gone when it ended."""
    started: Count = 0
    """There at its end alone."""


class Trial(msgspec.Struct, kw_only=True):
    """One continuous measurement of one lane, on a freshly started server."""

    engine: Engine
    model: Model
    role: Role = "measure"
    repeat: Count = 0
    started: str | None = None
    users: Count | None = None
    wait_s: tuple[Amount, Amount] | None = None
    rate: Amount | None = None
    """Arrivals a second that were offered, in an open load."""
    arrivals: Arrivals | None = None
    own_users: bool = False
    """Whether a locustfile's users made the load: how they wait is not known."""
    duration_s: Amount | None = None
    """Of the window that counts, after the warm-up."""
    warm_up_s: Amount | None = None
    """What was cut off the window's start, where the latency had not settled yet."""
    requests: Count | None = None
    """All that ended by themselves, the ``failures`` among them."""
    failures: Count | None = None
    aborted: Count | None = None
    not_offered: Count | None = None
    drawn: Count | None = None
    """Requests that took values of the lane's data, the warm-up's too."""
    out_of_data: Count | None = None
    """Users, or streams of arrivals, that ended because no row was left for them."""
    parsed: Count | None = None
    """Answers whose body was parsed or searched, where something in it is expected."""
    reconnected: Count | None = None
    """Requests that were sent once more, since the server had just closed the connection that was kept."""
    stream: StreamFigures | None = None
    """Where the lane's answers are streams."""
    rps: Amount | None = None
    """Answers as expected a second; the latencies are theirs too."""
    latency_ms: Percentiles = msgspec.field(default_factory=Percentiles)
    failed_latency_ms: Percentiles | None = None
    """Of other answers and of time limits; ``None`` where there were none."""
    service_ms: Percentiles | None = None
    """The same from the real send of the request."""
    connect_ms: Percentiles | None = None
    lag_ms: Percentiles | None = None
    """How much later than meant requests were sent."""
    late_ms: Percentiles | None = None
    """How late the engine's threads woke."""
    in_flight_mean: Amount | None = None
    """Requests in flight, the mean over the window; ``None`` where the engine does not count them."""
    by_name: dict[str, NamedRequests] = {}
    """Where a lane has requests of several names, those that read and those that write, steps, the scenarios of a
    mix, or a locustfile's: each."""
    flows: dict[str, NamedRequests] = {}
    """Flows as a whole, by name, where the requests are steps of some: how long one took, its waits left out."""
    histogram: FileName | None = None
    """The response times' ``.hgrm``; the CSV beside it has the same name and ``.csv``."""
    server_cpu_us_per_request: Difference | None = None
    server_cpu_percent: Difference | None = None
    server_processes: ServerProcesses | None = None
    server_rss_bytes: Count | None = None
    """Resident memory of all its processes when the window ended, still connected."""
    generator_cpu_percent: Difference | None = None
    generator_offers_rps: Amount | None = None
    """What one thread of the engine offers here to a server that only answers."""
    errors: dict[str, Count] = {}
    slices: list[Slice] = []
    series: list[Point] = []
    machine: MachineUse | None = None
    locust: LocustStats | None = None
    first_schema: FirstSchema | None = None
