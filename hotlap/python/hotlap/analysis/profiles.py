"""What may be believed of one profile: which functions were seen often enough, and what it cost. Pure."""

from __future__ import annotations

from hotlap.analysis.judged import JudgedProfile
from hotlap.evidence.load import Trial
from hotlap.evidence.profile import Frame, Profile

FEWEST_SEEN = 5
"""A function that is named must have been seen so often: of fewer, the share is chance."""
VDSO = "[vdso]"
"""The kernel's page of fast system calls, the clock mostly, where nobody knows which function of it, or for whom."""
FRAMES_SHOWN = 20
"""How many of the heaviest functions are named, at the most."""


def judged_profile(profile: Profile, measured: Trial | None) -> JudgedProfile:
    """A profile with what may be believed of it.

    Args:
        profile: What was seen.
        measured: The lane's last trial without a profiler.
    """
    return JudgedProfile(evidence=profile, frames=named(profile), slowdown=slowdown(profile, measured))


def is_vdso(name: str) -> bool:
    """Whether a frame is the kernel's page of fast system calls: it says nothing of the app, so no table starts with it."""
    return name.strip("[]") == VDSO.strip("[]")


def named(profile: Profile) -> list[Frame]:
    """The functions that were seen often enough to be named, and the heaviest in any case."""
    fewest = FEWEST_SEEN * _a_sample(profile)
    shown = profile.frames[:FRAMES_SHOWN]
    return [one for at, one in enumerate(shown) if at == 0 or one.self_value >= fewest]


def _a_sample(profile: Profile) -> float:
    """What one look at a stack counts, in the profile's unit; 0 where each event is counted."""
    match profile.unit:
        case "samples":
            return 1.0
        case "allocations":
            return 0.0
        case _:
            return (profile.total or 0.0) / profile.samples if profile.samples else 1.0


def slowdown(profile: Profile, measured: Trial | None) -> float | None:
    """By how much fewer requests were served than in the clean trial: 0.3 is 30% fewer."""
    if measured is None or not measured.rps or not profile.duration_s or profile.requests is None:
        return None
    return 1 - profile.requests / profile.duration_s / measured.rps
