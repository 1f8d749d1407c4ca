"""Compare two runs, or two variants of one run: ratios with intervals, one criterion for all of them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from hotlap.analysis import intervals
from hotlap.analysis.comparison import Compared, Comparison, Says, Side
from hotlap.analysis.figures import FIGURES, Figure
from hotlap.analysis.judged import JudgedLane, JudgedRun, JudgedTrial
from hotlap.run.folder import RunFolder
from hotlap.run.result import Settings


class CompareError(ValueError):
    """Two sides that must not be compared: the message says why, and what would do it anyway."""


_MACHINE = ("cpu", "machine", "cores_usable", "memory_bytes")
_CAUTION = ("python", "implementation", "platform", "versions")


class Pair(msgspec.Struct, frozen=True):
    """One row: the lane as it is called, and its measurements on both sides."""

    name: str
    a: JudgedLane
    b: JudgedLane


def compare_runs(a: JudgedRun, b: JudgedRun, sides: tuple[Side, Side], *, force: bool = False) -> Comparison:
    """Compare the lanes that two runs share, b over a.

    Raises:
        CompareError: they share none, or were made differently and ``force`` is not set.
    """
    pairs = [Pair(row.name, before, row) for row in b.lanes if (before := a.lane(row.name)) is not None]
    if not pairs:
        raise CompareError(f"no lane is in both: {_names(a)} in a, {_names(b)} in b")
    differences = unlike(a, b, pairs)
    if differences and not force:
        raise CompareError(
            "these runs were not made alike: " + "; ".join(differences) + "; compare them anyway with --force"
        )
    cautions = [f"Compared by force: {text}." for text in differences]
    one, other = a.evidence.environment, b.evidence.environment
    cautions += [
        f"{key} differs: {_short(getattr(one, key), getattr(other, key))}."
        for key in _CAUTION
        if getattr(one, key) != getattr(other, key)
    ]
    cautions += _served_otherwise(pairs)
    only = sorted({row.name for row in a.lanes} ^ {row.name for row in b.lanes})
    if only:
        cautions.append(f"In one of the runs only: {', '.join(only)}.")
    return _comparison(pairs, [a, b], sides, cautions)


def _served_otherwise(pairs: Sequence[Pair]) -> list[str]:
    """Where a lane had another server or Python in one run than in the other: a sentence for each such change."""
    found: dict[tuple[str, str], list[str]] = {}
    for pair in pairs:
        mine, theirs = pair.a.evidence.served, pair.b.evidence.served
        if mine is not None and theirs is not None and mine.title() != theirs.title():
            found.setdefault((mine.title(), theirs.title()), []).append(pair.name)
    return [
        f"Served by {a} in one and by {b} in the other: {', '.join(names)}."
        for (a, b), names in found.items()
    ]


def compare_variants(run: JudgedRun, before: str, after: str, sides: tuple[Side, Side]) -> Comparison:
    """Compare two variants within a run, scenario by scenario, ``after`` over ``before``.

    Raises:
        CompareError: no scenario has both.
    """
    pairs = [
        Pair(row.name, other, row)
        for row in run.lanes
        if row.evidence.variant == after
        and (other := run.lane(f"{row.evidence.scenario}/{before}")) is not None
    ]
    if not pairs:
        variants = ", ".join(dict.fromkeys(row.evidence.variant for row in run.lanes))
        raise CompareError(
            f"no scenario of this run has both {before} and {after}; its variants are: {variants}"
        )
    return _comparison(pairs, [run], sides, [])


def unlike(a: JudgedRun, b: JudgedRun, pairs: Sequence[Pair]) -> list[str]:
    """Why two runs must not be compared: other machines, builds or settings, a sentence each."""
    one, other = a.evidence.environment, b.evidence.environment
    said = [
        f"another machine ({key}: {getattr(one, key)} and {getattr(other, key)})"
        for key in _MACHINE
        if getattr(one, key) != getattr(other, key)
    ]
    if one.builds != other.builds:
        said.append(f"other builds ({one.builds} and {other.builds})")
    mine, theirs = (_settings(run.evidence.settings) for run in (a, b))
    said += [
        f"another setting ({key}: {mine[key]} and {theirs[key]})" for key in mine if mine[key] != theirs[key]
    ]
    for pair in pairs:
        loads = [_load(lane.of_role()) for lane in (pair.a, pair.b)]
        if None not in loads and loads[0] != loads[1]:
            said.append(f"another load on {pair.name} ({loads[0]} and {loads[1]})")
    return said


def _settings(settings: Settings) -> dict[str, object]:
    """What a run was told, apart from what may differ: the order's seed, rounds, and what is profiled."""
    return {
        key: _plain(getattr(settings.options, key, None)) for key in ("engine", "load", "timing", "writes")
    }


def _plain(value: object) -> object:
    return msgspec.to_builtins(value)


def _load(trials: Sequence[JudgedTrial]) -> str | None:
    if not trials:
        return None
    one = trials[0].evidence
    if one.model == "open":
        return f"open at {one.rate:g}/s" if one.rate is not None else "open"
    wait = "" if one.wait_s is None else f", wait {one.wait_s[0]:g} to {one.wait_s[1]:g} s"
    return f"{one.model}, {one.users} users{wait}"


def _short(one: object, other: object) -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        changed = [name for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)]
        return ", ".join(f"{name} {one.get(name)} and {other.get(name)}" for name in changed)
    return f"{one} and {other}"


def _names(run: JudgedRun) -> str:
    return ", ".join(lane.name for lane in run.lanes) or "none"


