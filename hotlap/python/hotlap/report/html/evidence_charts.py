"""Charts of single pieces of evidence: how long a lock is waited for and held, what a lane can carry."""

from __future__ import annotations

from hotlap import formatting
from hotlap.analysis.judged import JudgedLane
from hotlap.evidence.service import LockTimes
from hotlap.report.html import charts, details
from hotlap.run.result import Capacity

PATTERNS = {"waited for": "", "held": "/"}


def lock(times_of: LockTimes) -> charts.Chart | None:
    """How long a lock was waited for and held: the share of the times that fell into each bucket."""
    known = details.lock_times(times_of)
    if not known:
        return None
    used = [
        index for times in known.values() for index, count in enumerate(times.counts) if count
    ]  # buckets at either end that nothing fell into would only take room
    shown = range(min(used), max(used) + 1)
    data = []
    for index, (title, times) in enumerate(known.items()):
        colour, _, _ = charts.style(index)
        data.append(
            {
                "type": "bar",
                "name": title,
                "x": [bucket(times.bounds_s, place) for place in shown],
                "y": [100 * times.counts[place] / times.count for place in shown],
                "marker": {
                    "color": colour,
                    "pattern": {"shape": PATTERNS[title], "fillmode": "overlay", "fgcolor": "$surface"},
                },
                "hovertemplate": f"{title} %{{x}}: %{{y:.1f}}%<extra></extra>",
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
    return f"> {formatting.seconds(bounds[-1])}" if bounds else "any"


def capacity(lane: JudgedLane) -> charts.Chart | None:
    """Latency over the rate offered, from the lane's trials of role ``capacity``.

    A rate at which the objective was missed is drawn hollow; the rate that was found is marked.
    """
    found = lane.evidence.capacity
    missed = {one.rate for one in found.tried if not one.met} if found is not None else set()
    tried = sorted(
        (each for each in lane.of_role("capacity") if each.evidence.rate is not None),
        key=lambda each: each.evidence.rate or 0.0,
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
                "x": [each.evidence.rate for each, _ in points],
                "y": [value for _, value in points],
                "line": {"color": colour, "width": 2, "dash": dash},
                "marker": {
                    "size": 9,
                    "color": colour,
                    "line": {"width": 2, "color": colour},
                    "symbol": [
                        f"{symbol}-open" if each.evidence.rate in missed else symbol for each, _ in points
                    ],
                },
                "customdata": [formatting.number(each.evidence.rps) for each, _ in points],
                "hovertemplate": f"{title} %{{y:,.4~g}} ms at %{{x:,.4~g}} offered, "
                "%{customdata} answered a second<extra></extra>",
            }
        )
    if not data:
        return None
    marks: charts.Chart = {}
    if found is not None and found.rate is not None:
        text = {
            "text": f"{formatting.number(found.rate)}/s",
            "showarrow": False,
            "xanchor": "right",
            "yanchor": "top",
        }
        place = {"x": found.rate, "xref": "x", "y": 1, "yref": "paper", "xshift": -6}
        marks = {"shapes": [charts.upright(found.rate, "dash")], "annotations": [{**text, **place}]}
    return {
        "data": data,
        "layout": charts.layout(
            320,
            xaxis=charts.axis("requests offered a second", rangemode="tozero", separatethousands=True),
            yaxis=charts.axis("response time, ms", **charts.scale(values)),
            **marks,
        ),
    }


def capacity_facts(found: Capacity | None) -> details.Pairs:
    """What the search for a lane's capacity found."""
    return details.of_struct(found, leave_out=("tried",))


def tried(found: Capacity | None) -> list[tuple[str, str, str, str, str]]:
    """The rates that were tried: offered, answered, p50, p99, and which terms of the objective were missed."""
    return [
        (
            formatting.number(one.rate),
            formatting.number(one.rps),
            formatting.number(one.p50_ms),
            formatting.number(one.p99_ms),
            ", ".join(one.misses),
        )
        for one in (found.tried if found is not None else [])
    ]
