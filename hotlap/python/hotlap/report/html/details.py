"""The evidence behind the figures, as pairs and tables of words: computed purely from the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from hotlap import formatting
from hotlap.analysis.rows import Scenario, View, middle, quotient
from hotlap.run.result import LaneResult, Percentiles, Profile, RunResult, Stretch

Pairs = list[tuple[str, str]]

PERCENTILES = {"mean": "mean", "p50": "p50", "p90": "p90", "p99": "p99", "p99_9": "p99.9", "max": "max"}
LABELS = {
    "gil_share": "interpreter held",
    "gil_samples": "found held",
    "gil_ticks": "times looked",
    "looks": "looks at each process",
    "gil_outside_share": "held outside of Python code",
    "tasks_mean": "tasks suspended on average",
    "waits_for": "waits for",
    "loop_lag_ms": "event loop late",
    "peak_rss_bytes": "peak memory",
    "bytes_per_request": "allocated per request",
    "server_cpu_us_per_request": "server CPU meanwhile, µs/request",
    "rps": "requests/s",
}
"""Keys whose words say too little."""
REFERENCE = {
    "rps": ("requests per second", "rps"),
    "latency_ms": ("average response time, ms", "mean"),
    "profile": ("in the flame graph", None),
}
"""What the figures of a reference are called, and which figure of the run stands beside them."""

_BY_SUFFIX: tuple[tuple[str, Callable[[float], str]], ...] = (
    ("share", formatting.percent),
    ("_percent", lambda value: f"{formatting.number(value)}%"),
    ("_bytes", formatting.size),
    ("bytes_per_request", formatting.size),
    ("waits_for", formatting.percent),
    ("_ms", lambda value: f"{formatting.number(value)} ms"),
    ("_us", lambda value: f"{formatting.number(value)} µs"),
    ("_hz", lambda value: f"{formatting.number(value)} Hz"),
    ("_s", formatting.seconds),
)


def spoken(value: object, key: str = "") -> str:
    """A value in words, by its key's unit; ``None`` is an em dash."""
    if value is None:
        return formatting.MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        for suffix, written in _BY_SUFFIX:
            if key.endswith(suffix):
                return written(value)
        return formatting.count(value) if isinstance(value, int) else formatting.number(value)
    if isinstance(value, list | tuple | set):
        return ", ".join(spoken(item, key) for item in value) or formatting.MISSING
    return str(value)


def words(key: str) -> str:
    """A key as words, without the unit that its value carries: ``hold_ms`` is ``hold``."""
    if key in LABELS:
        return LABELS[key]
    for suffix in ("_bytes", "_ms", "_us", "_hz", "_s"):
        key = key.removesuffix(suffix)
    return key.replace("_", " ")


def flat(values: Mapping[str, Any], prefix: str = "", unit: str = "") -> Pairs:
    """Nested values as pairs of words and a text; a key without a unit has that of the key above it."""
    pairs: Pairs = []
    for key, value in values.items():
        own = key if key.endswith(tuple(suffix for suffix, _ in _BY_SUFFIX)) else unit
        if isinstance(value, Mapping):
            pairs += flat(value, f"{prefix}{words(key)}, ", own)
        else:
            pairs.append((f"{prefix}{words(key)}", spoken(value, own)))
    return pairs