def _comparison(
    pairs: list[Pair], runs: list[JudgedRun], sides: tuple[Side, Side], cautions: list[str]
) -> Comparison:
    rows: list[Compared] = []
    widths = []
    counts = sorted({max(1, min(len(pair.a.of_role()), len(pair.b.of_role()))) for pair in pairs})
    for figure in FIGURES:
        noise = intervals.width(aa_ratios(runs, figure), counts[0])
        made = compare_figure(pairs, figure, noise)
        if any(row.a is not None or row.b is not None for row in made):
            rows += made
            widths += [noise] if noise is not None else []
    rows += _allocations(pairs)
    rounds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    if counts[-1] < intervals.MIN_ROUNDS:
        cautions.append(
            "Measured too seldom for an interval, so nothing is said of any ratio: use hotlap run --repeat 7."
        )
    return Comparison(
        a=sides[0],
        b=sides[1],
        rows=rows,
        method=f"Ratios are b over a: geometric means over {rounds} paired rounds. Intervals are the paired "
        "bootstrap's, no narrower than Student's t, and hold together at 99% over the lanes (Holm). A "
        "difference is said only where the interval excludes 1 by more than the machine's own A/A width.",
        noise=max(widths, default=None),
        cautions=cautions,
    )


def compare_figure(pairs: Sequence[Pair], figure: Figure, noise: float | None) -> list[Compared]:
    """One figure of all lanes; ``noise`` is its A/A width."""
    known: dict[str, tuple[list[float], list[float]]] = {}
    rows: dict[str, Compared] = {}
    for pair in pairs:
        rounds, why = _rounds(pair, figure)
        rows[pair.name] = _row(pair, figure, rounds, why)
        if why is None:
            known[pair.name] = rounds
    found = intervals.paired(list(known.values())) if known else []
    for name, interval in zip(known, found, strict=True):
        side = interval.beyond(noise or 0.0)
        says: Says = figure.up if side > 0 else figure.down if side < 0 else "no difference"
        rows[name] = msgspec.structs.replace(
            rows[name], ratio=interval.ratio, low=interval.low, high=interval.high, says=says, noise=noise
        )
    return list(rows.values())


def _rounds(pair: Pair, figure: Figure) -> tuple[tuple[list[float], list[float]], str | None]:
    """A lane's figures round by round, and why they give no interval."""
    a, b = ({one.evidence.repeat: figure.read(one) for one in lane.of_role()} for lane in (pair.a, pair.b))
    both = [
        (one, other)
        for number in sorted(a.keys() & b.keys())
        if (one := a[number]) is not None and (other := b[number]) is not None and one > 0 and other > 0
    ]
    rounds = [one for one, _ in both], [other for _, other in both]
    for lane in (pair.a, pair.b):
        if lane.verdict.status == "void":
            why = next((rule.sentence for rule in lane.verdict.rules if rule.severity == "void"), "void")
            return rounds, f"{lane.name} is void: {why}"
    if not both:
        return rounds, "not measured in both"
    if len(both) < intervals.MIN_ROUNDS:
        return (
            rounds,
            f"{len(both)} paired {'round' if len(both) == 1 else 'rounds'}: too few for an interval",
        )
    return rounds, None


def _row(pair: Pair, figure: Figure, rounds: tuple[list[float], list[float]], why: str | None) -> Compared:
    a, b = (middle(values) for values in rounds)
    if not rounds[0]:
        a, b = (middle(filter(None, map(figure.read, lane.of_role()))) for lane in (pair.a, pair.b))
    return Compared(
        lane=pair.name,
        figure=figure.title,
        unit=figure.unit,
        a=a,
        b=b,
        ratio=b / a if a and b else None,
        says="not compared" if why else "no difference",
        note=why,
    )


def middle(values: Iterable[float]) -> float | None:
    """The geometric mean; ``None`` without a value."""
    logs = [math.log(value) for value in values if value > 0]
    return math.exp(math.fsum(logs) / len(logs)) if logs else None


def aa_ratios(runs: Iterable[JudgedRun], figure: Figure) -> list[float]:
    """Log ratios of one lane to itself: its A/A trials, and its own rounds, each with the next."""
    ratios = []
    for lane in (lane for run in runs for lane in run.lanes if lane.verdict.status != "void"):
        measured = sorted(lane.of_role(), key=lambda one: one.evidence.repeat)
        pairs = list(pairwise(measured))
        pairs += [(one, again) for again in lane.of_role("a/a") for one in measured[-1:]]
        for one, again in pairs:
            before, after = figure.read(one), figure.read(again)
            if before and after:
                ratios.append(math.log(after / before))
    return ratios


def _allocations(pairs: Sequence[Pair]) -> list[Compared]:
    rows = []
    for pair in pairs:
        a, b = (_allocated(lane) for lane in (pair.a, pair.b))
        if a and b:
            rows.append(
                Compared(
                    lane=pair.name,
                    figure="Allocated per request",
                    unit="bytes",
                    a=a,
                    b=b,
                    ratio=b / a,
                    says="not compared",
                    note="profiled once: a ratio without an interval",
                )
            )
    return rows


def _allocated(lane: JudgedLane) -> float | None:
    for profile in lane.evidence.profiles:
        if profile.mode == "memory" and profile.error is None:
            return profile.allocations.bytes_per_request if profile.allocations is not None else None
    return None


def side_of(run: JudgedRun, name: str, folder: Path | None, page: Path | None) -> Side:
    """A run as one side of a comparison, with a link to its report from the page."""
    known = run.evidence.environment
    report = RunFolder(folder).report if folder is not None else None
    link = None
    if report is not None and report.is_file() and page is not None:
        link = os.path.relpath(report.resolve(), page.parent.resolve())
    return Side(
        name=name,
        created=run.evidence.created,
        commit=known.commit,
        machine=known.title(),
        link=link,
    )
