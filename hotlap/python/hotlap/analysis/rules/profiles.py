"""Rules about profiles: whether one may be believed, and what to do where it may not."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hotlap.analysis.rules import Says, rule
from hotlap.run.result import LaneResult, Profile, RunResult

FEWEST_SAMPLES = 100
"""A function with 1% of the samples must have been seen at all."""
FEWEST_SEEN = 5
"""A function that is named must have been seen so often: of fewer, the share is chance."""
MOST_ERRORS = 0.05
MOST_UNNAMED = 0.20
MOST_SLOWDOWN = 0.30

_COUNTED_EXACTLY = ("memory",)
"""Modes that count each event instead of sampling."""


@rule("few-samples", "profile", "doubtful")
def few_samples(run: RunResult, lane: LaneResult, profile: Profile) -> Iterator[Says]:
    """Too few samples for the smallest function that the report names (5), or altogether (100)."""
    if profile.error or profile.mode in _COUNTED_EXACTLY:
        return
    total = max((frame.total_value for frame in profile.frames), default=0)
    # Time off the processor is in microseconds: what was seen of it are switches.
    seen, what = (total, "samples") if profile.unit == "samples" else (profile.samples or 0, "switches")
    if not seen:
        return
    smallest = min(profile.frames, key=lambda frame: (frame.self_value, frame.name))
    of_smallest = seen * smallest.self_value / total
    evidence = {what: seen, "smallest_named": smallest.name, f"{what}_of_it": round(of_smallest)}
    its_share = smallest.self_value / total
    if of_smallest < FEWEST_SEEN:
        longer = max(2, math.ceil(FEWEST_SEEN / of_smallest)) if of_smallest else None
        yield Says(
            sentence=f"the {profile.mode} profile of {lane.name} names {smallest.name} ({its_share:.1%}), of which it "
            f"has {of_smallest:.0f} {what}: record for {f'{longer} times as long' if longer else 'longer'}, or under more load",
            evidence=evidence,
        )
    elif seen < FEWEST_SAMPLES:
        yield Says(
            sentence=f"the {profile.mode} profile of {lane.name} rests on {seen:g} {what}: shares below "
            f"{min(100, max(1, round(300 / seen)))}% are chance; record for longer or under more load",
            evidence=evidence,
        )


@rule("recorder-doubts", "profile", "doubtful")
def recorder_doubts(run: RunResult, lane: LaneResult, profile: Profile) -> Iterator[Says]:
    """The recorder itself says that it could not see all: a fallback, or more events than it can follow."""
    doubt = profile.facts.get("doubt")
    if doubt:
        yield Says(sentence=f"the {profile.mode} profile of {lane.name}: {doubt}", evidence={"doubt": doubt})


@rule("sampling-errors", "profile", "doubtful")
def sampling_errors(run: RunResult, lane: LaneResult, profile: Profile) -> Iterator[Says]:
    """More than 5% of the samples failed or were missed."""
    lost = (profile.errors or 0) + (profile.missed or 0)
    # A look at a process gives a sample of each thread that runs, or fails for all of them.
    looks = profile.facts.get("looks")
    tried = (profile.samples or 0) + lost if looks is None else looks + (profile.missed or 0)
    if tried and lost / tried > MOST_ERRORS:
        yield Says(
            sentence=f"{lost / tried:.0%} of the samples of the {profile.mode} profile of {lane.name} failed or were "
            "missed: leave the profiler a core, or ask for a lower rate",
            evidence={"errors": profile.errors, "missed": profile.missed, "samples": profile.samples},
        )


@rule("unnamed-frames", "profile", "doubtful")
def unnamed_frames(run: RunResult, lane: LaneResult, profile: Profile) -> Iterator[Says]:
    """More than 20% of the samples end in code without a name."""
    share = profile.unnamed_share
    if share is not None and share > MOST_UNNAMED:
        yield Says(
            sentence=f"{share:.0%} of the {profile.mode} profile of {lane.name} is in code without names: "
            "see `hotlap doctor` for symbols, or use --profiler perf",
            evidence={"unnamed_share": share},
        )


@rule("profiler-slows", "profile", "doubtful")
def profiler_slows(run: RunResult, lane: LaneResult, profile: Profile) -> Iterator[Says]:
    """The lane was more than 30% slower while it was being profiled."""
    if profile.slowdown is not None and profile.slowdown > MOST_SLOWDOWN:
        yield Says(
            sentence=f"{lane.name} was {profile.slowdown:.0%} slower while its {profile.mode} profile was taken: "
            "it may show the profiler's own cost; ask for a lower rate, or use --profiler perf",
            evidence={"slowdown": profile.slowdown},
        )


@rule("worth-detaching", "profile", "finding")
def worth_detaching(run: RunResult, lane: LaneResult, profile: Profile) -> Iterator[Says]:
    """What holding the interpreter costs the lane, and whether detaching would help."""
    facts = profile.facts
    share, outside, samples = facts.get("gil_share"), facts.get("gil_outside_share"), facts.get("gil_samples")
    if profile.mode != "gil" or share is None or outside is None or not samples or samples < FEWEST_SAMPLES:
        return
    held = f"{lane.name} holds the interpreter {share:.0%} of the time ({samples} samples)"
    native = share * outside
    if share >= 0.5 and native >= 0.25:
        advice = f"{outside:.0%} of that in native code: detach from the interpreter there"
    elif share >= 0.5:
        advice = "nearly all of it in Python itself: only moving that work into native code would free it"
    else:
        advice = "it is not what limits this lane: detaching would gain little"
    yield Says(sentence=f"{held}, {advice}", evidence=dict(facts), weight=share if share >= 0.5 else 0.05)