def plain(values: Mapping[str, Any], prefix: str = "") -> Pairs:
    """Nested values as pairs of a dotted key and a text, both as ``run.json`` has them."""
    pairs: Pairs = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            pairs += plain(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            pairs.append((f"{prefix}{key}", ", ".join(map(str, value)) or formatting.MISSING))
        else:
            pairs.append((f"{prefix}{key}", formatting.MISSING if value is None else str(value)))
    return pairs


def profile_facts(profile: Profile) -> Pairs:
    """What a profile rests on and what it counted; only what is known."""
    known: list[tuple[str, str]] = [
        ("allocations" if profile.mode == "memory" else "samples", formatting.count(profile.samples)),
        ("missed", formatting.count(profile.missed)),
        ("errors", formatting.count(profile.errors)),
        ("recorded for", formatting.seconds(profile.duration_s)),
        ("requests meanwhile", formatting.count(profile.requests)),
        ("rate asked", spoken(profile.rate_hz, "_hz")),
        ("rate reached", spoken(profile.rate_reached_hz, "_hz")),
        ("slower while profiled", formatting.percent(profile.slowdown)),
        ("without a name", formatting.percent(profile.unnamed_share)),
        ("probe", "on" if profile.probe else "off"),
    ]
    counted = {key: value for key, value in profile.facts.items() if not isinstance(value, str | list)}
    return [pair for pair in known + flat(counted) if pair[1] != formatting.MISSING]


def profile_sentences(profile: Profile) -> list[str]:
    """The facts of a profile that are sentences, such as the advice that follows from it."""
    return [value for value in profile.facts.values() if isinstance(value, str)]


def by_bytes(profile: Profile) -> list[tuple[str, str, str]]:
    """Of a memory profile: the functions that allocate most, with bytes a request and location."""
    return [
        (
            str(one.get("name", "")),
            formatting.size(one.get("bytes_per_request")),
            str(one.get("location") or formatting.MISSING),
        )
        for one in profile.facts.get("heaviest_by_bytes") or []
    ]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table whose rows are figures and whose columns are measurements."""

    heads: list[str]
    rows: list[tuple[str, list[str]]]


def stretches(lane: LaneResult) -> Table | None:
    """Every stretch of a lane with all that it recorded; rows that say nothing are left out."""
    if not lane.loads:
        return None
    columns = [dict(_stretch(each)) for each in lane.loads]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [(name, [column.get(name, formatting.MISSING) for column in columns]) for name in names]
    return Table(
        heads=[f"{each.role} {each.repeat + 1}" for each in lane.loads],
        rows=[(name, cells) for name, cells in rows if any(cell != formatting.MISSING for cell in cells)],
    )


def _stretch(each: Stretch) -> Iterable[tuple[str, str]]:
    yield "engine", each.engine
    yield "load model", each.model + (f", {each.arrivals} arrivals" if each.arrivals else "")
    yield "users", formatting.count(each.users)
    wait = each.wait_s
    yield "wait between requests", f"{wait[0]:g} to {wait[1]:g} s" if wait else formatting.MISSING
    yield "rate offered, requests/s", formatting.number(each.rate)
    yield "duration", formatting.seconds(each.duration_s)
    yield "requests", formatting.count(each.requests)
    yield "failures", formatting.count(each.failures)
    yield "aborted", formatting.count(each.aborted)
    yield "not offered", formatting.count(each.not_offered)
    yield "requests/s", formatting.number(each.rps)
    for title, of in (
        ("response", each.latency_ms),
        ("service", each.service_ms),
        ("connect", each.connect_ms),
    ):
        yield from _percentiles(title, of)
    for name, part in each.parts.items():
        yield f"{name}, requests", formatting.count(part.requests)
        yield f"{name}, failures", formatting.count(part.failures)
        yield f"{name}, requests/s", formatting.number(part.rps)
        yield from _percentiles(name, part.latency_ms)
    yield "server CPU, µs/request", formatting.number(each.server_cpu_us_per_request)
    yield "server CPU", spoken(each.server_cpu_percent, "_percent")
    yield "server memory", formatting.size(each.server_rss_bytes)
    yield "generator CPU", spoken(each.generator_cpu_percent, "_percent")
    yield "limited by", each.limited_by or formatting.MISSING
    for text, count in sorted(each.errors.items()):
        yield f"error: {text}", formatting.count(count)
    yield from flat(each.facts)


def _percentiles(title: str, of: Percentiles | None) -> Iterable[tuple[str, str]]:
    for key, name in PERCENTILES.items():
        yield f"{title} {name}, ms", formatting.number(getattr(of, key) if of else None)


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """A lane measured twice: how far apart its figures are, as shares."""

    lane: str
    cpu: float | None
    rps: float | None


def noise(run: RunResult) -> list[Noise]:
    """The A/A pairs of a run."""
    found = []
    for lane in run.lanes:
        again, first = lane.stretches("a/a"), lane.stretches("measure")
        if not again or not first:
            continue
        apart = {}
        for key in ("server_cpu_us_per_request", "rps"):
            values = [middle([getattr(each, key) for each in group]) for group in (again, first)]
            ratio = quotient(*values)
            apart[key] = max(ratio, 1 / ratio) - 1 if ratio else None
        found.append(Noise(lane=lane.name, cpu=apart["server_cpu_us_per_request"], rps=apart["rps"]))
    return found


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """A figure from elsewhere, and by variant the run's own or a fragment to look at instead."""

    scenario: Scenario
    name: str
    there: str
    here: list[tuple[str, str | None]]


def statements(sent: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """The statements that a request sends most often: what, how often, and the app's function that does."""
    return [
        (
            one["sql"],
            formatting.number(one["per_request"]),
            f"{one['name']} ({one['place']})" if one.get("place") else None,
        )
        for one in sent.get("repeated") or []
    ]


def reference(view: View) -> list[Beside]:
    """The figures from elsewhere beside those of the run."""
    variants = list(dict.fromkeys(row.variant for row in view.rows))
    found = []
    for scenario in view.scenarios:
        rows = {row.variant: row for row in scenario.rows}
        for key, value in scenario.reference.items():
            name, ours = REFERENCE.get(key, (words(key), key))
            here: list[tuple[str, str | None]] = []
            for variant in variants:
                row = rows.get(variant)
                if row is not None and ours is None:
                    here.append(("flame graph", row.anchor))
                else:
                    here.append((formatting.number(row.figures.get(ours or "") if row else None), None))
            there = value if isinstance(value, str) else formatting.number(value)
            found.append(Beside(scenario=scenario, name=name, there=there, here=here))
    return found
