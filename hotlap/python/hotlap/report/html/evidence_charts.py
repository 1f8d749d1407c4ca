"""Charts of single pieces of evidence: how long a lock is waited for and held, what a lane can carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hotlap import formatting
from hotlap.report.html import charts, details
from hotlap.run.result import LaneResult

PATTERNS = {"wait": "", "hold": "/"}
TITLES = {"wait": "waited for", "hold": "held"}


def lock(kinds: Mapping[str, Any]) -> charts.Chart | None:
    """How long a lock was waited for and held: the share of the times that fell into each bucket.

    ``kinds`` has ``wait`` and ``hold``, each with ``bounds_s`` (upper bounds, ascending), ``counts``
    (one a bucket, not added up, and one more for what lies above the last bound) and ``total_s``.
    """
    known = {kind: times for kind, times in kinds.items() if kind in TITLES and sum(times["counts"])}
    if not known:
        return None
    used = [
        index for times in known.values() for index, count in enumerate(times["counts"]) if count
    ]  # buckets at either end that nothing fell into would only take room
    shown = range(min(used), max(used) + 1)
    data = []
    for index, (kind, times) in enumerate(known.items()):
        bounds, counts = times["bounds_s"], times["counts"]
        whole = sum(counts)
        colour, _, _ = charts.style(index)
        data.append(
            {
                "type": "bar",
                "name": TITLES[kind],
                "x": [bucket(bounds, place) for place in shown],
                "y": [100 * counts[place] / whole for place in shown],
                "marker": {
                    "color": colour,
                    "pattern": {"shape": PATTERNS[kind], "fillmode": "overlay", "fgcolor": "$surface"},
                },
                "hovertemplate": f"{TITLES[kind]} %{{x}}: %{{y:.1f}}%<extra></extra>",
            }
        )
    return {
        "data": data,
        "layout": charts.layout(
            260,
            bargap=0.25,
            xaxis=charts.axis("", type="category", showgrid=False),
            yaxis=charts.axis("share of the times, %", rangemode="tozero"),
        ),
    }


def bucket(bounds: list[float], place: int) -> str:
    """What fell into a bucket: ``≤ 50.0 ms``, or above the last bound."""
    if place < len(bounds):
        return f"≤ {formatting.seconds(bounds[place])}"
    return f"> {formatting.seconds(bounds[-1])}"


def lock_facts(kinds: Mapping[str, Any]) -> details.Pairs:
    """How often and how long on average a lock was waited for and held."""
    pairs = []
    for kind, title in TITLES.items():
        times = kinds.get(kind)
        if times and (count := sum(times["counts"])):
            pairs.append((f"{title}, times", formatting.count(count)))
            pairs.append((f"{title}, on average", formatting.seconds(times["total_s"] / count)))
    return pairs


def capacity(lane: LaneResult) -> charts.Chart | None:
    """Latency over the rate offered, from the lane's stretches of role ``capacity``.

    A rate at which the objective was missed is drawn hollow; ``facts["capacity"]["rate"]`` of the lane, where
    there is one, is marked.
    """
    missed = {one["rate"] for one in (lane.facts.get("capacity") or {}).get("tried") or [] if not one["met"]}
    tried = sorted(
        (each for each in lane.stretches("capacity") if each.rate is not None),
        key=lambda each: each.rate or 0.0,
    )
    if not tried:
        return None
    data = []
    values = []
    for index, (key, title) in enumerate((("p50", "p50"), ("p99", "p99"))):
        points = [(each, value) for each in tried if (value := getattr(each.latency_ms, key)) is not None]
        if not points:
            continue
        colour, symbol, dash = charts.style(index)
        values += [value for _, value in points]
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": title,
                "x": [each.rate for each, _ in points],
                "y": [value for _, value in points],
                "line": {"color": colour, "width": 2, "dash": dash},
                "marker": {
                    "size": 9,
                    "color": colour,
                    "line": {"width": 2, "color": colour},
                    "symbol": [f"{symbol}-open" if each.rate in missed else symbol for each, _ in points],
                },
                "customdata": [formatting.number(each.rps) for each, _ in points],
                "hovertemplate": f"{title} %{{y:,.4~g}} ms at %{{x:,.4~g}} offered, "
                "%{customdata} answered a second<extra></extra>",
            }
        )
    if not data:
        return None
    found = (lane.facts.get("capacity") or {}).get("rate")
    marks: charts.Chart = {}
    if isinstance(found, int | float):
        text = {
            "text": f"{formatting.number(found)}/s",
            "showarrow": False,
            "xanchor": "right",
            "yanchor": "top",
        }
        place = {"x": found, "xref": "x", "y": 1, "yref": "paper", "xshift": -6}
        marks = {"shapes": [charts.upright(found, "dash")], "annotations": [{**text, **place}]}
    return {
        "data": data,
        "layout": charts.layout(
            320,
            xaxis=charts.axis("requests offered a second", rangemode="tozero", separatethousands=True),
            yaxis=charts.axis("response time, ms", **charts.scale(values)),
            **marks,
        ),
    }


def capacity_facts(lane: LaneResult) -> details.Pairs:
    """What the search for a lane's capacity found."""
    found = lane.facts.get("capacity") or {}
    return details.flat({key: value for key, value in found.items() if key != "tried" and value is not None})


def tried(lane: LaneResult) -> list[tuple[str, str, str, str, str]]:
    """The rates that were tried: offered, answered, p50, p99, and which terms of the objective were missed."""
    return [
        (
            formatting.number(one["rate"]),
            formatting.number(one.get("rps")),
            formatting.number((one.get("latency_ms") or {}).get("p50")),
            formatting.number((one.get("latency_ms") or {}).get("p99")),
            ", ".join(one.get("misses") or []),
        )
        for one in (lane.facts.get("capacity") or {}).get("tried") or []
    ]
