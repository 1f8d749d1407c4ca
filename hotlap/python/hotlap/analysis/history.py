"""The runs of a folder in the order in which they were made, and each lane's figures over them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import msgspec

from hotlap.analysis import rows as aggregate
from hotlap.run import result
from hotlap.run.result import RunResult

CONFIDENCE = 0.95
FIGURES = ("server_cpu_us_per_request", "rps", "p99")


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A figure and, where it was measured more than once, its interval."""

    value: float
    low: float | None = None
    high: float | None = None


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A lane in one run."""

    run: int
    status: aggregate.Status
    repeats: int
    figures: dict[str, Estimate | None]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the history."""

    folder: Path
    created: str
    name: str
    commit: str | None
    dirty: bool
    machine: str
    lanes: int
    ok: int
    void: int
    failed: int
    interrupted: bool
    report: Path | None


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Runs, the oldest first; lanes by name; run folders that cannot be read, and why."""

    folder: Path
    entries: list[Entry]
    lanes: dict[str, list[Mark]]
    unreadable: list[tuple[Path, str]]
    comparisons: list[Path]


def read(folder: Path) -> History:
    """Read the runs in a folder and in the folders beneath it (three levels deep)."""
    runs: list[tuple[RunResult, Path]] = []
    unreadable: list[tuple[Path, str]] = []
    for path in find(folder):
        try:
            runs.append((result.read(path), path))
        except result.ResultError as error:
            unreadable.append((path, str(error)))
    runs.sort(key=lambda pair: (pair[0].created, str(pair[1])))
    lanes: dict[str, list[Mark]] = {}
    entries = []
    for number, (run, path) in enumerate(runs):
        view = aggregate.view(run)
        entries.append(entry(run, path, view))
        for row in view.rows:
            lane = run.lane(row.name)
            if lane is not None:
                lanes.setdefault(row.name, []).append(mark(number, row, lane))
    pages = sorted(path for path in folder.rglob("compar*.html") if path.is_file())
    return History(folder=folder, entries=entries, lanes=lanes, unreadable=unreadable, comparisons=pages)


def find(folder: Path, depth: int = 3) -> list[Path]:
    """The folders that hold a ``run.json``, sorted; links are not followed."""
    found = []
    for here, below, files in os.walk(folder):
        level = len(Path(here).relative_to(folder).parts)
        below[:] = sorted(below) if level < depth else []
        if "run.json" in files:
            found.append(Path(here))
    return found


def entry(run: RunResult, path: Path, view: aggregate.View) -> Entry:
    """A run as a row of the history."""
    known: dict[str, Any] = run.environment
    machine = ", ".join(
        str(part) for part in (known.get("cpu"), known.get("cores") and f"{known['cores']} cores") if part
    )
    page = path / "report.html"
    return Entry(
        folder=path,
        created=run.created,
        name=run.name,
        commit=str(known["commit"]) if known.get("commit") else None,
        dirty=bool(known.get("dirty")),
        machine=machine,
        lanes=len(view.rows),
        interrupted=run.interrupted,
        report=page if page.is_file() else None,
        **view.counts,
    )


def mark(number: int, row: aggregate.Row, lane: result.LaneResult) -> Mark:
    """A lane's figures in the run with that number."""
    stretches = lane.stretches()
    values: dict[str, list[float | None]] = {
        "server_cpu_us_per_request": [each.server_cpu_us_per_request for each in stretches],
        "rps": [each.rps for each in stretches],
        "p99": [each.latency_ms.p99 for each in stretches],
    }
    return Mark(
        run=number,
        status=row.status,
        repeats=len(stretches),
        figures={key: estimate(values[key]) for key in FIGURES},
    )


def estimate(values: Iterable[float | None]) -> Estimate | None:
    """The geometric mean and its 95% interval (Student's t on the logarithms); ``None`` without a value.

    A single value has no interval: one measurement says nothing of its own spread.
    """
    known = [math.log(value) for value in values if value is not None and value > 0]
    if not known:
        return None
    middle = fmean(known)
    if len(known) == 1:
        return Estimate(value=math.exp(middle))
    from scipy.stats import t  # type: ignore[import-untyped] # takes a second to load, and few runs need it

    reach = float(t.ppf((1 + CONFIDENCE) / 2, len(known) - 1)) * stdev(known) / math.sqrt(len(known))
    return Estimate(value=math.exp(middle), low=math.exp(middle - reach), high=math.exp(middle + reach))
