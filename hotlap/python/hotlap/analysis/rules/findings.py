"""Findings: what a run shows about the service, in sentences that rest on its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hotlap import formatting
from hotlap.analysis.rules import Says, rule
from hotlap.run.result import LaneResult, Profile, RunResult, Stretch

LOCK_SHARE = 0.5
"""Of a request's time: from here on a lock is what the request is about."""
IDLE_SHARE = 0.5
QUEUED_USERS = 4
"""Fewer users say little about whether requests wait for one another."""
ONE_AT_A_TIME = 0.6
"""Of the users' number: how many times longer a request takes under load than alone, if they are served in turn."""
KIND_SHARE = 0.15
OWN_SHARE = 0.3
WAIT_SHARE = 0.5
BLOCKED_SHARE = 0.1
REPEATED_STATEMENTS = 5
FEWEST_SAMPLES = 50
ALONE_RATIO = 3.0
"""Without an interval a ratio must be beyond what a busy machine does to one stretch."""
BUSY_PERCENT = 20.0
"""Of a core: below it the server's CPU is not what a lane waits for."""


def anchor(lane: LaneResult, evidence: str | None = None) -> str:
    """Where the report shows the lane, or one kind of its evidence: a profile's mode, ``locks``, ``statements``."""
    from hotlap.analysis.rows import anchor as of

    return f"#{of('lane', lane.name)}" + (f"-{evidence}" if evidence else "")


def _last(lane: LaneResult) -> Stretch | None:
    measured = [stretch for stretch in lane.stretches() if stretch.requests]
    return measured[-1] if measured else None


