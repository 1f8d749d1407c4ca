"""Which profiles are doubtful, and what they then say to do."""

from __future__ import annotations

from typing import Any

import pytest

from hotlap._engine import Stacks
from hotlap.analysis.judge import judge
from hotlap.analysis.judged import JudgedProfile
from hotlap.evidence.load import Trial
from hotlap.evidence.profile import Frame, GilHold, NativeFrames, OffCpuTimes, Profile
from hotlap.profiling.profile import frames
from hotlap.run.result import LaneResult, RuleHit, RunResult


def judged(slowdown: float | None = None, **known: Any) -> tuple[JudgedProfile, list[RuleHit]]:
    """A profile of a run of one lane, after the rules have read it, and what they found.

    ``slowdown`` is the share of requests that were missing while it was taken.
    """
    settings: dict[str, Any] = {
        "profiler": "py-spy",
        "mode": "on-cpu",
        "samples": 1000,
        "errors": 0,
        "missed": 0,
    }
    settings["frames"] = [Frame(name="work", kind="python", self_value=1000, total_value=1000)]
    if slowdown is not None:
        settings |= {"duration_s": 10.0, "requests": round(1000 * (1 - slowdown))}
    profile = Profile(**{**settings, **known})
    measured = Trial(engine="native", model="closed", requests=1000, failures=0, rps=100.0)
    lane = LaneResult(scenario="cpu", variant="python", path="/", trials=[measured], profiles=[profile])
    run = judge(RunResult(created="", lanes=[lane]))
    return run.lanes[0].profiles[0], run.findings


def doubts(**known: Any) -> dict[str, str]:
    """What is doubtful about such a profile: rule and sentence."""
    return {one.name: one.sentence for one in judged(**known)[0].trust.rules if one.severity == "doubtful"}


def test_a_profile_that_saw_enough_is_not_doubtful() -> None:
    assert doubts(slowdown=0.1, unnamed_share=0.05) == {}


def switching(switches_per_s: float) -> OffCpuTimes:
    return OffCpuTimes(
        switches_per_s=switches_per_s, unpaired=0, runnable_us=1, waiting_us=1, throughout_us=0
    )


@pytest.mark.parametrize(
    ("known", "rule", "says", "remedy"),
    [
        ({"errors": 60, "samples": 1000}, "sampling-errors", "6%", "lower rate"),
        ({"missed": 600, "samples": 1000}, "sampling-errors", "38%", "leave the profiler a core"),
        # A look that fails fails for all threads, however many samples the others gave.
        ({"errors": 12, "samples": 5000, "looks": 200}, "sampling-errors", "6%", "lower rate"),
        ({"missed": 100, "samples": 5000, "looks": 200}, "sampling-errors", "33%", "a core"),
        ({"unnamed_share": 0.21}, "unnamed-frames", "21%", "hotlap doctor"),
        ({"slowdown": 0.31}, "profiler-slows", "31% slower", "lower rate"),
        (
            {"stands_in": "py-spy stood in; see `hotlap doctor`"},
            "recorder-doubts",
            "stood in",
            "doctor",
        ),
        (
            {"native_frames": NativeFrames.UNREADABLE},
            "recorder-doubts",
            "could not unwind",
            "--profiler perf",
        ),
        (
            {"mode": "off-cpu", "off_cpu": switching(60_000)},
            "recorder-doubts",
            "60,000 switches a second are more than recording can follow (50,000)",
            "lower the load",
        ),
        (
            {"samples": 20, "frames": [Frame(name="work", kind="python", self_value=20, total_value=20)]},
            "few-samples",
            "20 samples",
            "record for longer",
        ),
        (
            {
                "total": 1000.0,
                "frames": [Frame(name="thin", kind="c", self_value=2, total_value=2)],
            },
            "few-samples",
            "names thin (0.2%), of which it has 2 samples",
            "3 times as long",
        ),
        (
            {
                "samples": 1000,
                "mode": "off-cpu",
                "unit": "µs",
                "frames": [
                    Frame(name="wait", kind="c", self_value=9_990_000, total_value=10_000_000),
                    Frame(name="rare", kind="c", self_value=10_000, total_value=10_000),
                ],
            },
            "few-samples",
            "of which it has 1 switches",
            "5 times as long",
        ),
        (
            {"samples": 20, "mode": "off-cpu", "unit": "µs", "profiler": "perf"},
            "few-samples",
            "20 switches",
            "record for longer",
        ),
    ],
)
def test_a_doubt_has_its_reason_and_its_remedy(
    known: dict[str, Any], rule: str, says: str, remedy: str
) -> None:
    said = doubts(**known)
    assert list(said) == [rule]
    assert says in said[rule]
    assert remedy in said[rule]
    assert "cpu/python" in said[rule]


@pytest.mark.parametrize(
    "known", [{"errors": 50, "samples": 950}, {"unnamed_share": 0.2}, {"slowdown": 0.29}]
)
def test_at_the_limit_there_is_no_doubt(known: dict[str, Any]) -> None:
    assert doubts(**known) == {}


def test_allocations_are_counted_and_need_no_number_of_samples() -> None:
    few = [Frame(name="work", kind="rust", self_value=3, total_value=3)]
    assert doubts(mode="memory", unit="allocations", samples=3, frames=few) == {}


def test_a_profile_that_failed_is_not_doubted_as_well() -> None:
    assert doubts(error="py-spy is not installed: pip install py-spy", samples=None, frames=[]) == {}


@pytest.mark.parametrize(
    ("share", "outside", "advice"),
    [
        (0.9, 0.8, "detach from the interpreter"),
        (0.9, 0.02, "moving that work"),
        (0.1, 0.9, "would gain little"),
    ],
)
def test_who_holds_the_interpreter_is_told_in_one_sentence(share: float, outside: float, advice: str) -> None:
    gil = GilHold(samples=400, looks=round(400 / share), outside_share=outside)
    _, findings = judged(mode="gil", gil=gil)
    (said,) = [one.sentence for one in findings if one.name == "worth-detaching"]
    assert advice in said
    assert "400 samples" in said


def test_too_few_samples_give_no_advice() -> None:
    _, findings = judged(mode="gil", gil=GilHold(samples=20, looks=22, outside_share=0.8))
    assert not [one for one in findings if one.name == "worth-detaching"]


def test_only_functions_that_were_seen_often_enough_are_named() -> None:
    def names(counts: dict[str, int], **known: Any) -> list[str]:
        stacks = Stacks.from_counts([([name], count) for name, count in counts.items()])
        profile, _ = judged(frames=frames(stacks), total=float(stacks.total), **known)
        return [one.name for one in profile.frames]

    seen = {"work": 400, "often": 5, "rare": 4}
    assert names(seen) == ["work", "often"]
    assert names(seen, unit="allocations", mode="memory") == ["work", "often", "rare"]
    assert names(seen, unit="µs", mode="off-cpu", samples=8) == ["work"]
    assert names({"rare": 2}) == ["rare"]


def test_all_functions_are_kept_whatever_is_shown_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    stacks = Stacks.from_counts([(["work"], 400), (["rare"], 4)])
    kept = frames(stacks)
    assert [one.name for one in kept] == ["work", "rare"]
    assert [one.name for one in judged(frames=kept)[0].frames] == ["work"]
    monkeypatch.setattr("hotlap.analysis.profiles.FEWEST_SEEN", 3)
    assert [one.name for one in judged(frames=kept)[0].frames] == ["work", "rare"]
