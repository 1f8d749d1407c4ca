"""What a run will do, in which order and for how long: pure, so that it can be shown before it is done."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

import msgspec

from hotlap.experiment import Engine, Experiment, Lane, Load, Mode, Profiler
from hotlap.run.result import Role, RunResult

Stage = Literal["verify", "load", "profile", "diff"]

_START_S = 2.0
"""What a stretch takes beside its own time: the server and Locust start, and end."""
_RECORD_S = 2.0
"""What a profile takes beside its own time: the same, and its reading and drawing."""


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How long the stages of a lane take, in seconds."""

    warm_up_s: float
    time_s: float
    profile_s: float


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is told beside its experiment; kept in ``run.json`` so that it can be resumed."""

    timing: Timing
    engine: Engine = "http"
    load: Load | None = None
    """One load for all lanes instead of each lane's own."""
    profiles: tuple[Mode, ...] | None = None
    """The modes for all lanes instead of each lane's own; empty: none."""
    profiler: Profiler | None = None
    """Who records the modes that it can, instead of each mode's own."""
    profile_variant: str | None = None
    """The one variant whose lanes are profiled; ``None``: all."""
    repeat: int = 1
    seed: int = 0
    stock: bool = False
    """Whether stock Locust (``http``) measures each lane too, for comparison."""
    writes: float | None = None
    """The share of writers in lanes that have some, instead of each lane's own."""
    noise: bool = True
    """Whether one lane is measured twice, to learn how much this machine varies by itself."""

    def lane_of(self, lane: Lane) -> Lane:
        """A lane with what the options change of it."""
        if self.writes is None or lane.writes is None:
            return lane
        return msgspec.structs.replace(lane, writes=msgspec.structs.replace(lane.writes, share=self.writes))

    def load_of(self, lane: Lane) -> Load:
        """The load under which a lane is measured."""
        return self.load or lane.load

    def profiles_of(self, lane: Lane) -> tuple[Mode, ...]:
        """The modes in which a lane is profiled."""
        if self.profile_variant not in (None, lane.variant):
            return ()
        return lane.profiles if self.profiles is None else self.profiles


LONGEST_S = 4.0
"""The most that a short stretch is made longer for slow answers."""


def window_s(told_s: float, load: Load, answer_s: float) -> float:
    """How long a stretch is measured: as told, but so that users who queue for one place each have a turn.

    A lane that takes a second for an answer would otherwise end a quick stretch without any.
    """
    if load.model != "closed":
        return told_s
    return max(told_s, min(1.2 * load.users * answer_s, LONGEST_S))


TIMINGS = {
    "default": Timing(warm_up_s=1.5, time_s=7.0, profile_s=4.0),
    "quick": Timing(warm_up_s=0.3, time_s=1.0, profile_s=2.0),
    "article": Timing(warm_up_s=5.0, time_s=30.0, profile_s=10.0),
}

ARTICLE_LOAD = Load(model="closed", users=3000, spawn_rate=100.0, wait_s=(0.5, 0.5), timeout_s=300.0)
"""The article's own load. A request to ``/read`` waits behind up to 3000 others for 50 ms each."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do. ``estimate_s`` is how long it should take."""

    stage: Stage
    lane: str
    estimate_s: float
    role: Role = "measure"
    repeat: int = 0
    mode: Mode | None = None
    against: str | None = None

    @property
    def title(self) -> str:
        """What a person is told that is going on."""
        match self.stage:
            case "verify":
                return f"verify {self.lane}"
            case "load":
                again = f" (again, {self.repeat + 1})" if self.repeat else ""
                return f"load {self.lane}{again}" + ("" if self.role == "measure" else f" [{self.role}]")
            case "profile":
                return f"profile {self.lane} ({self.mode})"
            case "diff":
                return f"compare {self.lane} with {self.against}"


def plan(experiment: Experiment, lanes: Sequence[Lane], options: Options) -> list[Task]:
    """The tasks of a run, in order.

    All lanes are verified first, since variants are held against each other. With one round, each
    lane is loaded and then profiled; with more, each round loads all lanes in an order of its own,
    shuffled with ``options.seed``, so that a drift of the machine does not fall on one variant.
    """
    tasks = [Task(stage="verify", lane=lane.name, estimate_s=0.8) for lane in lanes]
    shuffled = random.Random(options.seed)
    for repeat in range(options.repeat):
        order = list(lanes)
        if options.repeat > 1:
            shuffled.shuffle(order)
        for lane in order:
            tasks.append(_load(lane, options, "measure", repeat))
            if options.repeat == 1:
                tasks.extend(_profiles(lane, options))
    if options.repeat > 1:
        for lane in lanes:
            tasks.extend(_profiles(lane, options))
    if options.noise and lanes:
        tasks.extend(_load(noise_lane(experiment, lanes), options, "a/a", repeat) for repeat in range(1))
    if options.stock:
        tasks.extend(_load(lane, options, "stock", 0) for lane in lanes)
    names = {lane.name for lane in lanes if "on-cpu" in options.profiles_of(lane)}
    tasks.extend(
        Task(stage="diff", lane=before, against=after, mode="on-cpu", estimate_s=0.3)
        for before, after in experiment.diffs
        if before in names and after in names
    )
    return tasks


def noise_lane(experiment: Experiment, lanes: Sequence[Lane]) -> Lane:
    """The lane that is measured twice: the last of the candidate's, as heavy lanes come last."""
    candidates = [lane for lane in lanes if lane.variant == experiment.candidate]
    return (candidates or list(lanes))[-1]


def _load(lane: Lane, options: Options, role: Role, repeat: int) -> Task:
    load = options.load_of(lane)
    ramp_s = load.users / load.spawn_rate if load.spawn_rate else 0.0
    timing = options.timing
    return Task(
        stage="load",
        lane=lane.name,
        role=role,
        repeat=repeat,
        estimate_s=_START_S + ramp_s + timing.warm_up_s + timing.time_s,
    )


def _profiles(lane: Lane, options: Options) -> list[Task]:
    load = options.load_of(lane)
    ramp_s = load.users / load.spawn_rate if load.spawn_rate else 0.0
    return [
        Task(
            stage="profile",
            lane=lane.name,
            mode=mode,
            estimate_s=_RECORD_S + ramp_s + options.timing.profile_s,
        )
        for mode in options.profiles_of(lane)
    ]


def missing(tasks: Sequence[Task], run: RunResult) -> list[Task]:
    """The tasks that a run has no result of yet; lanes with something left are verified anew."""
    left = [task for task in tasks if task.stage != "verify" and not _done(task, run)]
    lanes = {task.lane for task in left}
    return [task for task in tasks if (task.stage == "verify" and task.lane in lanes) or task in left]


def _done(task: Task, run: RunResult) -> bool:
    lane = run.lane(task.lane)
    if lane is None:
        return False
    match task.stage:
        case "load":
            return any(one.role == task.role and one.repeat == task.repeat for one in lane.loads)
        case "profile":
            return any(one.mode == task.mode and one.error is None for one in lane.profiles)
        case "diff":
            return any(one["a"] == task.lane and one["b"] == task.against for one in run.diffs)
        case "verify":
            return lane.verified is not None
