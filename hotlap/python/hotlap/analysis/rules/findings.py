"""Findings: what a run shows about the service, in sentences that rest on its evidence."""

from __future__ import annotations

from collections.abc import Iterator

from hotlap import formatting
from hotlap.analysis.compare import Pair, compare_figure, middle
from hotlap.analysis.figures import CPU
from hotlap.analysis.intervals import MIN_ROUNDS
from hotlap.analysis.judged import JudgedLane, JudgedProfile, JudgedRun, JudgedTrial
from hotlap.analysis.rows import anchor as anchor_of
from hotlap.analysis.rules import Claim, rule
from hotlap.analysis.trials import IDLE_PERCENT, is_as_alone
from hotlap.evidence.profile import Wait, WaitKind, WorkCaller, WorkKind, WorkShare

LOCK_SHARE = 0.5
"""Of a request's time: from here on a lock is what the request is about."""
WAITS_MS = 5.0
"""A request that takes less is not said to wait."""
WAITS_SHARE = 0.8
"""Of a request's time: from here on it only waits, and is not computed."""
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
"""Without an interval a ratio must be beyond what a busy machine does to one trial."""
BUSY_PERCENT = 20.0
"""Of a core: below it the server's CPU is not what a lane waits for."""

ADVICE = {
    WorkKind.ALLOCATION: "keep and reuse what is allocated, or borrow instead of copying",
    WorkKind.JSON: "a JSON library in native code (orjson, msgspec) does the same in a fraction of the time",
    WorkKind.SQL: "ask for fewer rows and columns, with an index for what is asked",
    WorkKind.TEMPLATES: "cache what does not change",
    WorkKind.REGULAR_EXPRESSIONS: "compile once, or parse by hand",
    WorkKind.DEEP_COPIES: "share what nobody changes",
    WorkKind.LOGGING: "log less on this path, or from a queue",
    WorkKind.PYDANTIC: "validate once, at the edge",
}
"""What may be done about much of a kind of work, where no more is known of it."""
FRAMEWORKS = frozenset(
    (
        *(
            "aiohttp",
            "blacksheep",
            "bottle",
            "connexion",
            "django",
            "falcon",
            "fastapi",
            "flask",
            "litestar",
            "ninja",
        ),
        *("pyramid", "quart", "rest_framework", "robyn", "sanic", "starlette", "tornado", "werkzeug"),
    )
)
"""Libraries whose JSON is the app's: they encode what it answers, and can be told to with another library."""
OF_LIBRARIES = {
    "botocore": "it reads its models each time that a client or a session is made: make one and keep it",
}
"""What may be done about JSON that a library calls by itself."""
OF_A_LIBRARY = "another JSON library would not reach it: keep (cache) what it makes, or call it less often"
SEVERAL = 1.5
"""Statements a request, from which on it is said that one might do."""
EXPLAINED = (WorkKind.SQL, WorkKind.TEMPLATES)
"""What a statement that is sent for each row explains: a template that asks for rows one by one spends its time so."""
UNDER_ITS_CAUSE = 0.8
"""The most that what is explained weighs: less than ``REPEATED_WEIGHT``."""
REPEATED_WEIGHT = 0.85


def anchor(lane: JudgedLane, evidence: str | None = None) -> str:
    """Where the report shows the lane, or one kind of its evidence: a profile's mode, ``locks``, ``statements``."""
    return f"#{anchor_of('lane', lane.name)}" + (f"-{evidence}" if evidence else "")


def _last(lane: JudgedLane) -> JudgedTrial | None:
    measured = [trial for trial in lane.of_role() if trial.evidence.requests]
    return measured[-1] if measured else None


