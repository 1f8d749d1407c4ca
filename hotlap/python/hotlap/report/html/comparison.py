"""The page of a comparison: what changed from one run or variant to another, and how sure that is."""

from __future__ import annotations

import math
from pathlib import Path
from urllib.parse import quote

from hotlap.analysis.comparison import GOOD, Compared, Comparison, Says, span, verdicts
from hotlap.report.html import charts
from hotlap.report.html.page import environment, put

SHOWN = 10
"""How many changes stand open, and how many rows of a figure; what comes after them is folded."""
STEPS = (1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 4.0, 10.0, 100.0, 1000.0)
"""Ratios from one tick of an axis to the next."""
LONGEST = 16
"""Characters of a name that stand in one line on an axis."""


def forest(rows: list[Compared], noise: float | None) -> charts.Chart | None:
    """Ratios with their intervals on a logarithmic axis around 1, the width of noise shaded."""
    known = [row for row in rows if row.ratio is not None and row.ratio > 0]
    if not known:
        return None
    data: list[charts.Chart] = []
    groups: list[tuple[str, str, str, tuple[Says, ...]]] = [
        ("better", "$ok", "diamond", ("faster", "less")),
        ("worse", "$void", "square", ("slower", "more")),
        ("no difference", "$muted", "circle-open", ("no difference",)),
        ("not compared", "$muted", "x-thin", ("not compared",)),
    ]
    for title, colour, symbol, says in groups:
        points = [(row, row.ratio) for row in known if row.says in says and row.ratio is not None]
        if not points:
            continue
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": title,
                "x": [ratio for _, ratio in points],
                "y": [charts.plain(row.lane) for row, _ in points],
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [row.high - ratio if row.high else None for row, ratio in points],
                    "arrayminus": [ratio - row.low if row.low else None for row, ratio in points],
                    "color": colour,
                    "thickness": 2,
                    "width": 5,
                },
                "marker": {
                    "size": 11,
                    "color": colour,
                    "symbol": symbol,
                    "line": {"width": 2, "color": colour},
                },
                "hovertext": [f"{charts.plain(row.lane)}: {span(row)}, {row.says}" for row, _ in points],
                "hoverinfo": "text",
            }
        )
    shade = noise or 0.0
    ends = [end for row in known for end in (row.ratio, row.low, row.high) if end]
    reach = max(1 + shade, *(max(end, 1 / end) for end in ends))
    order = list(dict.fromkeys(charts.plain(row.lane) for row in known))
    return {
        "data": data,
        "layout": charts.layout(
            90 + (40 if len(order) <= SHOWN else 26) * len(order),
            showlegend=True,
            xaxis=charts.axis(
                "",
                type="log",
                tickangle=0,
                tickvals=(places := ticks(reach)),
                ticktext=[f"{place:.3g}×" for place in places],
            ),
            yaxis=charts.axis(
                "",
                type="category",
                showgrid=False,
                categoryorder="array",
                categoryarray=order,
                range=[len(order) - 0.4, -0.6],
                tickvals=order,
                ticktext=[_broken(name) for name in order],
                tickfont={"size": 13 if len(order) <= SHOWN else 12, "color": "$ink"},
            ),
            shapes=[
                {
                    **charts.upright(1.0),
                    "type": "rect",
                    "x0": 1 / (1 + shade),
                    "x1": 1 + shade,
                    "fillcolor": "$sunken",
                    "line": {"width": 0},
                    "layer": "below",
                },
                {**charts.upright(1.0), "layer": "below"},
            ],
        ),
    }


def ticks(reach: float) -> list[float]:
    """Ratios to name on an axis that reaches so far either way of 1: few enough for a phone."""
    step = next((step for step in STEPS if step**2 >= reach**0.75), reach)
    found = math.floor(math.log(reach) / math.log(step)) if reach > 1 else 0
    return [step**at for at in range(-found, found + 1)]


def _broken(name: str) -> str:
    """A lane on the axis: a long name in two lines, so that a phone has room for the chart."""
    scenario, slash, variant = name.rpartition("/")
    return f"{scenario}{slash}<br>{variant}" if len(name) > LONGEST and scenario else name


def render_comparison(comparison: Comparison, target: Path) -> Path:
    """Write a comparison's page and return its path."""
    groups: dict[tuple[str, str], list[Compared]] = {}
    for row in comparison.rows:
        groups.setdefault((row.figure, row.unit), []).append(row)
    drawn: dict[str, charts.Chart] = {}
    shown = []
    for number, ((figure, unit), rows) in enumerate(groups.items()):
        own = [row.noise for row in rows if row.noise is not None]
        chart = forest(rows, max(own) if own else comparison.noise)
        if chart is not None:
            drawn[f"forest-{number}"] = chart
        identity = f"figure-{number}"
        shown.append((identity, figure, unit, rows, f"forest-{number}" if chart else None))
    sides = [(side, quote(side.link) if side.link else None) for side in (comparison.a, comparison.b)]
    text = (
        environment()
        .get_template("comparison.html.j2")
        .render(
            comparison=comparison,
            sides=sides,
            groups=shown,
            verdicts=verdicts(comparison.rows),
            shown=SHOWN,
            span=span,
            good=GOOD,
            charts=drawn,
            flames={},
        )
    )
    return put(text, target)
