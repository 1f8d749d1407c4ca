"""Which profiles are doubtful, and what they then say to do."""

from __future__ import annotations

from typing import Any

import pytest

from hotlap._engine import Stacks
from hotlap.analysis import rules
from hotlap.profiling.profile import frames
from hotlap.run.result import Frame, LaneResult, Profile, RunResult, Spoken


def judged(**known: Any) -> tuple[Profile, list[Spoken]]:
    """A profile of a run of one lane, after the rules have read it, and what they found."""
    settings: dict[str, Any] = {
        "profiler": "py-spy",
        "mode": "on-cpu",
        "samples": 1000,
        "errors": 0,
        "missed": 0,
    }
    settings["frames"] = [Frame(name="work", kind="python", self_value=1000, total_value=1000)]
    profile = Profile(**{**settings, **known})
    run = RunResult(
        created="", lanes=[LaneResult(scenario="cpu", variant="python", path="/", profiles=[profile])]
    )
    rules.apply(run)
    return profile, run.findings


def doubts(**known: Any) -> dict[str, str]:
    """What is doubtful about such a profile: rule and sentence."""
    return {one.name: one.sentence for one in judged(**known)[0].trust.rules if one.severity == "doubtful"}


def test_a_profile_that_saw_enough_is_not_doubtful() -> None:
    assert doubts(slowdown=0.1, unnamed_share=0.05) == {}


@pytest.mark.parametrize(
    ("known", "rule", "says", "remedy"),
    [
        ({"errors": 60, "samples": 1000}, "sampling-errors", "6%", "lower rate"),
        ({"missed": 600, "samples": 1000}, "sampling-errors", "38%", "leave the profiler a core"),
        # A look that fails fails for all threads, however many samples the others gave.
        ({"errors": 12, "samples": 5000, "facts": {"looks": 200}}, "sampling-errors", "6%", "lower rate"),
        ({"missed": 100, "samples": 5000, "facts": {"looks": 200}}, "sampling-errors", "33%", "a core"),
        ({"unnamed_share": 0.21}, "unnamed-frames", "21%", "hotlap doctor"),
        ({"slowdown": 0.31}, "profiler-slows", "31% slower", "lower rate"),
        (
            {"facts": {"doubt": "py-spy stood in; see `hotlap doctor`"}},
            "recorder-doubts",
            "stood in",
            "doctor",
        ),
        (
            {"samples": 20, "frames": [Frame(name="work", kind="python", self_value=20, total_value=20)]},
            "few-samples",
            "20 samples",
            "record for longer",
        ),
        (
            {
                "frames": [
                    Frame(name="work", kind="python", self_value=996, total_value=1000),
                    Frame(name="rare", kind="c", self_value=2, total_value=2),
                ]
            },
            "few-samples",
            "names rare (0.2%), of which it has 2 samples",
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


@pytest.mark.parametrize("known", [{"errors": 50, "samples": 950}, {"unnamed_share": 0.2}, {"slowdown": 0.3}])
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
    facts = {"gil_share": share, "gil_outside_share": outside, "gil_samples": 400, "gil_ticks": 500}
    _, findings = judged(mode="gil", facts=facts)
    (said,) = [one.sentence for one in findings if one.name == "worth-detaching"]
    assert advice in said
    assert "400 samples" in said


def test_too_few_samples_give_no_advice() -> None:
    facts = {"gil_share": 0.9, "gil_outside_share": 0.8, "gil_samples": 20, "gil_ticks": 500}
    _, findings = judged(mode="gil", facts=facts)
    assert not [one for one in findings if one.name == "worth-detaching"]


def test_only_functions_that_were_seen_often_enough_are_named() -> None:
    stacks = Stacks.from_counts([(["work"], 400), (["often"], 5), (["rare"], 4)])
    assert [one.name for one in frames(stacks)] == ["work", "often"]
    assert [one.name for one in frames(stacks, samples=0)] == ["work", "often", "rare"]
    assert [one.name for one in frames(stacks, samples=8)] == ["work"]
    assert [one.name for one in frames(Stacks.from_counts([(["rare"], 2)]))] == ["rare"]