@rule("lock-queue", "lane", "finding")
def lock_queue(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """Requests wait for one lock for half of their time or more: how long it is held bounds the rate."""
    trial = _last(lane)
    if trial is None or not trial.latency_ms.mean:
        return
    for name, lock in lane.evidence.locks.items():
        wait_s, hold_s = (times.mean_s if times else None for times in (lock.wait, lock.hold))
        if wait_s is None or not hold_s:
            continue
        share = min(1.0, 1000 * wait_s / trial.latency_ms.mean)
        if share >= LOCK_SHARE:
            yield Claim(
                sentence=f"requests to {lane.evidence.path} wait for one lock ({name}) {share:.0%} of their time; it is "
                f"held {formatting.seconds(hold_s)} each time, so at most {formatting.number(1 / hold_s)} requests/s",
                evidence={"lock": name, "share": share, "wait_s": wait_s, "hold_s": hold_s},
                link=anchor(lane, "locks"),
                weight=share,
                cause=f"requests wait for the same lock ({name})",
            )


@rule("one-at-a-time", "lane", "finding")
def one_at_a_time(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """Under load a request takes as many times longer as there are users, while the server is idle."""
    trial = _last(lane)
    alone_ms = lane.evidence.verified.alone_ms if lane.evidence.verified else None
    if trial is None or trial.evidence.model != "closed" or not alone_ms or lane.evidence.locks:
        return
    users, cpu = trial.evidence.users or 0, trial.evidence.server_cpu_percent
    mean_ms = trial.latency_ms.mean
    if users < QUEUED_USERS or not mean_ms or cpu is None or trial.evidence.wait_s != (0.0, 0.0):
        return
    longer = mean_ms / alone_ms
    if longer >= ONE_AT_A_TIME * users and cpu <= IDLE_PERCENT:
        yield Claim(
            sentence=f"requests to {lane.evidence.path} are served one at a time while the server is "
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
            cause="requests are served one at a time while the server is idle",
        )


@rule("idle-server", "lane", "finding")
def idle_server(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """The server was idle half of the time or more and could have answered more: the load sets the figure."""
    trial = _last(lane)
    cpu = trial.evidence.server_cpu_percent if trial is not None else None
    if trial is None or trial.limited_by != "load" or cpu is None or _only_waits(lane):
        return
    if cpu <= IDLE_PERCENT:
        yield Claim(
            sentence=f"the server was idle {1 - cpu / 100:.0%} of the time on {lane.name}: the load, not the service, sets "
            "this figure",
            evidence={"server_cpu_percent": cpu, "limited_by": trial.limited_by},
            link=anchor(lane),
            weight=0.3,
            cause="the server was idle half of the time or more: the load, not the service, sets these figures",
        )


def _only_waits(lane: JudgedLane) -> bool:
    """Whether its requests do little but wait, for something that is not held up by the others."""
    trial = _last(lane)
    alone_ms = lane.evidence.verified.alone_ms if lane.evidence.verified else None
    if trial is None or not is_as_alone(trial.evidence, alone_ms):
        return False
    mean_ms, used_us = trial.latency_ms.mean or 0.0, trial.evidence.server_cpu_us_per_request
    return mean_ms >= WAITS_MS and used_us is not None and used_us / 1000 <= (1 - WAITS_SHARE) * mean_ms


def waited_for(lane: JudgedLane) -> Wait | None:
    """What most of its suspended requests wait for, as far as its await profile knows."""
    for profile in lane.profiles:
        tasks = profile.evidence.tasks
        if tasks is None or (profile.evidence.rests_on or 0) < FEWEST_SAMPLES:
            continue
        for one in tasks.waits[:1]:
            if one.share >= WAIT_SHARE and one.kind not in UNREMARKABLE:
                return one
    return None


@rule("only-waits", "lane", "finding")
def only_waits(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """Requests wait for four fifths of their time or more on an idle server, and as long as one does alone."""
    trial = _last(lane)
    if trial is None or not _only_waits(lane):
        return
    seen, alone_ms = trial.evidence, lane.evidence.verified.alone_ms if lane.evidence.verified else None
    mean_ms, used_ms = trial.latency_ms.mean, (seen.server_cpu_us_per_request or 0.0) / 1000
    one = waited_for(lane)
    if one is not None:
        what = f" for {one}"
    else:
        what = (
            ""
            if any(each.evidence.tasks for each in lane.profiles)
            else " (--profiles await may tell for what)"
        )
    users = f", with {seen.users} users {formatting.number(mean_ms)} ms" if seen.users else ""
    yield Claim(
        sentence=f"requests to {lane.evidence.path} only wait{what}: alone one takes {formatting.number(alone_ms)} ms{users}, "
        f"of which the server computes for {formatting.number(used_ms)} ms. More users would be answered as soon; only "
        "less waiting makes an answer quicker",
        evidence={
            "alone_ms": alone_ms,
            "mean_ms": mean_ms,
            "server_cpu_us_per_request": seen.server_cpu_us_per_request,
            "server_cpu_percent": seen.server_cpu_percent,
            "waits_for": one.what if one is not None else None,
            "waits_share": one.share if one is not None else None,
        },
        link=anchor(lane, "await" if one is not None else None),
        weight=0.6,
    )


@rule("repeated-statement", "lane", "finding")
def repeated_statement(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """A request sends the same statement to a database again and again: one for each row of another (N+1)."""
    sent = lane.evidence.statements
    for one in sent.repeated[:1] if sent is not None else []:
        if sent is not None and one.per_request >= REPEATED_STATEMENTS:
            by = f" from {one.by}" if one.by is not None else ""
            yield Claim(
                sentence=f"each request to {lane.evidence.path} sends {formatting.number(sent.per_request)} statements "
                f"to the database, {formatting.number(one.per_request)} times the same one{by}: {_short(one.sql)}. "
                "Ask for all rows in one statement (a join, or IN)",
                evidence={
                    "sql": one.sql,
                    "per_request": one.per_request,
                    "by": str(one.by) if one.by is not None else None,
                },
                link=anchor(lane, "statements"),
                weight=REPEATED_WEIGHT,
                cause=f"each request sends the same statement again and again{by or f': {_short(one.sql)}'}",
            )


def _repeats(lane: JudgedLane) -> bool:
    """Whether its requests send one statement again and again."""
    sent = lane.evidence.statements
    return sent is not None and any(one.per_request >= REPEATED_STATEMENTS for one in sent.repeated[:1])


def _short(text: str, chars: int = 80) -> str:
    return text if len(text) <= chars else text[:chars] + "…"


@rule("blocked-loop", "profile", "finding")
def blocked_loop(run: JudgedRun, lane: JudgedLane, profile: JudgedProfile) -> Iterator[Claim]:
    """The event loop could not run for a tenth of the time or more, because one function kept it."""
    tasks = profile.evidence.tasks
    if tasks is None or not tasks.looked_s:
        return
    of_s, lag_ms = tasks.looked_s, tasks.loop_lag_ms.max if tasks.loop_lag_ms else None
    for one in tasks.blocked[:1]:
        if one.seconds / of_s >= BLOCKED_SHARE:
            inside = f", in {one.inside}" if one.inside else ""
            yield Claim(
                sentence=f"the event loop was blocked for {formatting.seconds(one.seconds)} of "
                f"{formatting.seconds(of_s)} by {one.by}{inside}"
                + (
                    f"; the longest it was kept from running was {formatting.number(lag_ms)} ms"
                    if lag_ms
                    else ""
                )
                + ". Nothing else is served meanwhile: await an asynchronous call, or hand this to a thread",
                evidence={
                    "by": str(one.by),
                    "inside": one.inside,
                    "blocked_s": one.seconds,
                    "of_s": of_s,
                    "longest_ms": lag_ms,
                },
                link=anchor(lane, profile.evidence.mode),
                weight=0.95,
                cause=f"the event loop was blocked by {one.by}",
            )


@rule("waits-for", "profile", "finding")
def waits_for(run: JudgedRun, lane: JudgedLane, profile: JudgedProfile) -> Iterator[Claim]:
    """Half of the suspended tasks or more wait for one thing, in one function of the app's own."""
    seen = profile.evidence
    # What a lane that only waits waits for is said there.
    if seen.tasks is None or (seen.rests_on or 0) < FEWEST_SAMPLES or _only_waits(lane):
        return
    for one in seen.tasks.waits[:1]:
        if one.share >= WAIT_SHARE and one.by is not None and one.kind not in UNREMARKABLE:
            lock = one.kind is WaitKind.LOCK
            told = f"waiting for {f'a lock ({one.what})' if lock else one.what} in {one.by}"
            yield Claim(
                sentence=f"{one.share:.0%} of the requests to {lane.evidence.path} that were in the server at any time "
                f"were {told}" + (": what is awaited while it is held, all others wait for" if lock else ""),
                evidence={
                    "what": one.what,
                    "share": one.share,
                    "by": str(one.by),
                    "samples": seen.rests_on,
                },
                link=anchor(lane, seen.mode),
                weight=0.92 * one.share,
                cause=f"most requests in the server were {told}",
            )


UNREMARKABLE = (WaitKind.LOOP_TURN, WaitKind.CLIENT)


def _busy(lane: JudgedLane, profile: JudgedProfile) -> bool:
    """Whether a lane's CPU profile is about what limits it: an idle server's says little."""
    trial = _last(lane)
    used = trial.evidence.server_cpu_percent if trial is not None else None
    idle = used is not None and used < BUSY_PERCENT
    seen = profile.evidence
    return seen.mode == "on-cpu" and not idle and (seen.rests_on or 0) >= FEWEST_SAMPLES


@rule("kind-of-work", "profile", "finding")
def kind_of_work(run: JudgedRun, lane: JudgedLane, profile: JudgedProfile) -> Iterator[Claim]:
    """A kind of work (allocating, JSON, SQL, …) takes 15% of the CPU or more: for which function, and what to do."""
    attribution = profile.evidence.attribution
    if attribution is None or not _busy(lane, profile):
        return
    for one in attribution.kinds:
        share = _share_of(one)
        if share >= KIND_SHARE:
            by = " and ".join(str(each.function) for each in one.by)
            library = _library(one)
            weight = 0.9 * share
            yield Claim(
                sentence=f"{share:.0%} of the CPU of {lane.evidence.path} goes to {one.kind.value}"
                + (f" that {library.library} calls, in {library.function}" if library else "")
                + (f", for {by}" if by else "")
                + f": {_advice(one, lane)}",
                evidence={
                    "kind": one.kind.value,
                    "share": share,
                    "by": {str(each.function): each.share for each in one.by},
                    "callers": {each.library or "the app": each.share for each in one.callers},
                    "samples": profile.evidence.rests_on,
                },
                link=anchor(lane, profile.evidence.mode),
                weight=min(weight, UNDER_ITS_CAUSE) if one.kind in EXPLAINED and _repeats(lane) else weight,
                cause=f"CPU goes to {one.kind.value}"
                + (f" that {library.library} calls" if library else "")
                + f": {_advice_for_a_library(library) if library else ADVICE[one.kind]}",
            )


def _share_of(work: WorkShare) -> float:
    """What a kind of work takes itself. A template also runs what it asks for, such as statements: those are not its."""
    return work.alone if work.kind is WorkKind.TEMPLATES and work.alone is not None else work.share


def _library(work: WorkShare) -> WorkCaller | None:
    """The library that asks for most JSON by itself; ``None`` where the app does, or its framework for it."""
    heaviest = work.callers[0] if work.kind is WorkKind.JSON and work.callers else None
    return None if heaviest is None or heaviest.library in (None, *FRAMEWORKS) else heaviest


def _advice_for_a_library(library: WorkCaller) -> str:
    return OF_LIBRARIES.get(library.library or "", OF_A_LIBRARY)


def _advice(work: WorkShare, lane: JudgedLane) -> str:
    library = _library(work)
    if library is not None:
        return _advice_for_a_library(library)
    sent = lane.evidence.statements
    if work.kind is WorkKind.SQL and sent is not None and sent.per_request >= SEVERAL:
        return (
            f"a request sends {formatting.number(sent.per_request)} statements: ask for what is needed in fewer, with an "
            "index for each"
        )
    return ADVICE[work.kind]


@rule("hot-function", "profile", "finding")
def hot_function(run: JudgedRun, lane: JudgedLane, profile: JudgedProfile) -> Iterator[Claim]:
    """One function of the app's own takes 30% of the CPU or more, with what libraries do for it."""
    attribution = profile.evidence.attribution
    if attribution is None or not _busy(lane, profile):
        return
    for one in attribution.own[:1]:
        if one.share >= OWN_SHARE:
            yield Claim(
                sentence=f"{one.share:.0%} of the CPU of {lane.evidence.path} is spent in or for {one.function}",
                evidence={
                    "by": str(one.function),
                    "share": one.share,
                    "samples": profile.evidence.rests_on,
                },
                link=anchor(lane, profile.evidence.mode),
                weight=0.6 * one.share,
                cause=f"CPU is spent in or for {one.function}",
            )


@rule("variant-gain", "run", "finding")
def variant_gain(run: JudgedRun) -> Iterator[Claim]:
    """What the candidate's variant costs beside the baseline's: CPU per request, which shared cores disturb least."""
    before, after = run.evidence.settings.baseline, run.evidence.settings.candidate
    for lane in run.lanes:
        other = run.lane(f"{lane.evidence.scenario}/{before}")
        if lane.evidence.variant != after or other is None or lane.evidence.variant == before:
            continue
        told = _gain(other, lane)
        if told is not None:
            yield told


def _gain(before: JudgedLane, after: JudgedLane) -> Claim | None:
    values = []
    for lane in (before, after):
        if lane.verdict.status == "void":
            return None
        values.append(middle(value for one in lane.of_role() if (value := CPU.read(one)) is not None))
    old, new = values
    if not old or not new:
        return None
    ratio = max(old, new) / min(old, new)
    alone = min(len(lane.of_role()) for lane in (before, after)) < MIN_ROUNDS
    if ratio < (ALONE_RATIO if alone else 1.1):
        return None
    [row] = compare_figure([Pair(after.name, before, after)], CPU, None)
    sure = row.low is not None and row.high is not None and row.says != "no difference"
    if row.low is not None and not sure:
        return None
    interval = f" (99%: {formatting.ratio(row.low)} to {formatting.ratio(row.high)} of it)" if sure else ""
    word = "less" if new < old else "more"
    return Claim(
        sentence=f"{after.name} needs {formatting.number(ratio)} times {word} CPU a request than {before.name}: "
        f"{formatting.microseconds(new)} instead of {formatting.microseconds(old)}{interval}",
        evidence={"ratio": new / old, "before_us": old, "after_us": new},
        lane=after.name,
        link=anchor(after),
        weight=0.5 if word == "less" else 0.7,
        cause=f"{after.evidence.variant} needs {word} CPU a request than {before.evidence.variant}",
    )
