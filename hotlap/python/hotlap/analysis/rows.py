"""The report's view of a run: rows, groups and figures, computed purely from the result."""

from __future__ import annotations

import math
import re
from statistics import median
from typing import Literal

import msgspec

from hotlap.analysis.figures import STREAM_FIGURES
from hotlap.analysis.judged import JudgedLane, JudgedProfile, JudgedRun, JudgedTrial
from hotlap.analysis.profiles import VDSO, is_vdso
from hotlap.evidence.profile import Frame
from hotlap.run.result import RuleHit

Status = Literal["ok", "void", "failed"]

FIGURES = (
    "rps",
    "server_cpu_us_per_request",
    "generator_cpu_percent",
    "server_cpu_percent",
    "server_rss_bytes",
)
LATENCIES = ("mean", "p50", "p90", "p99", "p99_9", "max")
SORTED = ("server_cpu_us_per_request", "rps", "p50", "p90", "p99", "max")
LIMITS = {
    "server": "the server set the figure",
    "machine": "server and generator together filled the machine: rank by CPU per request",
    "generator": "the load generator set the figure, not the server",
    "load": "the load that was asked for set the figure: the server could have served more",
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A lane's row: medians over its trials (counts are sums). ``None`` was not measured."""

    name: str
    scenario: str
    variant: str
    path: str
    title: str
    anchor: str
    status: Status
    reasons: list[RuleHit]
    """What is said of this lane alone: a doubt about the run is said once, among its findings."""
    doubted: bool
    """Whether any rule doubts its figures."""
    doubted_profiles: list[str]
    """The modes of its profiles that are doubtful or void."""
    error: str | None
    trials: int
    figures: dict[str, float | None]
    requests: int | None
    failures: int | None
    limited_by: str | None
    speedup_cpu: float | None = None
    speedup_rps: float | None = None
    speedup_of: str | None = None
    stock: Figures | None = None

    @property
    def mark(self) -> str:
        """The verdict's look: its status, or ``doubtful`` where a rule doubts a lane that is not void, or a profile."""
        return "doubtful" if self.status == "ok" and (self.doubted or self.doubted_profiles) else self.status

    @property
    def word(self) -> str:
        """The verdict in a few words."""
        doubts = [
            *(["doubtful"] if self.status == "ok" and self.doubted else []),
            *([f"doubtful {self.doubted_profiles[0]} profile"] if len(self.doubted_profiles) == 1 else []),
            *([f"{len(self.doubted_profiles)} doubtful profiles"] if len(self.doubted_profiles) > 1 else []),
        ]
        return ", ".join([{"failed": "not measured"}.get(self.status, self.status), *doubts])

    @property
    def sorts_by(self) -> dict[str, float | str | None]:
        """What the table can be sorted by; ``None`` comes last."""
        known: dict[str, float | str | None] = {"lane": self.name, "verdict": self.word}
        if self.status == "failed":
            return known
        return (
            known
            | {key: self.figures[key] for key in SORTED}
            | {
                "failures": self.failures,
                "speedup_cpu": self.speedup_cpu,
                "speedup_rps": self.speedup_rps,
                "limited_by": self.limited_by,
            }
        )

    def __getitem__(self, key: str) -> float | None:
        return self.figures[key]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What some trials of one role say together."""

    engine: str
    rps: float | None
    mean: float | None
    p50: float | None
    p99: float | None
    generator_cpu_percent: float | None


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario and the rows of its variants, the baseline first."""

    name: str
    title: str
    anchor: str
    rows: list[Row]
    reference: dict[str, float | str]


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the page says, but for charts and files."""

    title: str
    created: str
    scenarios: list[Scenario]
    baseline: str
    candidate: str
    has_stock: bool
    counts: dict[str, int]
    reference_title: str
    interrupted: bool

    @property
    def rows(self) -> list[Row]:
        """All rows, in the order of the table."""
        return [row for scenario in self.scenarios for row in scenario.rows]


def anchor(kind: str, name: str) -> str:
    """A fragment that a finding can link to: ``lane-cpu-native``."""
    return f"{kind}-{re.sub(r'[^A-Za-z0-9_]+', '-', name).strip('-')}"


def view(run: JudgedRun) -> View:
    """Aggregate a run for its page."""
    settings = run.evidence.settings
    baseline, candidate = settings.baseline, settings.candidate
    grouped: dict[str, list[JudgedLane]] = {}
    for lane in run.lanes:
        grouped.setdefault(lane.evidence.scenario, []).append(lane)
    order = {baseline: 0, candidate: 1}
    scenarios = []
    for name, lanes in grouped.items():
        lanes = sorted(lanes, key=lambda lane: order.get(lane.evidence.variant, 2))
        rows = [row(lane) for lane in lanes]
        base = next((each for each in rows if each.variant == baseline), None)
        scenarios.append(
            Scenario(
                name=name,
                title=next((lane.evidence.title for lane in lanes if lane.evidence.title), ""),
                anchor=anchor("scenario", name),
                rows=[against(each, base) for each in rows],
                reference=settings.reference.get(name, {}),
            )
        )
    scenarios = _told_apart(scenarios)
    every = [each for scenario in scenarios for each in scenario.rows]
    return View(
        title=run.evidence.name or "run",
        created=run.evidence.created,
        scenarios=scenarios,
        baseline=baseline,
        candidate=candidate,
        has_stock=any(each.stock for each in every),
        counts={status: sum(each.status == status for each in every) for status in ("ok", "void", "failed")},
        reference_title=settings.reference_title,
        interrupted=run.evidence.interrupted,
    )


def _told_apart(scenarios: list[Scenario]) -> list[Scenario]:
    """The same, with a number behind fragments that two odd names have in common."""
    taken: set[str] = set()

    def free(name: str) -> str:
        found = next(
            each for each in (name, *(f"{name}-{n}" for n in range(2, len(taken) + 3))) if each not in taken
        )
        taken.add(found)
        return found

    return [
        msgspec.structs.replace(
            scenario,
            anchor=free(scenario.anchor),
            rows=[msgspec.structs.replace(each, anchor=free(each.anchor)) for each in scenario.rows],
        )
        for scenario in scenarios
    ]


def row(lane: JudgedLane) -> Row:
    """A lane's row, without its speed-up."""
    seen = lane.evidence
    # A lane that answered nothing has no figures.
    trials = [each for each in lane.of_role() if each.evidence.requests != 0]
    figures = {key: middle([getattr(each.evidence, key) for each in trials]) for key in FIGURES}
    figures |= {key: middle([getattr(each.latency_ms, key) for each in trials]) for key in LATENCIES}
    figures |= {one.name: middle([one.read(each) for each in trials]) for one in STREAM_FIGURES}
    if figures["max"] is not None:  # the worst answer of all trials, not a middling one
        figures["max"] = max(each.latency_ms.max for each in trials if each.latency_ms.max is not None)
    limits = [each.limited_by for each in trials if each.limited_by]
    failed = seen.error is not None or not (lane.of_role() or lane.of_role("capacity"))
    return Row(
        name=lane.name,
        scenario=seen.scenario,
        variant=seen.variant,
        path=seen.path,
        title=seen.title,
        anchor=anchor("lane", lane.name),
        status="failed" if failed else lane.verdict.status,
        reasons=[
            rule
            for rule in lane.verdict.rules
            if rule.scope != "run" and not (failed and rule.name == "not-measured")
        ],
        doubted=any(rule.severity == "doubtful" for rule in lane.verdict.rules),
        doubted_profiles=[
            one.evidence.mode for one in lane.profiles if one.trust.rules and not one.evidence.error
        ],
        error=seen.error or ("no trial of this lane was measured" if failed else None),
        trials=len(trials),
        figures=figures,
        requests=total([each.evidence.requests for each in lane.of_role()]),
        failures=total([each.evidence.failures for each in lane.of_role()]),
        limited_by=max(set(limits), key=lambda limit: (limits.count(limit), limit)) if limits else None,
        stock=_stock(lane.of_role("stock")),
    )


def against(each: Row, base: Row | None) -> Row:
    """The row with its speed-up over the baseline's, where both may be believed."""
    if base is None or each.name == base.name or each.status != "ok" or base.status != "ok":
        return each
    return msgspec.structs.replace(
        each,
        speedup_cpu=quotient(base["server_cpu_us_per_request"], each["server_cpu_us_per_request"]),
        speedup_rps=quotient(each["rps"], base["rps"]),
        speedup_of=base.variant,
    )


def _stock(trials: list[JudgedTrial]) -> Figures | None:
    if not trials:
        return None
    return Figures(
        engine=trials[0].evidence.engine,
        rps=middle([each.evidence.rps for each in trials]),
        mean=middle([each.latency_ms.mean for each in trials]),
        p50=middle([each.latency_ms.p50 for each in trials]),
        p99=middle([each.latency_ms.p99 for each in trials]),
        generator_cpu_percent=middle([each.evidence.generator_cpu_percent for each in trials]),
    )


def middle(values: list[float | None]) -> float | None:
    """The median of what was measured; ``None`` when nothing was."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return median(known) if known else None


def total(values: list[int | None]) -> int | None:
    """The sum of what was counted; ``None`` when nothing was."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def quotient(above: float | None, below: float | None) -> float | None:
    """A ratio of two measured figures; ``None`` when one is missing or the lower one is 0."""
    return above / below if above is not None and below else None


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """A function of a profile; ``own`` and ``total`` are shares of the profile."""

    name: str
    kind: str
    own: float
    total: float
    location: str | None
    lines: list[tuple[str, float]] = []
    """Where several were seen: each line's place and its own share."""


def heaviest(profile: JudgedProfile, limit: int = 12) -> list[Function]:
    """The functions with the largest share of their own; those without any are left out, and ``[vdso]`` comes last.

    Shares are of all that the profile counted; where that is not known, the largest total stands for it.
    """
    whole = profile.evidence.total or max((frame.total_value for frame in profile.frames), default=0.0)
    if not whole:
        return []
    chosen = sorted(
        (frame for frame in profile.frames if frame.self_value > 0),
        key=lambda frame: (-frame.self_value, -frame.total_value, frame.name),
    )[:limit]
    return [
        Function(
            name=VDSO if is_vdso(frame.name) else _without_place(frame),
            kind=frame.kind,
            own=frame.self_value / whole,
            total=frame.total_value / whole,
            location=frame.location,
            lines=[(line.place, line.self_value / whole) for line in frame.lines if line.self_value > 0],
        )
        for frame in sorted(chosen, key=lambda frame: is_vdso(frame.name))
    ]


def _without_place(frame: Frame) -> str:
    """The function's name without its file and line, which are a column of their own."""
    place = frame.location or ""
    return frame.name.removesuffix(f" ({place})").removesuffix(f" ({place.rpartition(':')[0]})")
