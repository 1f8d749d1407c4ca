"""Writes a run's ``report.html``: one file that needs no network and no other file."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import msgspec

from hotlap import formatting
from hotlap._engine import FLAME_SCRIPT
from hotlap.analysis import rows
from hotlap.analysis.causes import Cause, causes
from hotlap.analysis.judged import JudgedLane, JudgedProfile, JudgedRun
from hotlap.analysis.profiles import is_vdso
from hotlap.evidence.profile import DiffFrame, ProfileDiff
from hotlap.evidence.words import notes
from hotlap.report.html import assets, charts, details, evidence_charts
from hotlap.report.html.page import MODES, environment, put
from hotlap.run.folder import RunFolder
from hotlap.run.result import RuleHit

SHOWN = 10
"""How many findings, and how many scenarios, stand open; what comes after them is folded."""


_OWN_SCRIPT = f"<script><![CDATA[\n{FLAME_SCRIPT}]]></script>"
"""What each flame graph brings along; the page has it once."""


class Flame(msgspec.Struct, frozen=True, kw_only=True):
    """A flame graph that the page carries: its name there, and its height in pixels."""

    id: str
    height: int


class ProfileBlock(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of a profile."""

    id: str
    profile: JudgedProfile
    mode: tuple[str, str]
    """What the mode is called, and what it shows."""
    flame: Flame | None
    functions: list[rows.Function]
    facts: details.Pairs
    by_bytes: list[tuple[str, str, str]]
    by_route: list[tuple[str, str, str, str]]
    sentences: list[str]
    raw: list[tuple[str, str | None]]
    """Paths within the run's folder, each with where it leads."""


