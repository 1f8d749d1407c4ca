"""Gates: conditions under which a comparison or a run fails, such as ``cpu/native p99 > 1.10x``.

A ratio (``x``) is held against the other side, and only a difference that the comparison itself
would speak of can cross it: one criterion, so that a gate raises no more false alarms than that.
Anything else is an absolute figure, held against the geometric mean of the lane's rounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from hotlap import formatting
from hotlap.analysis.compare import middle
from hotlap.analysis.comparison import Compared, Comparison, Gate, span
from hotlap.analysis.figures import FIGURES, STREAM_FIGURES
from hotlap.analysis.judged import JudgedLane, JudgedRun, JudgedTrial
from hotlap.experiment import ExperimentError

Way = Literal[">", "<"]

_FORM = re.compile(
    r"(?P<lane>[^\s:]+)(?::(?P<step>\S+))?\s+(?P<figure>[A-Za-z][A-Za-z0-9_.]*(?:\s+p[0-9_.]+)?)\s*(?P<way>[<>])\s*"
    r"(?P<value>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-zµ%/]*)"
)
_FAILURES = "failures"
_ALLOCATED = "Allocated per request"
_OF_STEPS = (
    *("rps", "p50", "p90", "p99", "p99_9", _FAILURES),
    *(one.name for one in STREAM_FIGURES if one.name != "cpu_event"),
)
"""What is known of the requests of one name."""
WHOLE_FLOW = "flow"
"""What flows as a whole are called among the steps."""
_TITLES = {figure.name: figure.title for figure in FIGURES} | {"allocated": _ALLOCATED}
_UNITS: dict[str, dict[str, float]] = {
    "µs": {"": 1.0, "µs": 1.0, "us": 1.0, "ms": 1e3},
    "ms": {"": 1.0, "ms": 1.0, "s": 1e3, "µs": 1e-3, "us": 1e-3},
    "requests/s": {"": 1.0, "/s": 1.0, "requests/s": 1.0},
    "events/s": {"": 1.0, "/s": 1.0, "events/s": 1.0},
    "share": {"": 1.0, "%": 0.01},
}
EXAMPLE = (
    '"cpu/native p99 > 1.10x", "*/native cpu > 500us", "shop/app:order p99 > 50ms", "chat/app first_event p99 > 300ms" or '
    '"* failures > 0.1%"'
)


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What must not be: a lane pattern, a figure, and the limit that it crosses."""

    text: str
    lane: str
    step: str | None
    """A pattern for the requests of one name within the lane, such as a flow's steps; ``None``: all of the lane."""
    figure: str
    way: Way
    limit: float
    """In the figure's unit; a ratio where ``relative``."""
    relative: bool

    def crossed(self, value: float) -> bool:
        """Whether a value is on the wrong side of the limit."""
        return value > self.limit if self.way == ">" else value < self.limit


