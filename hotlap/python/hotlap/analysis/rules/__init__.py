"""The one list of rules: verdicts, doubts about profiles and findings.

A rule is a function that reads evidence and yields claims. Rules live in the modules of this package, one subject
each; ``hotlap.analysis.judge`` runs them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module

import msgspec

from hotlap.analysis.judged import JudgedRun
from hotlap.run.result import RuleEvidence, Scope, Severity

MODULES = ("load", "serving", "profiles", "findings", "mixes", "streams")


class Claim(msgspec.Struct, kw_only=True):
    """What a rule says of one thing, with the evidence that it rests on."""

    sentence: str
    evidence: RuleEvidence = {}
    link: str | None = None
    weight: float = 0.0
    lane: str | None = None
    cause: str | None = None
    """What it comes down to, in words that hold for any lane: those of a rule with the same one are told together."""
    lanes: Sequence[str] = ()
    """Of a doubt that is said once for the run: the lanes that it makes doubtful."""


class Rule(msgspec.Struct, frozen=True):
    """A rule: ``read`` takes (run), (run, lane) or (run, lane, profile), by its scope, all of them judged."""

    name: str
    scope: Scope
    severity: Severity
    read: Callable[..., Iterator[Claim]]
    doc: str


_RULES: list[Rule] = []
_NAMED = 3
"""How many lanes a sentence about several names."""


def lanes_were(run: JudgedRun, names: Sequence[str]) -> str:
    """How a sentence about lanes begins: ``all 4 lanes were``, ``both lanes were``, ``cpu/native was``."""
    if len(names) == 1:
        return f"{names[0]} was"
    if len(names) == len(run.lanes):
        return "both lanes were" if len(names) == 2 else f"all {len(names)} lanes were"
    if len(names) > _NAMED:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more were"
    return f"{', '.join(names[:-1])} and {names[-1]} were"


def rule(
    name: str, scope: Scope, severity: Severity
) -> Callable[[Callable[..., Iterator[Claim]]], Callable[..., Iterator[Claim]]]:
    """Declare a rule; its docstring is its entry in the reference."""

    def declare(read: Callable[..., Iterator[Claim]]) -> Callable[..., Iterator[Claim]]:
        _RULES.append(Rule(name, scope, severity, read, (read.__doc__ or "").strip()))
        return read

    return declare


def rules() -> list[Rule]:
    """All rules, in the order of their modules."""
    for module in MODULES:
        import_module(f"hotlap.analysis.rules.{module}")
    return list(_RULES)
