"""Findings by cause: what is told together, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest
import wide_run

from hotlap.analysis.causes import Cause, causes
from hotlap.run.result import RuleHit


def hit(name: str, lane: str | None, cause: str | None, sentence: str = "so it is") -> RuleHit:
    return RuleHit(name=name, scope="lane", severity="finding", sentence=sentence, lane=lane, cause=cause)


def test_findings_of_one_rule_with_one_cause_are_one() -> None:
    hits = [
        hit("lock", "read/python", "the lock a"),
        hit("work", "read/python", "the lock a"),
        hit("lock", "list/python", "the lock b"),
        hit("lock", "list/native", "the lock a"),
    ]
    found = causes(hits)
    assert [cause.hits for cause in found] == [[hits[0], hits[3]], [hits[1]], [hits[2]]]
    assert [cause.sentence for cause in found] == ["the lock a", "so it is", "so it is"]


def test_a_finding_without_a_cause_stands_alone() -> None:
    hits = [hit("lock", "read/python", None), hit("lock", "read/python", None)]
    assert [cause.hits for cause in causes(hits)] == [[one] for one in hits]
    assert causes([]) == []


@pytest.mark.parametrize(
    ("lanes", "told"),
    [
        (["read/python", "read/native", "read/python"], "2 lanes of read"),
        (["read/python", "list/python"], "2 lanes"),
        (["read/python"], "1 lane of read"),
    ],
)
def test_a_cause_says_how_far_it_reaches(lanes: list[str], told: str) -> None:
    assert Cause(hits=[hit("lock", lane, "the lock a") for lane in lanes]).reach == told


def test_sixty_lanes_have_few_causes(tmp_path: Path) -> None:
    findings = wide_run.make(tmp_path).findings
    found = causes(findings)
    assert len(findings) > 150
    assert len(found) < 20
    assert sum(len(cause.hits) for cause in found) == len(findings)
    assert (found[0].sentence, found[0].reach) == ("requests wait for the same lock (catalogue)", "8 lanes")
