"""What a run is told beside its experiment, and the presets."""

from __future__ import annotations

import msgspec

from hotlap.experiment import Engine, Lane, Load, Mode, Profiler


class StageTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long the stages of a lane take, in seconds."""

    warm_up_s: float
    time_s: float
    profile_s: float


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is told beside its experiment; kept in ``run.json`` so that it can be resumed."""

    timing: StageTimes
    engine: Engine = "native"
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


TIMINGS = {
    "default": StageTimes(warm_up_s=1.5, time_s=7.0, profile_s=4.0),
    "quick": StageTimes(warm_up_s=0.3, time_s=1.0, profile_s=2.0),
    "article": StageTimes(warm_up_s=5.0, time_s=30.0, profile_s=10.0),
}

ARTICLE_LOAD = Load(model="closed", users=3000, spawn_rate=100.0, wait_s=(0.5, 0.5), timeout_s=300.0)
"""The article's own load. A request to ``/read`` waits behind up to 3000 others for 50 ms each."""
