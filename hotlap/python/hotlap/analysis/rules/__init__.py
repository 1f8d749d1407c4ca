"""The one list of rules: verdicts, doubts about profiles and findings.

A rule is a function that reads its evidence and yields what it has to say. Rules live in the
modules of this package, one subject each; ``apply`` runs them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import msgspec

from hotlap.run.result import LaneResult, Profile, RunResult, Scope, Severity, Spoken, Verdict

MODULES = ("load", "profiles", "findings")


class Says(msgspec.Struct, kw_only=True):
    """What a rule says of one thing, with the evidence that it rests on."""

    sentence: str
    evidence: dict[str, Any] = {}
    link: str | None = None
    weight: float = 0.0
    lane: str | None = None


class Rule(msgspec.Struct, frozen=True):
    """A rule: ``read`` takes (run), (run, lane) or (run, lane, profile), by its scope."""

    name: str
    scope: Scope
    severity: Severity
    read: Callable[..., Iterator[Says]]
    doc: str


_RULES: list[Rule] = []


def rule(
    name: str, scope: Scope, severity: Severity
) -> Callable[[Callable[..., Iterator[Says]]], Callable[..., Iterator[Says]]]:
    """Declare a rule; its docstring is its entry in the reference."""

    def declare(read: Callable[..., Iterator[Says]]) -> Callable[..., Iterator[Says]]:
        _RULES.append(Rule(name, scope, severity, read, (read.__doc__ or "").strip()))
        return read

    return declare


def rules() -> list[Rule]:
    """All rules, in the order of their modules."""
    for module in MODULES:
        import_module(f"hotlap.analysis.rules.{module}")
    return list(_RULES)


def _speak(rule: Rule, says: Says, lane: LaneResult | None) -> Spoken:
    return Spoken(
        name=rule.name,
        scope=rule.scope,
        severity=rule.severity,
        sentence=says.sentence,
        evidence=says.evidence,
        lane=says.lane or (lane.name if lane else None),
        link=says.link,
        weight=says.weight,
    )


def apply(run: RunResult) -> None:
    """Judge a run: fill the verdicts of lanes, the trust of profiles and the findings, anew."""
    findings: list[Spoken] = []
    by_scope: dict[Scope, list[Rule]] = {"run": [], "lane": [], "profile": []}
    for each in rules():
        by_scope[each.scope].append(each)

    for lane in run.lanes:
        spoken = [_speak(each, says, lane) for each in by_scope["lane"] for says in each.read(run, lane)]
        lane.verdict = _verdict([one for one in spoken if one.severity != "finding"])
        findings.extend(one for one in spoken if one.severity == "finding")
        for profile in lane.profiles:
            of_profile = [
                _speak(each, says, lane)
                for each in by_scope["profile"]
                for says in each.read(run, lane, profile)
            ]
            profile.trust = _verdict([one for one in of_profile if one.severity != "finding"])
            findings.extend(one for one in of_profile if one.severity == "finding")
    # Last: what is said of the run may depend on the lanes' verdicts.
    for each in by_scope["run"]:
        findings.extend(_speak(each, says, None) for says in each.read(run))
    run.findings = sorted(findings, key=lambda one: (-one.weight, one.name, one.lane or ""))


def _verdict(spoken: list[Spoken]) -> Verdict:
    return Verdict(status="void" if any(one.severity == "void" for one in spoken) else "ok", rules=spoken)


__all__ = ["LaneResult", "Profile", "Rule", "RunResult", "Says", "apply", "rule", "rules"]
