"""Judge a run: what was seen, held against the rules of today, whenever it is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hotlap.analysis.judged import JudgedLane, JudgedRun
from hotlap.analysis.profiles import judged_profile
from hotlap.analysis.rules import Claim, Rule, rules
from hotlap.analysis.trials import judged_trial
from hotlap.run import result
from hotlap.run.result import LaneResult, RuleHit, RunResult, Scope, Verdict


def judge(run: RunResult) -> JudgedRun:
    """Find what may be believed of a run, and what it shows."""
    judged = JudgedRun(evidence=run, lanes=[_lane(lane) for lane in run.lanes])
    by_scope: dict[Scope, list[Rule]] = {"run": [], "lane": [], "profile": []}
    for rule in rules():
        by_scope[rule.scope].append(rule)
    findings: list[RuleHit] = []
    for lane in judged.lanes:
        hits = [hit for rule in by_scope["lane"] for hit in _hits(rule, rule.read(judged, lane), lane)]
        lane.verdict = _verdict(hits)
        findings += _findings(hits)
        for profile in lane.profiles:
            hits = [
                hit
                for rule in by_scope["profile"]
                for hit in _hits(rule, rule.read(judged, lane, profile), lane)
            ]
            profile.trust = _verdict(hits)
            findings += _findings(hits)
    # Last: what is said of the run may depend on the lanes' verdicts.
    of_run = [hit for rule in by_scope["run"] for hit in _hits(rule, rule.read(judged), None)]
    doubts = [hit for hit in of_run if hit.severity != "finding"]
    for lane in judged.lanes:
        lane.verdict.rules += [hit for hit in doubts if lane.name in hit.lanes]
    judged.doubts, judged.findings = _ordered(doubts), _ordered([*findings, *_findings(of_run)])
    return judged


def read(folder: Path) -> JudgedRun:
    """Read a run's folder (or its ``run.json``) and judge it.

    Raises:
        ResultError: it cannot be read.
    """
    return judge(result.read(folder))


def write(judged: JudgedRun, folder: Path) -> Path:
    """Write a run with its judgement into its folder."""
    judged.evidence.judgement = judged.judgement()
    return result.write(judged.evidence, folder)


def _lane(lane: LaneResult) -> JudgedLane:
    measured = lane.of_role()
    last = measured[-1] if measured else None
    alone_ms = lane.verified.alone_ms if lane.verified is not None else None
    return JudgedLane(
        evidence=lane,
        trials=[judged_trial(trial, alone_ms) for trial in lane.trials],
        profiles=[judged_profile(profile, last) for profile in lane.profiles],
    )


def _hits(rule: Rule, claims: Iterator[Claim], lane: JudgedLane | None) -> list[RuleHit]:
    return [
        RuleHit(
            name=rule.name,
            scope=rule.scope,
            severity=rule.severity,
            sentence=claim.sentence,
            evidence=claim.evidence,
            lane=claim.lane or (lane.name if lane else None),
            link=claim.link,
            lanes=list(claim.lanes),
            weight=claim.weight,
            cause=claim.cause,
        )
        for claim in claims
    ]


def _verdict(hits: list[RuleHit]) -> Verdict:
    kept = [hit for hit in hits if hit.severity != "finding"]
    return Verdict(status="void" if any(hit.severity == "void" for hit in kept) else "ok", rules=kept)


def _ordered(hits: list[RuleHit]) -> list[RuleHit]:
    """The weightiest first."""
    return sorted(hits, key=lambda one: (-one.weight, one.name, one.lane or ""))


def _findings(hits: list[RuleHit]) -> list[RuleHit]:
    return [hit for hit in hits if hit.severity == "finding"]
