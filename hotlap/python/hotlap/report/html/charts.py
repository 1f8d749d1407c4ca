"""The report's charts as plotly figures: plain values, computed purely.

Colours are names such as ``$v0`` (the first variant) or ``$line``: the page puts those of its theme in
their place. A variant differs in colour, in symbol and in dash, so that none of them has to carry it alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from hotlap import formatting
from hotlap.analysis.rows import Row, Scenario, View
from hotlap.evidence.load import Point

Chart = dict[str, object]
"""A figure of plotly, or a part of one: its form is plotly's own."""
Curve = Sequence[tuple[float, float]]

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")
DASHES = ("dot", "solid", "dash", "dashdot", "longdash")
DECADES: Chart = {"type": "log", "dtick": 1, "exponentformat": "none", "separatethousands": True}
QUANTILES = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)


def style(index: int) -> tuple[str, str, str]:
    """Colour, symbol and dash of the variant with that place in the order."""
    return f"$v{index % 5}", SYMBOLS[index % 5], DASHES[index % 5]


def layout(height: int, **more: object) -> Chart:
    """What all charts share."""
    return {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "$font", "size": 13, "color": "$ink"},
        "hoverlabel": {
            "bgcolor": "$surface",
            "bordercolor": "$line",
            "font": {"family": "$font", "color": "$ink"},
        },
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
        "dragmode": False,
        **more,
    }


def axis(title: str, **more: object) -> Chart:
    """An axis in the page's manner."""
    return {
        "title": {"text": title, "font": {"size": 12, "color": "$muted"}},
        "gridcolor": "$grid",
        "linecolor": "$line",
        "zeroline": False,
        "automargin": True,
        "tickfont": {"size": 12, "color": "$muted"},
        **more,
    }


def upright(x: float, dash: str = "solid") -> Chart:
    """A vertical line through the whole chart."""
    line = {"color": "$muted", "width": 1.5, "dash": dash}
    return {"type": "line", "xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": line}


def variants(view: View) -> list[str]:
    """The run's variants, baseline first, then the candidate, then the others as they come."""
    found = dict.fromkeys(row.variant for row in view.rows)
    first = [name for name in dict.fromkeys((view.baseline, view.candidate)) if name in found]
    return first + [name for name in found if name not in first]


def span(view: View, key: str, written: Callable[[float], str] = formatting.number) -> Chart | None:
    """One figure of all lanes on a logarithmic axis, the variants of a scenario joined by a line.

    A lane that is void is drawn hollow; one that was not measured is not drawn.
    """
    names = variants(view)
    scenarios = [scenario for scenario in view.scenarios if any(_positive(row, key) for row in scenario.rows)]
    if not scenarios:
        return None
    joins: dict[str, list[float | str | None]] = {"x": [], "y": []}
    points: dict[str, list[tuple[Row, float, str]]] = {name: [] for name in names}
    every: list[float] = []
    for scenario in scenarios:
        known = [(row, value) for row in scenario.rows if (value := _positive(row, key)) is not None]
        values = [value for _, value in known]
        every += values
        joins["x"] += [min(values), max(values), None]
        joins["y"] += [plain(scenario.name), plain(scenario.name), None]
        lowest = min(known, key=lambda pair: pair[1])[0]
        for row, value in known:
            side = "middle left" if row is lowest and len(known) > 1 else "middle right"
            points[row.variant].append((row, value, side))
    data: list[Chart] = [
        {"type": "scatter", "mode": "lines", **joins, "line": {"color": "$line", "width": 3},
         "hoverinfo": "skip", "showlegend": False},
    ]  # fmt: skip
    for index, name in enumerate(names):
        colour, symbol, _ = style(index)
        data.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "name": plain(name),
                "x": [value for _, value, _ in points[name]],
                "y": [plain(row.scenario) for row, _, _ in points[name]],
                "text": [f"\u2002{written(value)}\u2002" for _, value, _ in points[name]],
                "textposition": [side for _, _, side in points[name]],
                "textfont": {"size": 12, "color": "$ink"},
                "marker": {
                    "size": 12,
                    "color": colour,
                    "line": {"width": 2, "color": colour},
                    "symbol": [
                        symbol if row.status == "ok" else f"{symbol}-open" for row, _, _ in points[name]
                    ],
                },
                "hovertext": [
                    f"{plain(row.name)}: {written(value)}{'' if row.status == 'ok' else ' (void)'}"
                    for row, value, _ in points[name]
                ],
                "hoverinfo": "text",
                "cliponaxis": False,
            }
        )
    low, high = math.log10(min(every)), math.log10(max(every))
    pad = max(0.5, 0.55 * (high - low))  # room for the figures beside the outermost marks, on a phone too
    decades = range(math.ceil(low - pad), math.floor(high + pad) + 1)
    return {
        "data": data,
        "layout": layout(
            112 + (52 if len(scenarios) <= 10 else 34) * len(scenarios),
            xaxis=axis(
                "",
                type="log",
                range=[low - pad, high + pad],
                tickvals=[10.0**decade for decade in decades],
                ticktext=[formatting.short(written(10.0**decade)) for decade in decades],
            ),
            yaxis=axis(
                "",
                type="category",
                range=[len(scenarios) - 0.4, -0.6],
                showgrid=False,
                tickfont={"size": 13, "color": "$ink"},
            ),
        ),
    }  # fmt: skip


