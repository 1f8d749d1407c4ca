"""The evidence behind the figures, as pairs and tables of words: computed purely from the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from hotlap import formatting
from hotlap.analysis.figures import STREAM_TIMES
from hotlap.analysis.judged import JudgedLane, JudgedProfile, JudgedRun, JudgedTrial
from hotlap.analysis.rows import Scenario, View, middle, quotient
from hotlap.evidence.figures import Durations, Percentiles
from hotlap.evidence.load import StreamFigures
from hotlap.evidence.profile import Profile
from hotlap.evidence.service import LockTimes, StatementCounts, Verified
from hotlap.evidence.words import held

Pairs = list[tuple[str, str]]

PERCENTILES = {"mean": "mean", "p50": "p50", "p90": "p90", "p99": "p99", "p99_9": "p99.9", "max": "max"}
LABELS = {
    "looks": "times looked",
    "tasks_mean": "tasks suspended on average",
    "waits_for": "waits for",
    "loop_lag_ms": "event loop late",
    "peak_rss_bytes": "peak memory",
    "bytes_per_request": "allocated per request",
    "rps": "requests/s",
    "in_flight_mean": "in flight on average",
    "generator_offers_rps": "the generator offers, requests/s",
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
    """A key as words, without the unit that its value carries: ``hold_ms`` is ``hold``; a name from outside stays."""
    if key in LABELS:
        return LABELS[key]
    if not key.isidentifier():
        return key
    for suffix in ("_bytes", "_ms", "_us", "_hz", "_s"):
        key = key.removesuffix(suffix)
    return key.replace("_", " ")


def flat(values: Mapping[str, object], prefix: str = "", unit: str = "") -> Pairs:
    """Nested values as pairs of words and a text; a key without a unit has that of the key above it."""
    pairs: Pairs = []
    for key, value in values.items():
        own = key if key.endswith(tuple(suffix for suffix, _ in _BY_SUFFIX)) else unit
        if isinstance(value, Mapping):
            pairs += flat(value, f"{prefix}{words(key)}, ", own)
        else:
            pairs.append((f"{prefix}{words(key)}", spoken(value, own)))
    return pairs


def plain(values: Mapping[str, object], prefix: str = "") -> Pairs:
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


def of_struct(
    struct: msgspec.Struct | None, prefix: str = "", leave_out: tuple[str, ...] = (), unit: str = ""
) -> Pairs:
    """The figures of a struct, by the names of its fields; those that are not known are left out.

    ``unit`` is that of figures whose names have none.
    """
    if struct is None:
        return []
    known: dict[str, object] = msgspec.to_builtins(struct)
    values = {
        key: value for key, value in known.items() if value not in (None, [], {}) and key not in leave_out
    }
    return [pair for pair in flat(values, prefix, unit) if pair[1] != formatting.MISSING]


def profile_facts(profile: JudgedProfile) -> Pairs:
    """What a profile rests on and what it counted; only what is known."""
    seen = profile.evidence
    known: list[tuple[str, str]] = [
        ("allocations" if seen.mode == "memory" else "samples", _samples(seen)),
        ("missed", formatting.count(seen.missed)),
        ("errors", formatting.count(seen.errors)),
        ("looks at each process", formatting.count(seen.looks)),
        ("recorded for", formatting.seconds(seen.duration_s)),
        ("requests meanwhile", formatting.count(seen.requests)),
        ("rate asked", spoken(seen.rate_hz, "_hz")),
        ("rate reached", spoken(seen.rate_reached_hz, "_hz")),
        ("slower while profiled", formatting.percent(profile.slowdown)),
        ("without a name", formatting.percent(seen.unnamed_share)),
        ("probe", "on" if seen.probe else "off"),
        ("processor time", formatting.seconds(seen.processor_time_s)),
        ("server CPU meanwhile, µs/request", formatting.number(seen.server_cpu_us_per_request)),
    ]
    if seen.gil is not None:
        known += [
            ("interpreter held", formatting.percent(seen.gil.share)),
            ("found held", formatting.count(seen.gil.samples)),
            ("times looked", formatting.count(seen.gil.looks)),
            ("held outside of Python code", formatting.percent(seen.gil.outside_share)),
            ("found held without stopping", formatting.count(seen.gil.unstopped_samples)),
            ("times looked without stopping", formatting.count(seen.gil.unstopped_looks)),
            ("moved by stopping", formatting.percent(seen.gil.moved_share)),
        ]
    known += of_struct(seen.tasks, leave_out=("waits", "blocked"))
    known += of_struct(seen.off_cpu, leave_out=("throughout_svg",))
    known += of_struct(seen.allocations, leave_out=("heaviest_by_bytes",))
    return [pair for pair in known if pair[1] != formatting.MISSING]


def _samples(seen: Profile) -> str:
    """How many a profile rests on, of how many that were taken: why the others are not in it."""
    kept, waited = seen.rests_on, round(seen.waiting or 0)
    told = formatting.count(kept)
    if kept is None or seen.samples is None or seen.samples <= kept:
        return told
    told += f" of {formatting.count(seen.samples)}"
    return f"{told}: {formatting.count(waited)} waited" if waited else told


def by_route(profile: JudgedProfile) -> list[tuple[str, str, str, str]]:
    """Of a mix: what each scenario has, with its share, its value and the functions that handle it."""
    seen = profile.evidence
    return [
        (
            ", ".join(one.scenarios) or "none of them",
            formatting.percent(one.share),
            formatting.number(one.value),
            ", ".join(f"{place.name} ({place.place})" for place in one.handlers) or formatting.MISSING,
        )
        for one in seen.routes
    ]


def by_bytes(profile: JudgedProfile) -> list[tuple[str, str, str]]:
    """Of a memory profile: the functions that allocate most, with bytes a request and location."""
    found = profile.evidence.allocations
    return [
        (one.name, formatting.size(one.bytes_per_request), one.location or formatting.MISSING)
        for one in (found.heaviest_by_bytes if found is not None else [])
    ]


def answers(verified: Verified | None) -> Pairs:
    """What was learnt of a lane's answers before its load, and what is held against each."""
    if verified is None or verified.held is None:
        return []
    asked = f"{formatting.count(verified.answers)} answers of {formatting.count(verified.servers)} servers"
    same = "the same in each" if verified.constant else "not known"
    if verified.varies is not None:
        same = "differs"
    elif verified.holds_port:
        same = "the same in each, but for the server's own port"
    return [("verified with", asked), ("body", same), ("checked under load", held(verified))]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table whose rows are figures and whose columns are measurements."""

    heads: list[str]
    rows: list[tuple[str, list[str]]]


def trials(lane: JudgedLane) -> Table | None:
    """Every trial of a lane with all that it recorded; rows that say nothing are left out."""
    if not lane.trials:
        return None
    columns = [dict(_trial(each)) for each in lane.trials]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [(name, [column.get(name, formatting.MISSING) for column in columns]) for name in names]
    return Table(
        heads=[f"{each.evidence.role} {each.evidence.repeat + 1}" for each in lane.trials],
        rows=[(name, cells) for name, cells in rows if any(cell != formatting.MISSING for cell in cells)],
    )


def _trial(judged: JudgedTrial) -> Iterable[tuple[str, str]]:
    each = judged.evidence
    yield "engine", each.engine
    yield "load model", each.model + (f", {each.arrivals} arrivals" if each.arrivals else "")
    yield "users", formatting.count(each.users)
    wait = each.wait_s
    yield "wait between requests", f"{wait[0]:g} to {wait[1]:g} s" if wait else formatting.MISSING
    yield "rate offered, requests/s", formatting.number(each.rate)
    yield "duration", formatting.seconds(each.duration_s)
    yield "warm-up cut off", formatting.seconds(each.warm_up_s)
    yield "requests", formatting.count(each.requests)
    yield "failures", formatting.count(each.failures)
    yield "aborted", formatting.count(each.aborted)
    yield "not offered", formatting.count(each.not_offered)
    yield "bodies looked into", formatting.count(each.parsed or None)
    yield "requests with values", formatting.count(each.drawn or None)
    yield "requests/s", formatting.number(each.rps)
    yield "in flight on average", formatting.number(each.in_flight_mean)
    for title, of in (
        ("response", judged.latency_ms),
        ("service", judged.service_ms),
        ("connect", each.connect_ms),
    ):
        yield from _percentiles(title, of)
    whole = {f"{name}, the whole flow": part for name, part in each.flows.items()}
    for name, part in {**each.by_name, **whole}.items():
        yield f"{name}, requests", formatting.count(part.requests)
        yield f"{name}, failures", formatting.count(part.failures)
        yield f"{name}, requests/s", formatting.number(part.rps)
        yield from _percentiles(name, part.latency_ms)
    if each.reconnected:
        yield "sent again after an idle connection was closed", formatting.count(each.reconnected)
    yield "server CPU, µs/request", formatting.number(each.server_cpu_us_per_request)
    yield "server CPU", spoken(each.server_cpu_percent, "_percent")
    yield "server memory", formatting.size(each.server_rss_bytes)
    yield "generator CPU", spoken(each.generator_cpu_percent, "_percent")
    yield "the generator offers, requests/s", formatting.number(each.generator_offers_rps)
    yield "limited by", judged.limited_by or formatting.MISSING
    for text, count in sorted(each.errors.items()):
        yield f"error: {text}", formatting.count(count)
    yield "latency", _steadiness(judged)
    yield from of_struct(judged.law, "Little's law, ")
    yield "users left waiting", formatting.number(judged.starved)
    if each.model == "open":
        yield "saturated", spoken(judged.saturated)
    yield from of_struct(each.lag_ms, "sent late, ", unit="_ms")
    yield from of_struct(each.late_ms, "engine woke late, ", unit="_ms")
    yield from of_struct(each.locust, "Locust says, ")
    yield from of_struct(each.machine, "machine, ", leave_out=("others",))
    for one in (each.machine.others if each.machine is not None else None) or []:
        yield f"machine, {one.name} (process {one.pid})", spoken(one.cpu_percent, "_percent")


def _steadiness(judged: JudgedTrial) -> str:
    steady = judged.steadiness
    if not steady.decided:
        return "too few answers to say whether it was steady"
    slope = (
        ""
        if steady.slope_ms_per_s is None
        else f", {formatting.change(steady.slope_ms_per_s)} ms each second"
    )
    return ("grew throughout" if steady.growing else "steady") + slope


def _percentiles(title: str, of: Percentiles | None) -> Iterable[tuple[str, str]]:
    for key, name in PERCENTILES.items():
        yield f"{title} {name}, ms", formatting.number(getattr(of, key) if of else None)


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """A lane measured twice: how far apart its figures are, as shares."""

    lane: str
    cpu: float | None
    rps: float | None


def noise(run: JudgedRun) -> list[Noise]:
    """The A/A pairs of a run."""
    found = []
    for lane in run.lanes:
        again, first = lane.of_role("a/a"), lane.of_role("measure")
        if not again or not first:
            continue
        apart = {}
        for key in ("server_cpu_us_per_request", "rps"):
            values = [middle([getattr(each.evidence, key) for each in group]) for group in (again, first)]
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


def stream(lane: JudgedLane) -> Table | None:
    """What came of a lane's streams in each trial; of a flow or a mix, what came of each step that is one."""
    columns: dict[str, dict[str, str]] = {}
    for judged in lane.of_role():
        seen = judged.evidence
        named = {name: part.stream for name, part in seen.by_name.items()} or {"": seen.stream}
        for name, found in named.items():
            if found is not None:
                columns[f"{name} {seen.repeat + 1}".strip()] = dict(_stream(found))
    if not columns:
        return None
    names = dict.fromkeys(name for column in columns.values() for name in column)
    return Table(
        heads=list(columns),
        rows=[
            (name, [column.get(name, formatting.MISSING) for column in columns.values()]) for name in names
        ],
    )


