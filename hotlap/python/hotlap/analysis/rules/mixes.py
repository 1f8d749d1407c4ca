"""Rules about mixes: what scenarios cost together, beside what each needs alone in the same run."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hotlap import formatting
from hotlap.analysis.judged import JudgedLane, JudgedRun
from hotlap.analysis.rows import anchor, middle
from hotlap.analysis.rules import Claim, rule
from hotlap.evidence.load import NamedRequests, Trial
from hotlap.run.result import RuleEvidence

COSTLIER = 1.1
"""So many times the CPU of its parts alone, at least, is said to be more."""
SLOWER = 1.5
"""The same of a scenario's median latency."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario within a mix, and alone."""

    name: str
    requests: int
    """All of its requests, those of its steps too."""
    p50_ms: float | None
    """Of the scenario within the mix, a flow as a whole; likewise alone."""
    alone_p50_ms: float | None
    alone_cpu_us: float | None
    """Of a request."""


def parts(run: JudgedRun, lane: JudgedLane, trial: Trial) -> list[Part]:
    """The scenarios of a mix that were also measured alone in the run."""
    found = []
    for name, seen in {**trial.by_name, **trial.flows}.items():
        alone = run.lane(name)
        if alone is None or alone.name == lane.name or not alone.of_role():
            continue
        trials = [one.evidence for one in alone.of_role()]
        steps = [
            part.requests
            for step, part in trial.by_name.items()
            if step.startswith(f"{alone.evidence.scenario}: ")
        ]
        found.append(
            Part(
                name=name,
                requests=sum(steps) if name in trial.flows else seen.requests,
                p50_ms=seen.latency_ms.p50,
                alone_p50_ms=middle([_whole(one, name).latency_ms.p50 for one in trials]),
                alone_cpu_us=middle([one.server_cpu_us_per_request for one in trials]),
            )
        )
    return found


def _whole(trial: Trial, name: str) -> Trial | NamedRequests:
    return trial.flows.get(name, trial)


@rule("mix", "lane", "finding")
def mix(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """The scenarios of a mix cost more CPU together than alone, or one of them is slower within it."""
    measured = lane.of_role()
    if not measured:
        return
    trial = measured[-1].evidence
    found = parts(run, lane, trial)
    if not found:
        return
    told: list[str] = []
    evidence: RuleEvidence = {}
    cost = trial.server_cpu_us_per_request
    known = [(one.requests, one.alone_cpu_us) for one in found if one.alone_cpu_us is not None]
    counted = sum(requests for requests, _ in known)
    whole = sum(part.requests for part in trial.by_name.values())
    if cost is not None and counted and counted == whole:
        expected = sum(requests * cpu_us for requests, cpu_us in known) / counted
        evidence |= {"cpu_us": cost, "alone_cpu_us": expected}
        if cost >= COSTLIER * expected:
            told.append(
                f"a request costs {formatting.number(cost)} µs of CPU within it, {cost / expected:.2g} times what its "
                f"scenarios cost alone ({formatting.number(expected)} µs)"
            )
    slowed = [
        (one.p50_ms / one.alone_p50_ms, one) for one in found if one.p50_ms is not None and one.alone_p50_ms
    ]
    if slowed:
        ratio, most = max(slowed, key=lambda pair: pair[0])
        evidence |= {"slowest": most.name, "p50_ms": most.p50_ms, "alone_p50_ms": most.alone_p50_ms}
        if ratio >= SLOWER:
            told.append(
                f"{most.name} is slowed most: its median is {formatting.number(most.p50_ms)} ms within the mix and "
                f"{formatting.number(most.alone_p50_ms)} ms under its own load"
            )
    if told:
        yield Claim(
            sentence=f"in the mix {lane.name}, {'; '.join(told)}",
            evidence=evidence,
            link=f"#{anchor('lane', lane.name)}",
            weight=0.6,
        )