@rule("lock-queue", "lane", "finding")
def lock_queue(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """Requests wait for one lock for half of their time or more: how long it is held bounds the rate."""
    stretch = _last(lane)
    if stretch is None or not stretch.latency_ms.mean:
        return
    for name, kinds in (lane.facts.get("locks") or {}).items():
        wait_s, hold_s = (_mean_s(kinds.get(kind)) for kind in ("wait", "hold"))
        if wait_s is None or not hold_s:
            continue
        share = min(1.0, 1000 * wait_s / stretch.latency_ms.mean)
        if share >= LOCK_SHARE:
            yield Says(
                sentence=f"requests to {lane.path} wait for one lock ({name}) {share:.0%} of their time; it is held "
                f"{formatting.seconds(hold_s)} each time, so at most {formatting.number(1 / hold_s)} requests/s",
                evidence={"lock": name, "share": share, "wait_s": wait_s, "hold_s": hold_s},
                link=anchor(lane, "locks"),
                weight=share,
            )


def _mean_s(times: dict[str, Any] | None) -> float | None:
    count = sum(times["counts"]) if times else 0
    return times["total_s"] / count if times and count else None


@rule("one-at-a-time", "lane", "finding")
def one_at_a_time(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """Under load a request takes as many times longer as there are users, while the server is idle."""
    stretch = _last(lane)
    alone_ms = (lane.verified or {}).get("alone_ms")
    if stretch is None or stretch.model != "closed" or not alone_ms or lane.facts.get("locks"):
        return
    users, mean_ms, cpu = stretch.users or 0, stretch.latency_ms.mean, stretch.server_cpu_percent
    if users < QUEUED_USERS or not mean_ms or cpu is None or stretch.wait_s != (0.0, 0.0):
        return
    longer = mean_ms / alone_ms
    if longer >= ONE_AT_A_TIME * users and cpu <= 100 * (1 - IDLE_SHARE):
        yield Says(
            sentence=f"requests to {lane.path} are served one at a time while the server is "
            f"{1 - cpu / 100:.0%} idle: alone one takes {formatting.number(alone_ms)} ms, with {users} users "
            f"{formatting.number(mean_ms)} ms. Look for a lock, a pool with one place, or a call that blocks the "
            "event loop",
            evidence={
                "alone_ms": alone_ms,
                "mean_ms": mean_ms,
                "users": users,
                "server_cpu_percent": cpu,
            },
            link=anchor(lane),
            weight=0.9,
        )


@rule("idle-server", "lane", "finding")
def idle_server(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """The server was idle half of the time or more, and users waited between requests: the load sets the figure."""
    stretch = _last(lane)
    if stretch is None or stretch.limited_by != "load" or stretch.server_cpu_percent is None:
        return
    idle = 1 - stretch.server_cpu_percent / 100
    if idle >= IDLE_SHARE:
        yield Says(
            sentence=f"the server was idle {idle:.0%} of the time on {lane.name}: the load, not the service, sets "
            "this figure",
            evidence={"server_cpu_percent": stretch.server_cpu_percent, "limited_by": stretch.limited_by},
            link=anchor(lane),
            weight=0.3,
        )


@rule("repeated-statement", "lane", "finding")
def repeated_statement(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """A request sends the same statement to a database again and again: one for each row of another (N+1)."""
    sent = lane.facts.get("statements") or {}
    for one in (sent.get("repeated") or [])[:1]:
        if one["per_request"] >= REPEATED_STATEMENTS:
            by = f" from {_by(one)}" if one.get("place") else ""
            yield Says(
                sentence=f"each request to {lane.path} sends {formatting.number(sent['per_request'])} statements to the "
                f"database, {formatting.number(one['per_request'])} times the same one{by}: {_short(one['sql'])}. Ask for all "
                "rows in one statement (a join, or IN)",
                evidence=dict(one),
                link=anchor(lane, "statements"),
                weight=0.85,
            )


def _short(text: str, chars: int = 80) -> str:
    return text if len(text) <= chars else text[:chars] + "…"


def _by(one: dict[str, Any]) -> str:
    return f"{one['name']} ({one['place']})"


@rule("blocked-loop", "profile", "finding")
def blocked_loop(run: RunResult, lane: LaneResult, profile: Profile) -> Iterator[Says]:
    """The event loop could not run for a tenth of the time or more, because one function kept it."""
    of_s, lag = profile.facts.get("blocked_of_s"), (profile.facts.get("loop_lag_ms") or {}).get("max")
    for one in (profile.facts.get("blocked") or [])[:1]:
        if of_s and one["seconds"] / of_s >= BLOCKED_SHARE:
            inside = f", in {one['inside']}" if one["inside"] else ""
            yield Says(
                sentence=f"the event loop was blocked for {formatting.seconds(one['seconds'])} of "
                f"{formatting.seconds(of_s)} by {_by(one)}{inside}"
                + (f"; the longest it was kept from running was {formatting.number(lag)} ms" if lag else "")
                + ". Nothing else is served meanwhile: await an asynchronous call, or hand this to a thread",
                evidence={**one, "of_s": of_s, "longest_ms": lag},
                link=anchor(lane, profile.mode),
                weight=0.95,
            )


@rule("waits-for", "profile", "finding")
def waits_for(run: RunResult, lane: LaneResult, profile: Profile) -> Iterator[Says]:
    """Half of the suspended tasks or more wait for one thing, in one function of the app's own."""
    if profile.mode != "await" or profile.error or (profile.samples or 0) < FEWEST_SAMPLES:
        return
    for one in (profile.facts.get("waits") or [])[:1]:
        if one["share"] >= WAIT_SHARE and one["place"] and one["what"] not in UNREMARKABLE:
            what = "a lock" if "Lock" in one["what"] else one["what"]
            yield Says(
                sentence=f"{one['share']:.0%} of the requests to {lane.path} that were in the server at any time were "
                f"waiting for {what} ({one['what']}) in {_by(one)}"
                + (
                    ": what is awaited while it is held, all others wait for" if "Lock" in one["what"] else ""
                ),
                evidence={**one, "samples": profile.samples},
                link=anchor(lane, profile.mode),
                weight=0.92 * one["share"],
            )


UNREMARKABLE = ("its turn on the event loop", "the client")


def _busy(lane: LaneResult, profile: Profile) -> bool:
    """Whether a lane's CPU profile is about what limits it: an idle server's says little."""
    stretch = _last(lane)
    used = stretch.server_cpu_percent if stretch is not None else None
    idle = used is not None and used < BUSY_PERCENT
    return profile.mode == "on-cpu" and not idle and (profile.samples or 0) >= FEWEST_SAMPLES


@rule("kind-of-work", "profile", "finding")
def kind_of_work(run: RunResult, lane: LaneResult, profile: Profile) -> Iterator[Says]:
    """A kind of work (allocating, JSON, SQL, …) takes 15% of the CPU or more: for which function, and what to do."""
    if not _busy(lane, profile):
        return
    for one in profile.facts.get("kinds") or []:
        if one["share"] >= KIND_SHARE:
            by = " and ".join(_by(each) for each in one["by"])
            yield Says(
                sentence=f"{one['share']:.0%} of the CPU of {lane.path} goes to {one['name']}"
                + (f", for {by}" if by else "")
                + f": {one['advice']}",
                evidence={**one, "samples": profile.samples},
                link=anchor(lane, profile.mode),
                weight=0.9 * one["share"],
            )


@rule("hot-function", "profile", "finding")
def hot_function(run: RunResult, lane: LaneResult, profile: Profile) -> Iterator[Says]:
    """One function of the app's own takes 30% of the CPU or more, with what libraries do for it."""
    if not _busy(lane, profile):
        return
    for one in (profile.facts.get("own") or [])[:1]:
        if one["share"] >= OWN_SHARE:
            yield Says(
                sentence=f"{one['share']:.0%} of the CPU of {lane.path} is spent in or for {_by(one)}",
                evidence={**one, "samples": profile.samples},
                link=anchor(lane, profile.mode),
                weight=0.6 * one["share"],
            )


@rule("variant-gain", "run", "finding")
def variant_gain(run: RunResult) -> Iterator[Says]:
    """What the candidate's variant costs beside the baseline's: CPU per request, which shared cores disturb least."""
    before, after = run.settings.get("baseline"), run.settings.get("candidate")
    for lane in run.lanes:
        other = run.lane(f"{lane.scenario}/{before}")
        if lane.variant != after or other is None or lane.variant == before:
            continue
        told = _gain(other, lane)
        if told is not None:
            yield told


def _gain(before: LaneResult, after: LaneResult) -> Says | None:
    from hotlap.analysis.compare import FIGURES, Pair, compare_figure, middle
    from hotlap.analysis.intervals import MIN_ROUNDS

    cpu = FIGURES[0]
    values = []
    for lane in (before, after):
        if lane.verdict.status == "void":
            return None
        values.append(middle(value for one in lane.stretches() if (value := cpu.read(one)) is not None))
    old, new = values
    if not old or not new:
        return None
    ratio = max(old, new) / min(old, new)
    alone = min(len(lane.stretches()) for lane in (before, after)) < MIN_ROUNDS
    if ratio < (ALONE_RATIO if alone else 1.1):
        return None
    [row] = compare_figure([Pair(after.name, before, after)], cpu, None)
    sure = row.low is not None and row.high is not None and row.says != "no difference"
    if row.low is not None and not sure:
        return None
    interval = f" (99%: {formatting.ratio(row.low)} to {formatting.ratio(row.high)} of it)" if sure else ""
    word = "less" if new < old else "more"
    return Says(
        sentence=f"{after.name} needs {formatting.number(ratio)} times {word} CPU a request than {before.name}: "
        f"{formatting.microseconds(new)} instead of {formatting.microseconds(old)}{interval}",
        evidence={"ratio": new / old, "before_us": old, "after_us": new},
        lane=after.name,
        link=anchor(after),
        weight=0.5 if word == "less" else 0.7,
    )
