"""A run with what may be believed of it: evidence beside judgement, never instead of it."""

from __future__ import annotations

import msgspec

from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import Role, Trial
from hotlap.evidence.profile import Frame, Profile
from hotlap.run.result import Judgement, LaneJudgement, LaneResult, LimitedBy, RuleHit, RunResult, Verdict


class Steadiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a trial had a steady state."""

    growing: bool = False
    """The latency grew for as long as it was looked at: it has no mean."""
    slope_ms_per_s: float | None = None
    decided: bool = True
    """Whether there were answers enough to say anything."""


class LittlesLaw(msgspec.Struct, frozen=True, kw_only=True):
    """The users of a closed loop, against those that its figures account for.

    A user is either waiting or has a request in flight. Waiting are, in the mean, throughput times the wait;
    in flight are, where they are counted, the requests in flight integrated over the window, with those that
    did not end in it, and else throughput times the response.
    """

    users: float
    in_flight: float
    accounted: float
    difference: float
    """Of the users: how many are not accounted for."""
    by_latency: float | None = None
    """The users in flight by throughput and mean response, where the window is long enough for its edges not to
    matter."""
    latency_difference: float | None = None
    """How far that is from those that were counted, as a share of the users."""


class JudgedTrial(msgspec.Struct, frozen=True, kw_only=True):
    """A trial, and what may be believed of it."""

    evidence: Trial
    latency_ms: Percentiles
    """What may be believed of the latency: of one that grew, or of some users only, the maximum alone."""
    service_ms: Percentiles | None
    limited_by: LimitedBy | None
    steadiness: Steadiness
    law: LittlesLaw | None
    """``None`` where it cannot be applied."""
    starved: float | None
    """How many users waited through the trial while others were answered again and again."""
    saturated: bool
    """More arrived than was answered: an open loop's requests in flight kept growing."""


class JudgedProfile(msgspec.Struct, kw_only=True):
    """A profile, and what may be believed of it."""

    evidence: Profile
    frames: list[Frame]
    """Those that were seen often enough to be named, the heaviest first; the heaviest is always there."""
    slowdown: float | None = None
    """By how much fewer requests were served than in the clean trial: 0.3 is 30% fewer."""
    trust: Verdict = msgspec.field(default_factory=Verdict)


class JudgedLane(msgspec.Struct, kw_only=True):
    """A lane, and whether its figures may be believed."""

    evidence: LaneResult
    trials: list[JudgedTrial] = []
    profiles: list[JudgedProfile] = []
    verdict: Verdict = msgspec.field(default_factory=Verdict)

    @property
    def name(self) -> str:
        """``scenario/variant``."""
        return self.evidence.name

    def of_role(self, role: Role = "measure") -> list[JudgedTrial]:
        """The trials of one role."""
        return [trial for trial in self.trials if trial.evidence.role == role]


class JudgedRun(msgspec.Struct, kw_only=True):
    """A run, its lanes as judged, and what it shows about the service."""

    evidence: RunResult
    lanes: list[JudgedLane] = []
    doubts: list[RuleHit] = []
    """What is doubtful about several lanes, said once; their verdicts have it too. The weightiest first."""
    findings: list[RuleHit] = []
    """The weightiest first."""

    def lane(self, name: str) -> JudgedLane | None:
        """The lane of that name, or ``None``."""
        return next((lane for lane in self.lanes if lane.name == name), None)

    def judgement(self) -> Judgement:
        """What is written into ``run.json`` for its other readers."""
        return Judgement(
            doubts=self.doubts,
            findings=self.findings,
            lanes={
                lane.name: LaneJudgement(
                    verdict=lane.verdict,
                    limited_by=[trial.limited_by for trial in lane.trials],
                    profiles=[profile.trust for profile in lane.profiles],
                )
                for lane in self.lanes
            },
        )
