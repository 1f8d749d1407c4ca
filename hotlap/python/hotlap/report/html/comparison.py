"""The page of a comparison: what changed from one run or variant to another, and how sure that is."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from hotlap.analysis.comparison import GOOD, Compared, Comparison, Says, span
from hotlap.report.html import charts
from hotlap.report.html.page import environment, put


def forest(rows: list[Compared], noise: float | None) -> charts.Chart | None:
    """Ratios with their intervals on a logarithmic axis around 1, the width of noise shaded."""
    known = [row for row in rows if row.ratio is not None and row.ratio > 0]
    if not known:
        return None
    data: list[charts.Chart] = []
    groups: list[tuple[str, str, str, tuple[Says, ...]]] = [
        ("better", "$ok", "diamond", ("faster", "less")),
        ("worse", "$void", "square", ("slower", "more")),
        ("no difference", "$muted", "circle-open", ("no difference", "not compared")),
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
    order = list(dict.fromkeys(charts.plain(row.lane) for row in known))
    return {
        "data": data,
        "layout": charts.layout(
            90 + 40 * len(order),
            showlegend=True,
            xaxis=charts.axis("", type="log", tickformat=".3~g", ticksuffix="×", nticks=7),
            yaxis=charts.axis(
                "",
                type="category",
                showgrid=False,
                categoryorder="array",
                categoryarray=order,
                autorange="reversed",
                tickfont={"size": 13, "color": "$ink"},
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
            span=span,
            good=GOOD,
            charts=drawn,
            flames={},
        )
    )
    return put(text, target)
