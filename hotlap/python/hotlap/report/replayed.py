"""Recorded traffic that was sent again, on the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from hotlap import formatting
from hotlap._engine import Counters

ROUTES_SHOWN = 30


def table(rows: Iterable[Counters], total: Counters) -> Table:
    """A row for each route, the most frequent first; latencies in milliseconds, from when a request was due."""
    made = Table(box=None, pad_edge=False)
    for name in ("route", "sent", "failed", "aborted", "not offered", "p50 ms", "p99 ms", "service p99"):
        made.add_column(name, justify="left" if name == "route" else "right")
    ordered = sorted(rows, key=lambda row: -row.started)
    for row in ordered[:ROUTES_SHOWN]:
        made.add_row(f"{row.method} {row.name}", *_figures(row))
    if len(ordered) > ROUTES_SHOWN:
        made.add_row(f"… and {len(ordered) - ROUTES_SHOWN} more")
    made.add_row("all", *_figures(total), style="bold")
    return made


def _figures(row: Counters) -> list[str]:
    counts = (row.started, row.failed, row.aborted, row.not_offered)
    times = (row.response.quantile_ms(0.5), row.response.quantile_ms(0.99), row.service.quantile_ms(0.99))
    return [*map(formatting.count, counts), *map(formatting.number, times)]
