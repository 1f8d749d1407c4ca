"""A run of one lane, judged, and what the rules said of it."""

from __future__ import annotations

from hotlap.analysis.judge import judge
from hotlap.analysis.judged import JudgedRun
from hotlap.evidence.load import Trial
from hotlap.evidence.profile import Profile
from hotlap.run.result import LaneResult, RuleHit, RunResult


def judged(*trials: Trial, profiles: tuple[Profile, ...] = ()) -> JudgedRun:
    """A run of one lane with these trials and profiles, judged."""
    row = LaneResult(scenario="delay", variant="x", path="/", trials=list(trials), profiles=list(profiles))
    return judge(RunResult(created="2026-01-01T00:00:00+00:00", lanes=[row]))


def said(made: JudgedRun) -> dict[str, RuleHit]:
    """What the rules said of the lane, by name."""
    lane = made.lanes[0]
    return {one.name: one for one in [*lane.verdict.rules, *made.findings]}


def doubts(profile: Profile) -> str:
    """What a report doubts of a profile because of how it was recorded; nothing: ``""``."""
    (judged_profile,) = judged(profiles=(profile,)).lanes[0].profiles
    return "; ".join(hit.sentence for hit in judged_profile.trust.rules if hit.name == "recorder-doubts")