def parse(text: str) -> Condition:
    """Read a condition.

    Raises:
        ExperimentError: it is none; the message shows what they look like.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ExperimentError(f"{text!r} is not a condition; write, for example: {EXAMPLE}")
    # "first_event p99" is one figure.
    name, unit = "_".join(found["figure"].replace(".", "_").split()), found["unit"]
    if name not in _TITLES and name != _FAILURES:
        known = ", ".join([*_TITLES, _FAILURES])
        raise ExperimentError(f"{text!r}: there is no figure {found['figure']!r}; there are: {known}")
    relative = unit == "x"
    if relative and name == _FAILURES:
        raise ExperimentError(f"{text!r}: failures have no ratio; give a share, such as 0.1%")
    factors = _UNITS[_unit(name)]
    if not relative and unit not in factors:
        units = ", ".join(one for one in factors if one)
        raise ExperimentError(
            f"{text!r}: {name} has no unit {unit!r}; give one of {units}, or x for a ratio to the other side"
        )
    if not relative and name == "allocated":
        raise ExperimentError(f"{text!r}: allocated is only compared: give a ratio, such as 1.10x")
    if found["step"] and (relative or name not in _OF_STEPS):
        raise ExperimentError(
            f"{text!r}: of a step there are {', '.join(_OF_STEPS)}, held against a value, not a ratio"
        )
    return Condition(
        text=text.strip(),
        lane=found["lane"],
        step=found["step"],
        figure=name,
        way=">" if found["way"] == ">" else "<",
        limit=float(found["value"]) * (1.0 if relative else factors[unit]),
        relative=relative,
    )


def _unit(name: str) -> str:
    return next((figure.unit for figure in FIGURES if figure.name == name), "share")


def hold(conditions: Iterable[Condition], run: JudgedRun, comparison: Comparison | None) -> list[Gate]:
    """Hold conditions against a run (the b of a comparison) and, where they are ratios, the comparison.

    Without a comparison, ratios are left out. A condition of which nothing was measured fails: a gate that
    lets pass what it has not seen is none.
    """
    gates = []
    for condition in conditions:
        if condition.relative and comparison is None:
            continue
        if condition.relative and comparison is not None:
            gates.append(_relative(condition, comparison))
        else:
            gates.append(_absolute(condition, run))
    return gates


def _relative(condition: Condition, comparison: Comparison) -> Gate:
    title = _TITLES[condition.figure]
    rows = [row for row in comparison.rows if row.figure == title and fnmatchcase(row.lane, condition.lane)]
    if condition.figure == "allocated" and rows and all(row.ratio is not None for row in rows):
        # Bytes are counted, request by request: without noise there is no interval to wait for.
        over = [row for row in rows if row.ratio is not None and condition.crossed(row.ratio)]
        asked = {row.lane for row in comparison.rows if fnmatchcase(row.lane, condition.lane)}
        if (unseen := sorted(asked - {row.lane for row in rows})) and not over:
            return _gate(condition, False, f"not profiled (memory): {', '.join(unseen)}")
        told = "; ".join(f"{row.lane}: {formatting.ratio(row.ratio)}" for row in over or rows)
        return _gate(condition, not over, told)
    unjudged = [row for row in rows if row.says == "not compared"]
    crossed = [
        row
        for row in rows
        if row.ratio is not None
        and row.says not in ("not compared", "no difference")
        and condition.crossed(row.ratio)
    ]
    if crossed:
        return _gate(condition, False, "; ".join(f"{row.lane}: {_told(row)}" for row in crossed))
    if not rows:
        return _gate(condition, False, f"no lane of the comparison matches {condition.lane}")
    if unjudged:
        return _gate(condition, False, "; ".join(f"{row.lane}: {row.note}" for row in unjudged))
    return _gate(condition, True, "; ".join(f"{row.lane}: {_told(row)}" for row in rows))


def _told(row: Compared) -> str:
    return f"{span(row)}, {row.says}"


def _absolute(condition: Condition, run: JudgedRun) -> Gate:
    lanes = [lane for lane in run.lanes if fnmatchcase(lane.name, condition.lane)]
    if condition.step is None:
        values = {lane.name: _value(lane.of_role(), condition.figure) for lane in lanes}
    else:
        values = {
            f"{lane.name}:{step}": _value(trials, condition.figure)
            for lane in lanes
            for step, trials in _steps(lane).items()
            if fnmatchcase(step, condition.step)
        }
        if lanes and not values:
            return _gate(condition, False, f"no step of {condition.lane} matches {condition.step}")
    crossed = {
        name: value for name, value in values.items() if value is not None and condition.crossed(value)
    }
    if crossed:
        return _gate(condition, False, "; ".join(_shown(condition, *one) for one in crossed.items()))
    if not lanes:
        return _gate(condition, False, f"no lane of the run matches {condition.lane}")
    missing = [name for name, value in values.items() if value is None]
    if missing:
        return _gate(condition, False, f"not measured: {', '.join(missing)}")
    return _gate(condition, True, "; ".join(_shown(condition, *one) for one in values.items()))


def _steps(lane: JudgedLane) -> dict[str, list[JudgedTrial]]:
    """The trials of a lane as if it had had the requests of one name alone, by that name."""
    found: dict[str, list[JudgedTrial]] = {}
    for trial in lane.of_role():
        seen = trial.evidence
        # The flow of the lane itself; those of a mix have the names of its scenarios.
        whole = {WHOLE_FLOW if name == lane.name else name: part for name, part in seen.flows.items()}
        for name, part in {**seen.by_name, **whole}.items():
            alone = msgspec.structs.replace(
                seen, requests=part.requests, failures=part.failures, rps=part.rps, stream=part.stream
            )
            found.setdefault(name, []).append(
                msgspec.structs.replace(trial, evidence=alone, latency_ms=part.latency_ms)
            )
    return found


def _value(trials: Sequence[JudgedTrial], name: str) -> float | None:
    if name == _FAILURES:
        requests = sum(one.evidence.requests or 0 for one in trials)
        return sum(one.evidence.failures or 0 for one in trials) / requests if requests else None
    figure = next(one for one in FIGURES if one.name == name)
    return middle(value for one in trials if (value := figure.read(one)) is not None)


def _shown(condition: Condition, lane: str, value: float | None) -> str:
    assert value is not None
    if condition.figure == _FAILURES:
        return f"{lane}: {formatting.percent(value, 2)}"
    return f"{lane}: {formatting.number(value)} {_unit(condition.figure)}"


def _gate(condition: Condition, passed: bool, sentence: str) -> Gate:
    return Gate(condition=f"fail if {condition.text}", passed=passed, sentence=sentence)
