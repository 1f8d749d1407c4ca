"""What a run will do, in which order and for how long: pure, so that it can be shown before it is done."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from hotlap.evidence.load import Role
from hotlap.experiment import Engine, Experiment, Lane, Load, Mode, Profiler
from hotlap.run.options import Options
from hotlap.run.result import RunResult

_START_S = 2.0
"""What a trial takes beside its own time: the server and Locust start, and end."""
_RECORD_S = 2.0
"""What a profile takes beside its own time: the same, and its reading and drawing."""


class Verify(msgspec.Struct, frozen=True, kw_only=True):
    """Check what a lane answers."""

    lane: Lane

    @property
    def estimate_s(self) -> float:
        """How long it should take; likewise of the other jobs."""
        return 0.8

    @property
    def title(self) -> str:
        """What a person is told that is going on; likewise of the other jobs."""
        return f"verify {self.lane.name}"

    def done(self, run: RunResult) -> bool:
        """Whether a run has its result; likewise of the other jobs."""
        row = run.lane(self.lane.name)
        return row is not None and row.verified is not None


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """Measure a lane in one trial."""

    lane: Lane
    load: Load
    engine: Engine
    role: Role = "measure"
    repeat: int = 0
    warm_up_s: float
    time_s: float

    @property
    def estimate_s(self) -> float:
        return _START_S + _ramp_s(self.load) + self.warm_up_s + self.time_s

    @property
    def title(self) -> str:
        again = f" (again, {self.repeat + 1})" if self.repeat else ""
        return f"load {self.lane.name}{again}" + ("" if self.role == "measure" else f" [{self.role}]")

    def done(self, run: RunResult) -> bool:
        row = run.lane(self.lane.name)
        return row is not None and any(one.repeat == self.repeat for one in row.of_role(self.role))


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Profile a lane in one mode."""

    lane: Lane
    load: Load
    engine: Engine
    mode: Mode
    profiler: Profiler | None
    """``None``: the mode's own."""
    time_s: float

    @property
    def estimate_s(self) -> float:
        return _RECORD_S + _ramp_s(self.load) + self.time_s

    @property
    def title(self) -> str:
        return f"profile {self.lane.name} ({self.mode})"

    def done(self, run: RunResult) -> bool:
        row = run.lane(self.lane.name)
        return row is not None and any(one.mode == self.mode and one.error is None for one in row.profiles)


class Compare(msgspec.Struct, frozen=True, kw_only=True):
    """Draw the difference between the on-CPU profiles of two lanes."""

    lane: Lane
    after: Lane

    @property
    def estimate_s(self) -> float:
        return 0.3

    @property
    def title(self) -> str:
        return f"compare {self.lane.name} with {self.after.name}"

    def done(self, run: RunResult) -> bool:
        return any(one.a == self.lane.name and one.b == self.after.name for one in run.diffs)


Job = Verify | Measure | Record | Compare
"""One thing to do, with just what it needs."""


def _ramp_s(load: Load) -> float:
    return load.users / load.spawn_rate if load.spawn_rate else 0.0


LONGEST_S = 4.0
"""The most that a short trial is made longer for slow answers."""


def window_s(told_s: float, load: Load, answer_s: float) -> float:
    """How long a trial is measured: as told, but so that users who queue for one place each have a turn.

    A lane that takes a second for an answer would otherwise end a quick trial without any.
    """
    if load.model != "closed":
        return told_s
    return max(told_s, min(1.2 * load.users * answer_s, LONGEST_S))


def plan(experiment: Experiment, lanes: Sequence[Lane], options: Options) -> list[Job]:
    """The jobs of a run, in order.

    All lanes are verified first, since variants are held against each other. With one round, each
    lane is loaded and then profiled; with more, each round loads all lanes in an order of its own,
    shuffled with ``options.seed``, so that a drift of the machine does not fall on one variant.
    """
    jobs: list[Job] = [Verify(lane=lane) for lane in lanes]
    shuffled = random.Random(options.seed)
    for repeat in range(options.repeat):
        order = list(lanes)
        if options.repeat > 1:
            shuffled.shuffle(order)
        for lane in order:
            jobs.append(_measure(lane, options, "measure", repeat))
            if options.repeat == 1:
                jobs.extend(_records(lane, options))
    if options.repeat > 1:
        for lane in lanes:
            jobs.extend(_records(lane, options))
    if options.noise and lanes:
        jobs.append(_measure(noise_lane(experiment, lanes), options, "a/a", 0))
    if options.stock:
        jobs.extend(_measure(lane, options, "stock", 0) for lane in lanes)
    profiled = {lane.name: lane for lane in lanes if "on-cpu" in options.profiles_of(lane)}
    jobs.extend(
        Compare(lane=profiled[before], after=profiled[after])
        for before, after in experiment.diffs
        if before in profiled and after in profiled
    )
    return jobs


def noise_lane(experiment: Experiment, lanes: Sequence[Lane]) -> Lane:
    """The lane that is measured twice: the last of the candidate's, as heavy lanes come last."""
    candidates = [lane for lane in lanes if lane.variant == experiment.candidate]
    return (candidates or list(lanes))[-1]


def _measure(lane: Lane, options: Options, role: Role, repeat: int) -> Measure:
    return Measure(
        lane=lane,
        load=options.load_of(lane),
        engine="http" if role == "stock" else options.engine,
        role=role,
        repeat=repeat,
        warm_up_s=options.timing.warm_up_s,
        time_s=options.timing.time_s,
    )


def _records(lane: Lane, options: Options) -> list[Job]:
    return [
        Record(
            lane=lane,
            load=options.load_of(lane),
            engine=options.engine,
            mode=mode,
            profiler=options.profiler or lane.profiler,
            time_s=options.timing.profile_s,
        )
        for mode in options.profiles_of(lane)
    ]


def missing(jobs: Sequence[Job], run: RunResult) -> list[Job]:
    """The jobs that a run has no result of yet; lanes with something left are verified anew."""
    left = {job.lane.name for job in jobs if not isinstance(job, Verify) and not job.done(run)}
    return [job for job in jobs if (job.lane.name in left if isinstance(job, Verify) else not job.done(run))]