class LockBlock(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of a lock."""

    id: str
    name: str
    chart: str | None
    facts: details.Pairs


class StatementsBlock(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of a lane's statements."""

    id: str
    facts: details.Pairs
    rows: list[tuple[str, str, str | None]]


class LaneBlock(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of a lane."""

    row: rows.Row
    served: str | None
    """By what, in words."""
    profiles: list[ProfileBlock]
    answers: details.Pairs
    trials: details.Table | None
    locks: list[LockBlock]
    statements: StatementsBlock | None
    stream: details.Table | None
    capacity: str | None
    """The name of a chart."""
    capacity_facts: details.Pairs
    tried: list[tuple[str, str, str, str, str]]


class ScenarioBlock(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of a scenario; ``latency`` and ``time`` are names of charts."""

    view: rows.Scenario
    latency: str | None
    time: str | None
    lanes: list[LaneBlock]


class FindingBlock(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of findings with one cause: each with where its link leads."""

    cause: Cause
    hits: list[tuple[RuleHit, str | None]]


class ChangedFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A function of a difference, and by how much its own value changed."""

    frame: DiffFrame
    change: float


class DiffBlock(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of a difference."""

    id: str
    diff: ProfileDiff
    flame: Flame | None
    frames: list[ChangedFrame]


class Page:
    """What one page carries besides its text: packed flame graphs and charts, each under a name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.flames: dict[str, str] = {}
        self.fragments = {
            "findings",
            "lanes",
            "charts",
            "scenarios",
            "differences",
            "reference",
            "environment",
        }
        self.charts: dict[str, charts.Chart] = {}

    def fragment(self, name: str) -> str:
        """A name that links can lead to, made different from those that there are."""
        found, number = name, 1
        while found in self.fragments:
            number += 1
            found = f"{name}-{number}"
        self.fragments.add(found)
        return found

    def chart(self, name: str, chart: charts.Chart | None) -> str | None:
        """Keep a chart; its name, or ``None`` when there is nothing to draw."""
        if chart is None:
            return None
        self.charts[name] = chart
        return name

    def flame(self, name: str, svg: str | None) -> Flame | None:
        """Keep a flame graph of the run's folder; ``None`` when its file is not there."""
        data = assets.read_inside(self.folder, svg)
        if data is None:
            return None
        text, height = assets.drawing(data)
        text = text.replace(_OWN_SCRIPT, "")
        self.flames[name] = assets.pack(text.encode("utf-8"))
        return Flame(id=name, height=height)

    def href(self, link: str | None, lane: str | None = None) -> str | None:
        """Where a link may lead: a fragment of the page or a file of the run, never elsewhere.

        One that leads nowhere leads to the lane instead.
        """
        if link and link.removeprefix("#") in self.fragments:
            return link
        if link and assets.read_inside(self.folder, link) is not None:
            return quote(link)
        return f"#{rows.anchor('lane', lane)}" if lane else None


def render(run: JudgedRun, folder: Path) -> Path:
    """Write ``report.html`` into the run's folder and return its path."""
    page = Page(folder)
    view = rows.view(run)
    order = charts.variants(view)
    page.fragments |= {row.anchor for row in view.rows} | {scenario.anchor for scenario in view.scenarios}
    scenarios = [_scenario(page, run, scenario, order) for scenario in view.scenarios]
    spans = [
        (
            "cpu",
            "server_cpu_us_per_request",
            "Server CPU per request",
            "less is better",
            formatting.microseconds,
        ),
        ("rps", "rps", "Requests per second", "more is better", formatting.number),
        (
            "first-event",
            "first_event_p50",
            "Streams: first event, median, ms",
            "less is better",
            formatting.number,
        ),
        (
            "event-cpu",
            "cpu_event",
            "Streams: server CPU per event",
            "less is better",
            formatting.microseconds,
        ),
    ]
    diffs = [_diff(page, index, diff) for index, diff in enumerate(run.evidence.diffs)]
    settings: dict[str, object] = msgspec.to_builtins(run.evidence.settings)
    text = (
        environment()
        .get_template("report.html.j2")
        .render(
            machine=run.evidence.environment,
            view=view,
            order=order,
            spans=[
                (page.chart(f"span-{name}", charts.span(view, key, written)), title, note)
                for name, key, title, note, written in spans
            ],
            scenarios=scenarios,
            diffs=diffs,
            findings=[
                FindingBlock(cause=cause, hits=[(one, page.href(one.link, one.lane)) for one in cause.hits])
                for cause in (*causes(run.doubts), *causes(run.findings))
            ],
            shown=SHOWN,
            environment=details.plain(msgspec.to_builtins(run.evidence.environment)),
            settings=details.plain(
                {key: value for key, value in settings.items() if key not in ("reference", "reference_title")}
            ),
            noise=details.noise(run),
            reference=details.reference(view),
            charts=page.charts,
            flames=page.flames,
            flame_script=FLAME_SCRIPT,
        )
    )
    return put(text, RunFolder(folder).report)


def _scenario(page: Page, run: JudgedRun, scenario: rows.Scenario, order: list[str]) -> ScenarioBlock:
    lanes = {row.name: lane for row in scenario.rows if (lane := run.lane(row.name)) is not None}
    curves = {name: _curve(page, lane) for name, lane in lanes.items()}
    series = {name: lane.of_role()[0].evidence.series for name, lane in lanes.items() if lane.of_role()}
    return ScenarioBlock(
        view=scenario,
        latency=page.chart(f"latency-{scenario.anchor}", charts.latency(scenario, order, curves)),
        time=page.chart(f"time-{scenario.anchor}", charts.over_time(scenario, order, series)),
        lanes=[_lane(page, row, lanes[row.name]) for row in scenario.rows],
    )


def _curve(page: Page, lane: JudgedLane) -> charts.Curve:
    for trial in lane.of_role():
        data = assets.read_inside(page.folder, trial.evidence.histogram)
        if data is not None:
            return assets.percentile_curve(data)
    return []


def _lane(page: Page, row: rows.Row, lane: JudgedLane) -> LaneBlock:
    found = lane.evidence.capacity
    return LaneBlock(
        row=row,
        served=lane.evidence.served.title() if lane.evidence.served is not None else None,
        profiles=[_profile(page, row, index, profile) for index, profile in enumerate(lane.profiles)],
        answers=details.answers(lane.evidence.verified),
        trials=details.trials(lane),
        locks=_locks(page, row, lane),
        statements=_statements(page, row, lane),
        stream=details.stream(lane),
        capacity=page.chart(f"capacity-{row.anchor}", evidence_charts.capacity(lane)),
        capacity_facts=evidence_charts.capacity_facts(found),
        tried=evidence_charts.tried(found),
    )


def _locks(page: Page, row: rows.Row, lane: JudgedLane) -> list[LockBlock]:
    return [
        LockBlock(
            id=page.fragment(f"{row.anchor}-locks"),
            name=name,
            chart=page.chart(f"lock-{row.anchor}-{index}", evidence_charts.lock(lock)),
            facts=details.lock_facts(lock),
        )
        for index, (name, lock) in enumerate(lane.evidence.locks.items())
    ]


def _statements(page: Page, row: rows.Row, lane: JudgedLane) -> StatementsBlock | None:
    sent = lane.evidence.statements
    if sent is None:
        return None
    return StatementsBlock(
        id=page.fragment(f"{row.anchor}-statements"),
        facts=details.statement_facts(sent),
        rows=details.statements(sent),
    )


def _profile(page: Page, row: rows.Row, index: int, profile: JudgedProfile) -> ProfileBlock:
    seen = profile.evidence
    return ProfileBlock(
        id=page.fragment(f"{row.anchor}-{seen.mode}"),
        profile=profile,
        mode=MODES.get(seen.mode, (seen.mode, "")),
        flame=page.flame(f"flame-{row.anchor}-{index}", seen.svg),
        functions=rows.heaviest(profile),
        facts=details.profile_facts(profile),
        by_bytes=details.by_bytes(profile),
        by_route=details.by_route(profile),
        sentences=notes(seen),
        raw=[(path, page.href(path)) for path in (seen.collapsed, *seen.raw) if path],
    )


def _diff(page: Page, index: int, diff: ProfileDiff) -> DiffBlock:
    frames = [ChangedFrame(frame=frame, change=frame.self_b - frame.self_a) for frame in diff.frames]
    return DiffBlock(
        id=page.fragment(f"diff-{index}"),
        diff=diff,
        flame=page.flame(f"flame-diff-{index}", diff.svg),
        frames=sorted(
            sorted(frames, key=lambda one: -abs(one.change))[:20], key=lambda one: is_vdso(one.frame.name)
        ),
    )
