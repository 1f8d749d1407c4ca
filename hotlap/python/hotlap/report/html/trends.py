"""The history page: its runs, and each lane over them with interval and commit."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import msgspec

from hotlap import formatting
from hotlap.analysis import rows
from hotlap.analysis.history import Entry, History, Mark
from hotlap.report.html import charts
from hotlap.report.html.page import date, environment, put

FIGURES = {
    "server_cpu_us_per_request": ("Server CPU per request", "µs; less is better"),
    "rps": ("Requests per second", "more is better"),
    "p99": ("99th percentile", "ms; less is better"),
}


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of a scenario."""

    name: str
    anchor: str
    charts: list[tuple[str, str, str]]
    """The name of each, its title and a note."""
    latest: list[tuple[str, Mark]]
    """Each lane in the last run that has it."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of a run; ``report`` and ``folder`` are links."""

    number: int
    entry: Entry
    report: str | None
    folder: str | None


def trend(history: History, lanes: dict[str, list[Mark]], key: str) -> charts.Chart | None:
    """One figure of some lanes over all runs; a void lane is hollow, a bar is the 95% interval."""
    labels = [label(entry, number) for number, entry in enumerate(history.entries)]
    data = []
    values = []
    for index, (name, marks) in enumerate(lanes.items()):
        known = [(mark, found) for mark in marks if (found := mark.figures[key]) and mark.status != "failed"]
        if not known:
            continue
        colour, symbol, dash = charts.style(index)
        values += [found.value for _, found in known]
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": charts.plain(name.rpartition("/")[2]),
                "x": [mark.run for mark, _ in known],
                "y": [found.value for _, found in known],
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [(found.high or found.value) - found.value for _, found in known],
                    "arrayminus": [found.value - (found.low or found.value) for _, found in known],
                    "color": colour,
                    "thickness": 1.5,
                    "width": 4,
                },
                "line": {"color": colour, "width": 2, "dash": dash},
                "marker": {
                    "size": 9,
                    "color": colour,
                    "line": {"width": 2, "color": colour},
                    "symbol": [symbol if mark.status == "ok" else f"{symbol}-open" for mark, _ in known],
                },
                "hovertext": [_hover(history.entries[mark.run], name, mark, key) for mark, _ in known],
                "hoverinfo": "text",
            }
        )
    if not data:
        return None
    every = max(1, len(labels) // 6)
    shown = range(0, len(labels), every)
    return {
        "data": data,
        "layout": charts.layout(
            280,
            xaxis=charts.axis(
                "",
                tickangle=0,
                tickvals=list(shown),
                ticktext=[labels[number] for number in shown],
                range=[-0.4, len(labels) - 0.6],
            ),
            yaxis=charts.axis("", **charts.scale(values)),
        ),
    }


def label(entry: Entry, number: int) -> str:
    """A run on the axis: its number, as in the table, and its commit."""
    return f"#{number + 1}" + (f"<br>{charts.plain(entry.commit[:7])}" if entry.commit else "")


def _hover(entry: Entry, name: str, mark: Mark, key: str) -> str:
    found = mark.figures[key]
    assert found is not None
    interval = (
        f" (95%: {formatting.number(found.low)} to {formatting.number(found.high)}, {mark.repeats} trials)"
        if found.low is not None
        else ""
    )
    doubt = "" if mark.status == "ok" else ", void"
    return f"{charts.plain(name)}: {formatting.number(found.value)}{interval}{doubt}<br>{date(entry.created)}"


def render_history(history: History, target: Path) -> Path:
    """Write the history's page and return its path; links are relative to it."""

    def link(path: Path | None) -> str | None:
        return quote(os.path.relpath(path, target.parent)) if path else None

    scenarios: dict[str, dict[str, list[Mark]]] = {}
    for name, marks in history.lanes.items():
        scenarios.setdefault(name.rpartition("/")[0], {})[name] = marks
    drawn: dict[str, charts.Chart] = {}
    groups: list[Group] = []
    for scenario, lanes in scenarios.items():
        shown = []
        for key, (title, note) in FIGURES.items():
            chart = trend(history, lanes, key)
            if chart is not None:
                identity = f"{rows.anchor('trend', scenario)}-{key}"
                drawn[identity] = chart
                shown.append((identity, title, note))
        latest = [(name, marks[-1]) for name, marks in lanes.items()]
        anchor = rows.anchor("scenario", scenario)
        groups.append(Group(name=scenario, anchor=anchor, charts=shown, latest=latest))
    text = (
        environment()
        .get_template("history.html.j2")
        .render(
            history=history,
            runs=[
                Shown(number=number + 1, entry=entry, report=link(entry.report), folder=link(entry.folder))
                for number, entry in reversed(list(enumerate(history.entries)))
            ],
            groups=groups,
            comparisons=[(link(path), os.path.relpath(path, history.folder)) for path in history.comparisons],
            unreadable=[(os.path.relpath(path, history.folder), why) for path, why in history.unreadable],
            charts=drawn,
            flames={},
        )
    )
    return put(text, target)
