"""Rules about profiles: whether one may be believed, and what to do where it may not."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hotlap.analysis.judged import JudgedLane, JudgedProfile, JudgedRun
from hotlap.analysis.profiles import FEWEST_SEEN
from hotlap.analysis.rules import Claim, rule
from hotlap.evidence.profile import NativeFrames, Profile
from hotlap.run.result import RuleEvidence

FEWEST_SAMPLES = 100
"""A function with 1% of the samples must have been seen at all."""
MOST_ERRORS = 0.05
MOST_UNNAMED = 0.20
MOST_SLOWDOWN = 0.30
MOST_SWITCHES_HZ = 50_000
"""Above this rate a recording of switches, each with its stack, cannot be written as fast as it comes."""

_COUNTED_EXACTLY = ("memory",)
"""Modes that count each event instead of sampling."""


@rule("few-samples", "profile", "doubtful")
def few_samples(run: JudgedRun, lane: JudgedLane, profile: JudgedProfile) -> Iterator[Claim]:
    """Too few samples for the smallest function that the report names (5), or altogether (100)."""
    seen = profile.evidence
    if seen.error or seen.mode in _COUNTED_EXACTLY or not profile.frames:
        return
    total = seen.total or max(frame.total_value for frame in profile.frames)
    # Time off the processor is in microseconds: what was seen of it are switches.
    count, what = (total, "samples") if seen.unit == "samples" else (seen.samples or 0, "switches")
    if not count or not total:
        return
    smallest = min(profile.frames, key=lambda frame: (frame.self_value, frame.name))
    of_smallest = count * smallest.self_value / total
    evidence: RuleEvidence = {
        what: count,
        "smallest_named": smallest.name,
        f"{what}_of_it": round(of_smallest),
    }
    its_share = smallest.self_value / total
    if of_smallest < FEWEST_SEEN:
        longer = max(2, math.ceil(FEWEST_SEEN / of_smallest)) if of_smallest else None
        yield Claim(
            sentence=f"the {seen.mode} profile of {lane.name} names {smallest.name} ({its_share:.1%}), of which it "
            f"has {of_smallest:.0f} {what}: record for {f'{longer} times as long' if longer else 'longer'}, or under more load",
            evidence=evidence,
        )
    elif count < FEWEST_SAMPLES:
        yield Claim(
            sentence=f"the {seen.mode} profile of {lane.name} rests on {count:g} {what}: shares below "
            f"{min(100, max(1, round(300 / count)))}% are chance; record for longer or under more load",
            evidence=evidence,
        )


@rule("recorder-doubts", "profile", "doubtful")
def recorder_doubts(run: JudgedRun, lane: JudgedLane, profile: JudgedProfile) -> Iterator[Claim]:
    """The recorder itself says that it could not see all: a fallback, or more events than it can follow."""
    for doubt in _doubts(profile.evidence):
        yield Claim(
            sentence=f"the {profile.evidence.mode} profile of {lane.name}: {doubt}", evidence={"doubt": doubt}
        )


def _doubts(profile: Profile) -> Iterator[str]:
    if profile.stands_in:
        yield profile.stands_in
    if profile.native_frames is NativeFrames.UNREADABLE:
        yield (
            "py-spy could not unwind most of the native stacks, so that these are Python's frames only: "
            "use --profiler perf"
        )
    gil = profile.gil
    if profile.native_frames is NativeFrames.DISTORT and gil is not None and gil.moved_share is not None:
        yield (
            f"stopping the server to read native stacks moved {gil.moved_share:.0%} of the samples to other holders "
            "of the interpreter, so that these are Python's frames only, read without stopping it"
        )
    if profile.off_cpu is not None and profile.off_cpu.switches_per_s > MOST_SWITCHES_HZ:
        yield (
            f"{profile.off_cpu.switches_per_s:,.0f} switches a second are more than recording can follow "
            f"({MOST_SWITCHES_HZ:,}): lower the load, or trust shares only"
        )


@rule("sampling-errors", "profile", "doubtful")
def sampling_errors(run: JudgedRun, lane: JudgedLane, profile: JudgedProfile) -> Iterator[Claim]:
    """More than 5% of the samples failed or were missed."""
    seen = profile.evidence
    lost = (seen.errors or 0) + (seen.missed or 0)
    # A look at a process gives a sample of each thread that runs, or fails for all of them.
    tried = (seen.samples or 0) + lost if seen.looks is None else seen.looks + (seen.missed or 0)
    if tried and lost / tried > MOST_ERRORS:
        yield Claim(
            sentence=f"{lost / tried:.0%} of the samples of the {seen.mode} profile of {lane.name} failed or were "
            "missed: leave the profiler a core, or ask for a lower rate",
            evidence={"errors": seen.errors, "missed": seen.missed, "samples": seen.samples},
        )


@rule("unnamed-frames", "profile", "doubtful")
def unnamed_frames(run: JudgedRun, lane: JudgedLane, profile: JudgedProfile) -> Iterator[Claim]:
    """More than 20% of the samples end in code without a name."""
    share = profile.evidence.unnamed_share
    if share is not None and share > MOST_UNNAMED:
        yield Claim(
            sentence=f"{share:.0%} of the {profile.evidence.mode} profile of {lane.name} is in code without names: "
            "see `hotlap doctor` for symbols, or use --profiler perf",
            evidence={"unnamed_share": share},
        )


@rule("profiler-slows", "profile", "doubtful")
def profiler_slows(run: JudgedRun, lane: JudgedLane, profile: JudgedProfile) -> Iterator[Claim]:
    """The lane was more than 30% slower while it was being profiled."""
    slowdown = profile.slowdown
    if slowdown is not None and slowdown > MOST_SLOWDOWN:
        yield Claim(
            sentence=f"{lane.name} was {slowdown:.0%} slower while its {profile.evidence.mode} profile was taken: "
            "it may show the profiler's own cost; ask for a lower rate, or use --profiler perf",
            evidence={"slowdown": slowdown},
        )


@rule("worth-detaching", "profile", "finding")
def worth_detaching(run: JudgedRun, lane: JudgedLane, profile: JudgedProfile) -> Iterator[Claim]:
    """What holding the interpreter costs the lane, and whether detaching would help."""
    gil = profile.evidence.gil
    if gil is None or gil.share is None or gil.outside_share is None or gil.samples < FEWEST_SAMPLES:
        return
    share, outside = gil.share, gil.outside_share
    held = f"{lane.name} holds the interpreter {share:.0%} of the time ({gil.samples} samples)"
    if share >= 0.5 and share * outside >= 0.25:
        advice = f"{outside:.0%} of that in native code: detach from the interpreter there"
    elif share >= 0.5:
        advice = "nearly all of it in Python itself: only moving that work into native code would free it"
    else:
        advice = "it is not what limits this lane: detaching would gain little"
    yield Claim(
        sentence=f"{held}, {advice}",
        evidence={
            "gil_share": share,
            "gil_samples": gil.samples,
            "gil_looks": gil.looks,
            "gil_outside_share": outside,
        },
        weight=share if share >= 0.5 else 0.05,
    )