def _stream(found: StreamFigures) -> Iterable[tuple[str, str]]:
    yield "events", formatting.count(found.events)
    yield "events/s", formatting.number(found.events_per_s)
    yield "bytes/s", formatting.size(round(found.bytes_per_s))
    yield "server CPU, µs/event", formatting.number(found.server_cpu_us_per_event)
    for time in STREAM_TIMES:
        yield from _percentiles(time.title.lower(), time.of(found))


def statement_facts(sent: StatementCounts) -> Pairs:
    """How many statements a request sends, and how many a debug mode adds to them, if one does."""
    added = [("added by the debug mode", formatting.number(sent.added_per_request))]
    return [("a request", formatting.number(sent.per_request)), *(added if sent.added_per_request else [])]


def statements(sent: StatementCounts) -> list[tuple[str, str, str | None]]:
    """The statements that a request sends most often: what, how often, and the app's function that does."""
    return [
        (one.sql, formatting.number(one.per_request), str(one.by) if one.by is not None else None)
        for one in sent.repeated
    ]


LOCK_TIMES = {"wait": "waited for", "hold": "held"}


def lock_times(lock: LockTimes) -> dict[str, Durations]:
    """What is known of a lock, by what it is called."""
    known = {LOCK_TIMES["wait"]: lock.wait, LOCK_TIMES["hold"]: lock.hold}
    return {title: times for title, times in known.items() if times is not None and times.count}


def lock_facts(lock: LockTimes) -> Pairs:
    """How often and how long on average a lock was waited for and held."""
    return [
        pair
        for title, times in lock_times(lock).items()
        for pair in (
            (f"{title}, times", formatting.count(times.count)),
            (f"{title}, on average", formatting.seconds(times.mean_s)),
        )
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
