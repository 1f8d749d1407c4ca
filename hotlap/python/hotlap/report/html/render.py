"""Writes a run's ``report.html``: one file that needs no network and no other file."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from hotlap import formatting
from hotlap._engine import Stacks
from hotlap.analysis import rows as aggregate
from hotlap.report.html import assets, charts, details, evidence_charts
from hotlap.report.html.page import MODES, environment, library, put
from hotlap.run.result import LaneResult, Profile, RunResult


class Page:
    """What one page carries besides its text: packed flame graphs and charts, each under a name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.flames: dict[str, str] = {}
        self.fragments = {"findings", "lanes", "charts", "differences", "reference", "environment"}
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

    def flame(self, name: str, svg: str | None) -> dict[str, Any] | None:
        """Keep a flame graph of the run's folder; ``None`` when its file is not there."""
        data = assets.read_inside(self.folder, svg)
        if data is None:
            return None
        text, height = assets.drawing(data)
        self.flames[name] = assets.pack(text.encode("utf-8"))
        return {"id": name, "height": height}

    def href(self, link: str | None, lane: str | None = None) -> str | None:
        """Where a link may lead: a fragment of the page or a file of the run, never elsewhere.

        One that leads nowhere leads to the lane instead.
        """
        if link and link.removeprefix("#") in self.fragments:
            return link
        if link and assets.read_inside(self.folder, link) is not None:
            return quote(link)
        return f"#{aggregate.anchor('lane', lane)}" if lane else None


def render(run: RunResult, folder: Path) -> Path:
    """Write ``report.html`` into the run's folder and return its path."""
    page = Page(folder)
    view = aggregate.view(run)
    order = charts.variants(view)
    page.fragments |= {row.anchor for row in view.rows} | {scenario.anchor for scenario in view.scenarios}
    scenarios = []
    for scenario in view.scenarios:
        results = {row.name: run.lane(row.name) for row in scenario.rows}
        curves = {name: _curve(page, lane) for name, lane in results.items() if lane}
        series = {
            name: lane.stretches()[0].series for name, lane in results.items() if lane and lane.stretches()
        }
        scenarios.append(
            {
                "view": scenario,
                "latency": page.chart(f"latency-{scenario.anchor}", charts.latency(scenario, order, curves)),
                "time": page.chart(f"time-{scenario.anchor}", charts.over_time(scenario, order, series)),
                "lanes": [_lane(page, row, results[row.name]) for row in scenario.rows],
            }
        )
    spans = [
        (
            "cpu",
            "server_cpu_us_per_request",
            "Server CPU per request",
            "less is better",
            formatting.microseconds,
        ),
        ("rps", "rps", "Requests per second", "more is better", formatting.number),
    ]
    diffs = [_diff(page, index, diff) for index, diff in enumerate(run.diffs)]
    text = (
        environment()
        .get_template("report.html.j2")
        .render(
            run=run,
            view=view,
            order=order,
            spans=[
                (page.chart(f"span-{name}", charts.span(view, key, written)), title, note)
                for name, key, title, note, written in spans
            ],
            scenarios=scenarios,
            diffs=diffs,
            findings=[(one, page.href(one.link, one.lane)) for one in run.findings],
            environment=details.plain(run.environment),
            settings=details.plain(
                {
                    key: value
                    for key, value in run.settings.items()
                    if key not in ("reference", "reference_title")
                }
            ),
            noise=details.noise(run),
            reference=details.reference(view),
            charts=page.charts,
            flames=page.flames,
            library=library() if page.charts else None,
        )
    )
    return put(text, folder / "report.html")


def _curve(page: Page, lane: LaneResult) -> charts.Curve:
    for stretch in lane.stretches():
        data = assets.read_inside(page.folder, stretch.histogram)
        if data is not None:
            return assets.percentile_curve(data)
    return []


def _lane(page: Page, row: aggregate.Row, lane: LaneResult | None) -> dict[str, Any]:
    return {
        "row": row,
        "profiles": _profiles(page, row, lane),
        "stretches": details.stretches(lane) if lane else None,
        "locks": _locks(page, row, lane) if lane else [],
        "statements": _statements(page, row, lane),
        "capacity": page.chart(f"capacity-{row.anchor}", evidence_charts.capacity(lane)) if lane else None,
        "capacity_facts": evidence_charts.capacity_facts(lane) if lane else [],
        "tried": evidence_charts.tried(lane) if lane else [],
    }


def _locks(page: Page, row: aggregate.Row, lane: LaneResult) -> list[dict[str, Any]]:
    return [
        {
            "id": page.fragment(f"{row.anchor}-locks"),
            "name": name,
            "chart": page.chart(f"lock-{row.anchor}-{index}", evidence_charts.lock(kinds)),
            "facts": evidence_charts.lock_facts(kinds),
        }
        for index, (name, kinds) in enumerate((lane.facts.get("locks") or {}).items())
    ]


def _statements(page: Page, row: aggregate.Row, lane: LaneResult | None) -> dict[str, Any] | None:
    sent = lane.facts.get("statements") if lane else None
    if not sent:
        return None
    return {
        "id": page.fragment(f"{row.anchor}-statements"),
        "total": formatting.number(sent["per_request"]),
        "rows": details.statements(sent),
    }


def _profiles(page: Page, row: aggregate.Row, lane: LaneResult | None) -> list[dict[str, Any]]:
    return [
        {
            "id": page.fragment(f"{row.anchor}-{profile.mode}"),
            "profile": profile,
            "mode": MODES.get(profile.mode, (profile.mode, "")),
            "flame": page.flame(f"flame-{row.anchor}-{index}", profile.svg),
            "functions": aggregate.heaviest(profile, _whole(page, profile)),
            "facts": details.profile_facts(profile),
            "by_bytes": details.by_bytes(profile),
            "sentences": details.profile_sentences(profile),
            "raw": [(path, page.href(path)) for path in (profile.collapsed, *profile.raw) if path],
        }
        for index, profile in enumerate(lane.profiles if lane else [])
    ]


def _whole(page: Page, profile: Profile) -> float | None:
    """All that a profile has counted, by its collapsed stacks."""
    data = assets.read_inside(page.folder, profile.collapsed)
    return float(Stacks.from_bytes(data).total) if data else None


def _diff(page: Page, index: int, diff: dict[str, Any]) -> dict[str, Any]:
    frames = []
    for frame in diff.get("frames") or []:
        a, b = frame.get("self_a", frame.get("a")), frame.get("self_b", frame.get("b"))
        known = a is not None and b is not None
        own = {"self_a": a, "self_b": b, "change": b - a if known else None}
        frames.append({"name": str(frame.get("name", "")), "a": frame.get("a"), "b": frame.get("b"), **own})
    frames.sort(key=lambda frame: -abs(frame["change"] or 0.0))
    return {
        "id": page.fragment(f"diff-{index}"),
        "a": diff.get("a", ""),
        "b": diff.get("b", ""),
        "mode": diff.get("mode", "on-cpu"),
        "unit": diff.get("unit", ""),
        "error": diff.get("error"),
        "flame": page.flame(f"flame-diff-{index}", diff.get("svg")),
        "frames": frames[:20],
    }
