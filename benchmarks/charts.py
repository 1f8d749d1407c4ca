"""The figures of a run as charts for the docs: an SVG for each endpoint."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from peers_experiment import ENDPOINTS
from ranking import OWN, ranking

from hotlap.analysis.judged import JudgedRun

INK, OURS, OTHERS = "#888888", "#0072B2", "#BBBBBB"
"""Readable on a light and on a dark page; the blue is of a palette that is safe for colour-blind readers."""


def draw(run: JudgedRun, folder: Path) -> dict[str, Path]:
    """Server CPU per request of each server as bars, the range of the rounds as whiskers; the file of each endpoint."""
    drawn = {}
    # So that the same figures give the same file.
    mpl.rcParams["svg.hashsalt"] = "hotlap"
    for scenario in ENDPOINTS:
        rows = [row for row in ranking(run, scenario) if row.cpu_us is not None]
        if not rows:
            continue
        figure = Figure(figsize=(7, 0.6 + 0.34 * len(rows)), layout="constrained")
        axes = figure.subplots()
        names = [row.lane.evidence.variant for row in rows]
        middles = [row.cpu_us or 0.0 for row in rows]
        rounds = [
            [cost for one in row.lane.of_role() if (cost := one.evidence.server_cpu_us_per_request)]
            for row in rows
        ]
        reach = (
            [max(0.0, mid - min(one)) for mid, one in zip(middles, rounds, strict=True)],
            [max(0.0, max(one) - mid) for mid, one in zip(middles, rounds, strict=True)],
        )
        colours = [OURS if name == OWN else OTHERS for name in names]
        bars = axes.barh(names, middles, xerr=reach, color=colours, ecolor=INK, capsize=2)
        axes.bar_label(bars, labels=[f"{value:,.0f}" for value in middles], padding=5, color=INK, fontsize=8)
        axes.invert_yaxis()
        axes.set_xlabel("server CPU per request, µs (less is better)", color=INK)
        axes.margins(x=0.12)
        axes.tick_params(colors=INK)
        for name, side in axes.spines.items():
            side.set_visible(name in ("left", "bottom"))
            side.set_color(INK)
        drawn[scenario] = folder / f"bench-{scenario}.svg"
        figure.savefig(drawn[scenario], transparent=True, metadata={"Date": None})
    return drawn
