"""The runs of a folder in the order in which they were made, and each lane's figures over them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean, stdev

import msgspec

from hotlap.analysis import judge, rows
from hotlap.analysis.judged import JudgedLane, JudgedRun
from hotlap.run import result
from hotlap.run.folder import RunFolder

CONFIDENCE = 0.95
_LARGEST_LOG = 300.0
"""Few values far apart have an interval beyond all bounds: it ends there."""
FIGURES = ("server_cpu_us_per_request", "rps", "p99")


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A figure and, where it was measured more than once, its interval."""

    value: float
    low: float | None = None
    high: float | None = None


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A lane in one run."""

    run: int
    status: rows.Status
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
    runs: list[tuple[JudgedRun, Path]] = []
    unreadable: list[tuple[Path, str]] = []
    for path in find(folder):
        try:
            runs.append((judge.read(path), path))
        except result.ResultError as error:
            unreadable.append((path, str(error)))
    runs.sort(key=lambda pair: (pair[0].evidence.created, str(pair[1])))
    lanes: dict[str, list[Mark]] = {}
    entries = []
    for number, (run, path) in enumerate(runs):
        view = rows.view(run)
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
        if RunFolder(Path(here)).run_json.name in files:
            found.append(Path(here))
    return found


def entry(run: JudgedRun, path: Path, view: rows.View) -> Entry:
    """A run as a row of the history."""
    known = run.evidence.environment
    page = RunFolder(path).report
    return Entry(
        folder=path,
        created=run.evidence.created,
        name=run.evidence.name,
        commit=known.commit,
        dirty=bool(known.dirty),
        machine=known.title() or "",
        lanes=len(view.rows),
        interrupted=run.evidence.interrupted,
        report=page if page.is_file() else None,
        **view.counts,
    )


def mark(number: int, row: rows.Row, lane: JudgedLane) -> Mark:
    """A lane's figures in the run with that number."""
    trials = lane.of_role()
    values: dict[str, list[float | None]] = {
        "server_cpu_us_per_request": [each.evidence.server_cpu_us_per_request for each in trials],
        "rps": [each.evidence.rps for each in trials],
        "p99": [each.latency_ms.p99 for each in trials],
    }
    return Mark(
        run=number,
        status=row.status,
        repeats=len(trials),
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
    return Estimate(
        value=math.exp(middle), low=math.exp(middle - reach), high=math.exp(min(middle + reach, _LARGEST_LOG))
    )