def latency(scenario: Scenario, order: list[str], curves: Mapping[str, Curve]) -> Chart | None:
    """Latency by percentile: the tail takes as much room as the rest."""
    data = []
    reach, values = 2.0, []
    for row in scenario.rows:
        curve = curves.get(row.name)
        if not curve:
            continue
        colour, _, dash = style(order.index(row.variant))
        inner = [(quantile, value) for quantile, value in curve if quantile < 1]
        reach = max(reach, *(nines(quantile) for quantile, _ in inner)) if inner else reach
        values += [value for _, value in inner]
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": plain(row.variant) + ("" if row.status == "ok" else " (void)"),
                "x": [nines(quantile) for quantile, _ in inner],
                "y": [value for _, value in inner],
                "line": {"color": colour, "width": 2.5, "dash": dash},
                "customdata": [100 * quantile for quantile, _ in inner],
                "hovertemplate": "p%{customdata:.5~g}: %{y:.4~g} ms<extra>%{fullData.name}</extra>",
            }
        )
    if not data:
        return None
    ticks = [quantile for quantile in QUANTILES if nines(quantile) <= reach + 0.01]
    return {
        "data": data,
        "layout": layout(
            300,
            hovermode="x",
            xaxis=axis(
                "percentile of the answers",
                tickvals=[nines(quantile) for quantile in ticks],
                ticktext=[f"{100 * quantile:.5g}%" for quantile in ticks],
                range=[0, reach],
                tickangle=0,
            ),
            yaxis=axis("response time, ms", **scale(values)),
        ),
    }


def over_time(scenario: Scenario, order: list[str], series: Mapping[str, Sequence[Point]]) -> Chart | None:
    """Requests a second and a percentile, second by second, of the lanes' first trials.

    The percentile is the 99th, or the median where a second has too few answers for that.
    """
    known = [(row, points) for row in scenario.rows if len(points := series.get(row.name, ())) > 1]
    if not known:
        return None
    has_tail = any(point.p99_ms is not None for _, points in known for point in points)
    key, title = ("p99_ms", "p99") if has_tail else ("p50_ms", "p50")
    data: list[Chart] = []
    rates: list[float] = []
    slow: list[float] = []
    for row, points in known:
        colour, symbol, dash = style(order.index(row.variant))
        common: Chart = {
            "type": "scatter",
            "mode": "lines+markers",
            "x": [point.t_s for point in points],
            "line": {"color": colour, "width": 2, "dash": dash},
            "marker": {"symbol": symbol, "size": 6, "color": colour},
            "legendgroup": plain(row.variant),
            "name": plain(row.variant),
        }
        waits = [getattr(point, key) for point in points]
        rates += [point.rps for point in points]
        slow += [wait for wait in waits if wait is not None]
        data.append(
            {**common, "y": [point.rps for point in points], "hovertemplate": "%{y:,.4~g} requests/s"}
        )
        hover = f"{title} %{{y:,.4~g}} ms"
        data.append({**common, "y": waits, "yaxis": "y2", "showlegend": False, "hovertemplate": hover})
    return {
        "data": data,
        "layout": layout(
            300,
            hovermode="x unified",
            xaxis=axis("seconds into the trial", anchor="y2"),
            yaxis=axis("requests/s", domain=[0.56, 1], **scale(rates)),
            yaxis2=axis(f"{title}, ms", domain=[0, 0.44], **scale(slow)),
        ),
    }


def nines(quantile: float) -> float:
    """Where a quantile lies on the axis: 90% at 1, 99% at 2, 99.9% at 3."""
    return -math.log10(max(1 - quantile, 1e-9))


def plain(name: str) -> str:
    """A name from outside, for plotly's texts: those read some HTML tags, and a name must not make any.

    Nor may it be the name of a colour, for which the page would put that of its theme.
    """
    safe = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"&#36;{safe[1:]}" if safe.startswith("$") else safe


def scale(values: Iterable[float]) -> Chart:
    """Linear from zero, or logarithmic when the values are more than 20 times apart."""
    known = [value for value in values if value > 0]
    if known and max(known) > 20 * min(known):
        return DECADES
    return {"rangemode": "tozero", "separatethousands": True}


def _positive(row: Row, key: str) -> float | None:
    value = row[key]
    return value if value is not None and value > 0 and row.status != "failed" else None
