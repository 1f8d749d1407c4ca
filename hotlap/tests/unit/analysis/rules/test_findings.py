"""Each finding: said where the evidence carries it, and not said where it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from hotlap.analysis.judge import judge
from hotlap.analysis.rules.findings import ADVICE
from hotlap.evidence.figures import Durations, Percentiles, Place
from hotlap.evidence.load import Trial
from hotlap.evidence.profile import (
    Attribution,
    LoopBlock,
    OwnShare,
    Profile,
    TaskWaits,
    Wait,
    WaitKind,
    WorkCaller,
    WorkKind,
    WorkShare,
)
from hotlap.evidence.service import LockTimes, RepeatedStatement, StatementCounts, Verified
from hotlap.experiment import Mode
from hotlap.run.result import LaneResult, RunResult


def trial(**changes: Any) -> Trial:
    values: dict[str, Any] = {
        "engine": "native",
        "model": "closed",
        "users": 16,
        "wait_s": (0.0, 0.0),
        "duration_s": 8.0,
        "requests": 160,
        "failures": 0,
        "rps": 20.0,
        "latency_ms": Percentiles(mean=800.0, p50=800.0),
        "server_cpu_us_per_request": 600.0,
        "server_cpu_percent": 1.2,
    }
    return Trial(**{**values, **changes})


def lane(*trials: Trial, variant: str = "python", **changes: Any) -> LaneResult:
    return LaneResult(
        scenario="read", variant=variant, path="/read", trials=list(trials or [trial()]), **changes
    )


def said(*lanes: LaneResult) -> dict[str, str]:
    run = RunResult(created="", lanes=list(lanes))
    return {one.name: one.sentence for one in judge(run).findings}


def durations(mean_s: float, count: int = 100) -> Durations:
    return Durations(bounds_s=[10.0], counts=[count, 0], total_s=mean_s * count)


def test_a_lock_is_named_with_its_bound() -> None:
    locks = {"exclusive": LockTimes(wait=durations(0.776), hold=durations(0.05))}
    sentence = said(lane(locks=locks))["lock-queue"]
    assert "requests to /read wait for one lock (exclusive) 97% of their time" in sentence
    assert "held 50.0 ms each time, so at most 20.0 requests/s" in sentence
    locks["exclusive"].wait = durations(0.05)
    assert "lock-queue" not in said(lane(locks=locks))


@pytest.mark.parametrize(
    ("load", "alone_ms", "speaks"),
    [
        (trial(), 51.0, True),
        (trial(latency_ms=Percentiles(mean=53.0)), 51.0, False),
        (trial(server_cpu_percent=97.0), 51.0, False),
        (trial(users=2, latency_ms=Percentiles(mean=102.0)), 51.0, False),
        (trial(model="open", users=None), 51.0, False),
        (trial(), None, False),
    ],
)
def test_requests_that_are_served_one_at_a_time(load: Trial, alone_ms: float | None, speaks: bool) -> None:
    told = said(lane(load, verified=answered(alone_ms) if alone_ms is not None else None))
    assert ("one-at-a-time" in told) is speaks
    if speaks:
        assert "alone one takes 51.0 ms, with 16 users 800 ms" in told["one-at-a-time"]


def answered(alone_ms: float) -> Verified:
    return Verified(status=200, size=1, sha256="", constant=True, alone_ms=alone_ms)


def test_an_idle_server_that_the_load_leaves_idle() -> None:
    waits = {"model": "paced", "wait_s": (1.0, 1.0), "users": 36}
    assert "idle 60% of the time" in said(lane(trial(**waits, server_cpu_percent=40.0)))["idle-server"]
    assert "idle-server" not in said(lane(trial(**waits, server_cpu_percent=70.0)))
    assert "idle-server" not in said(lane(trial(server_cpu_percent=40.0)))


def sleeping(mean_ms: float = 50.5, cpu: float = 3.0, used_us: float = 300.0, **more: Any) -> LaneResult:
    """A lane of 16 users whose requests sleep for 50 ms."""
    seen = trial(
        latency_ms=Percentiles(mean=mean_ms, p50=mean_ms),
        rps=16_000 / mean_ms,
        requests=round(128_000 / mean_ms),
        server_cpu_percent=cpu,
        server_cpu_us_per_request=used_us,
    )
    return lane(seen, verified=answered(50.2), **more)


def test_a_lane_that_only_waits() -> None:
    told = said(sleeping())
    assert set(told) == {"only-waits"}
    assert told["only-waits"] == (
        "requests to /read only wait (--profiles await may tell for what): alone one takes 50.2 ms, with 16 users 50.5 "
        "ms, of which the server computes for 0.300 ms. More users would be answered as soon; only less waiting makes "
        "an answer quicker"
    )
    assert "only-waits" not in said(sleeping(mean_ms=800.0))
    assert "only-waits" not in said(sleeping(cpu=80.0))
    assert "only-waits" not in said(sleeping(used_us=20_000.0))
    assert "only-waits" not in said(sleeping(mean_ms=4.0))


def test_what_a_lane_that_only_waits_waits_for() -> None:
    def told(share: float, kind: WaitKind = WaitKind.TIMER) -> dict[str, str]:
        one = Wait(kind=kind, what="a timer", share=share, by=Place(name="nap", place="shop.py:7"))
        return said(sleeping(profiles=[profile("await", tasks=TaskWaits(waits=[one]))]))

    assert "only wait for a timer in nap (shop.py:7): alone" in told(0.9)["only-waits"]
    assert set(told(0.9)) == {"only-waits"}
    assert "only wait: alone" in told(0.3)["only-waits"]
    assert "only wait: alone" in told(0.9, WaitKind.CLIENT)["only-waits"]


def test_a_statement_sent_for_each_row() -> None:
    def sent(times: float) -> StatementCounts:
        by = Place(name="load", place="shop.py:12")
        one = RepeatedStatement(sql="select ? from line", per_request=times, by=by)
        return StatementCounts(per_request=times + 1, repeated=[one])

    sentence = said(lane(statements=sent(40.0)))["repeated-statement"]
    assert "sends 41.0 statements to the database, 40.0 times the same one from load (shop.py:12)" in sentence
    assert "repeated-statement" not in said(lane(statements=sent(2.0)))


def profile(mode: Mode = "on-cpu", samples: int = 400, **known: Any) -> Profile:
    return Profile(profiler="py-spy", mode=mode, samples=samples, **known)


def test_what_blocks_the_event_loop() -> None:
    blocked = [LoopBlock(by=Place(name="report", place="shop.py:7"), inside="sleep", seconds=1.9)]

    def of(looked_s: float) -> dict[str, str]:
        tasks = TaskWaits(blocked=blocked, looked_s=looked_s, loop_lag_ms=Percentiles(max=201.0))
        return said(lane(profiles=[profile("await", tasks=tasks)]))

    assert "blocked for 1.90 s of 2.00 s by report (shop.py:7), in sleep" in of(2.0)["blocked-loop"]
    assert "blocked-loop" not in of(100.0)


def test_what_suspended_requests_wait_for() -> None:
    def told(
        share: float, kind: WaitKind = WaitKind.LOCK, what: str = "asyncio.Lock", samples: int = 400
    ) -> dict[str, str]:
        one = Wait(kind=kind, what=what, share=share, by=Place(name="book", place="shop.py:7"))
        return said(lane(profiles=[profile("await", samples, tasks=TaskWaits(waits=[one]))]))

    assert "93% of the requests" in told(0.93)["waits-for"]
    assert "for a lock (asyncio.Lock) in book (shop.py:7): what is awaited" in told(0.93)["waits-for"]
    assert "for a gate in book" in told(0.93, WaitKind.OTHER, "a gate")["waits-for"]
    assert "what is awaited" not in told(0.93, WaitKind.OTHER, "a FairLock of somebody's")["waits-for"]
    assert "waits-for" not in told(0.3)
    assert "waits-for" not in told(0.93, WaitKind.CLIENT, "the client")
    assert "waits-for" not in told(0.93, samples=10)


def test_a_kind_of_work_and_whom_it_is_for() -> None:
    def told(share: float, samples: int = 400, cpu: float = 95.0) -> dict[str, str]:
        by = [OwnShare(function=Place(name="clone", place="fold.rs:41"), share=0.9)]
        one = WorkShare(kind=WorkKind.ALLOCATION, share=share, by=by)
        found = profile(samples=samples, attribution=Attribution(kinds=[one]))
        return said(lane(trial(server_cpu_percent=cpu), profiles=[found]))

    sentence = told(0.63)["kind-of-work"]
    assert sentence == (
        "63% of the CPU of /read goes to malloc and free, for clone (fold.rs:41): keep and reuse what is "
        "allocated, or borrow instead of copying"
    )
    assert "kind-of-work" not in told(0.1)
    assert "kind-of-work" not in told(0.63, samples=20)
    assert "kind-of-work" not in told(0.63, cpu=3.0)


def test_each_kind_of_work_has_its_advice() -> None:
    assert set(ADVICE) == set(WorkKind)


def working(*kinds: WorkShare, statements: StatementCounts | None = None) -> dict[str, str]:
    """What is said of a busy lane with these kinds of work, by rule; of one rule the first."""
    found = profile(attribution=Attribution(kinds=list(kinds)))
    made = lane(trial(server_cpu_percent=95.0), profiles=[found], statements=statements)
    told: dict[str, str] = {}
    for one in judge(RunResult(created="", lanes=[made])).findings:
        told.setdefault(one.name, one.sentence)
    return told


def sends(per_request: float) -> StatementCounts:
    one = RepeatedStatement(sql="select 1", per_request=per_request)
    return StatementCounts(per_request=per_request, repeated=[one])


def test_what_explains_the_other_comes_first() -> None:
    """A template that asks for rows one by one: the statements first, then their CPU, and nothing of a cache."""
    templates = WorkShare(kind=WorkKind.TEMPLATES, share=1.0, alone=0.1, by=[])
    sql = WorkShare(kind=WorkKind.SQL, share=0.98, alone=0.98, by=[])
    told = working(templates, sql, statements=sends(40.0))
    assert list(told) == ["repeated-statement", "kind-of-work"]
    assert "98% of the CPU of /read goes to SQL" in told["kind-of-work"]
    assert "cache what does not change" not in str(told)
    # As older runs have it, which do not tell them apart.
    old = working(msgspec.structs.replace(templates, alone=None), statements=sends(40.0))
    assert list(old) == ["repeated-statement", "kind-of-work"]
    rendering = working(msgspec.structs.replace(templates, alone=0.9), statements=sends(1.0))
    assert (
        "90% of the CPU of /read goes to templates: cache what does not change" in rendering["kind-of-work"]
    )


@pytest.mark.parametrize(
    ("statements", "advice"),
    [
        (sends(1.0), ": ask for fewer rows and columns, with an index"),
        (None, ": ask for fewer rows and columns, with an index"),
        (sends(3.0), ": a request sends 3.00 statements: ask for what is needed in fewer"),
    ],
)
def test_one_statement_is_not_told_to_be_one(statements: StatementCounts | None, advice: str) -> None:
    told = working(WorkShare(kind=WorkKind.SQL, share=0.7, by=[]), statements=statements)
    assert advice in told["kind-of-work"]
    assert "in one statement" not in told["kind-of-work"]


@pytest.mark.parametrize(
    ("callers", "says"),
    [
        ([], "JSON: a JSON library in native code (orjson"),
        ([(None, "page (shop.py:9)")], "JSON: a JSON library in native code (orjson"),
        (
            [("starlette", "JSONResponse.render (starlette/responses.py:190)")],
            "JSON: a JSON library in native",
        ),
        (
            [("botocore", "JSONFileLoader.load_file (botocore/loaders.py:180)"), (None, "page (shop.py:9)")],
            "JSON that botocore calls, in JSONFileLoader.load_file (botocore/loaders.py:180): it reads its models each "
            "time that a client or a session is made: make one and keep it",
        ),
        (
            [("tinydb", "Storage.read (tinydb/storages.py:9)")],
            "JSON that tinydb calls, in Storage.read (tinydb/storages.py:9): another JSON library would not reach it",
        ),
    ],
)
def test_another_json_library_is_for_whom_it_reaches(
    callers: list[tuple[str | None, str]], says: str
) -> None:
    made = [
        WorkCaller(library=library, function=function, share=0.8 / (at + 1))
        for at, (library, function) in enumerate(callers)
    ]
    sentence = working(WorkShare(kind=WorkKind.JSON, share=0.6, by=[], callers=made))["kind-of-work"]
    assert says in sentence
    assert ("orjson" in sentence) is ("native" in says)


def test_a_hot_function() -> None:
    def told(share: float) -> dict[str, str]:
        one = OwnShare(function=Place(name="fold", place="python.py:94"), share=share)
        return said(
            lane(trial(server_cpu_percent=95.0), profiles=[profile(attribution=Attribution(own=[one]))])
        )

    assert "71% of the CPU of /read is spent in or for fold (python.py:94)" in told(0.71)["hot-function"]
    assert "hot-function" not in told(0.2)


def cost(variant: str, values: list[float]) -> LaneResult:
    return lane(
        *(trial(repeat=number, server_cpu_us_per_request=value) for number, value in enumerate(values)),
        variant=variant,
    )


@pytest.mark.parametrize(
    ("python", "native", "check"),
    [
        ([4000.0], [400.0], lambda text: "needs 10.0 times less CPU a request than read/python" in text),
        ([4000.0] * 4, [400.0, 410.0, 390.0, 404.0], lambda text: "(99%: " in text),
        ([400.0], [4000.0], lambda text: "10.0 times more CPU" in text),
        ([400.0], [800.0], None),
        ([400.0] * 3, [480.0, 481.0, 479.0], lambda text: "1.20 times more CPU" in text),
        ([400.0, 900.0, 100.0, 500.0], [900.0, 400.0, 500.0, 700.0], None),
    ],
)
def test_what_the_other_variant_gains(
    python: list[float], native: list[float], check: Callable[[str], bool] | None
) -> None:
    told = said(cost("python", python), cost("native", native))
    assert ("variant-gain" in told) is (check is not None)
    if check is not None:
        assert check(told["variant-gain"])


def test_nothing_is_gained_over_a_void_lane() -> None:
    void = cost("python", [4000.0])
    void.error = "it ended"
    told = said(void, cost("native", [400.0]))
    assert "variant-gain" not in told
