"""Each finding: said where the evidence carries it, and not said where it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hotlap.analysis import rules
from hotlap.run.result import LaneResult, Percentiles, Profile, RunResult, Stretch


def stretch(**changes: Any) -> Stretch:
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
        "limited_by": "server",
    }
    return Stretch(**{**values, **changes})


def lane(*loads: Stretch, variant: str = "python", **changes: Any) -> LaneResult:
    return LaneResult(
        scenario="read", variant=variant, path="/read", loads=list(loads or [stretch()]), **changes
    )


def said(*lanes: LaneResult, **settings: Any) -> dict[str, str]:
    run = RunResult(created="", lanes=list(lanes), settings=settings)
    rules.apply(run)
    return {one.name: one.sentence for one in run.findings}


def histogram(mean_s: float, count: int = 100) -> dict[str, Any]:
    return {"bounds_s": [10.0], "counts": [count, 0], "total_s": mean_s * count}


def test_a_lock_is_named_with_its_bound() -> None:
    locks = {"exclusive": {"wait": histogram(0.776), "hold": histogram(0.05)}}
    sentence = said(lane(facts={"locks": locks}))["lock-queue"]
    assert "requests to /read wait for one lock (exclusive) 97% of their time" in sentence
    assert "held 50.0 ms each time, so at most 20.0 requests/s" in sentence
    locks["exclusive"]["wait"] = histogram(0.05)
    assert "lock-queue" not in said(lane(facts={"locks": locks}))


@pytest.mark.parametrize(
    ("load", "alone_ms", "speaks"),
    [
        (stretch(), 51.0, True),
        (stretch(latency_ms=Percentiles(mean=53.0)), 51.0, False),
        (stretch(server_cpu_percent=97.0), 51.0, False),
        (stretch(users=2, latency_ms=Percentiles(mean=102.0)), 51.0, False),
        (stretch(model="open", users=None), 51.0, False),
        (stretch(), None, False),
    ],
)
def test_requests_that_are_served_one_at_a_time(load: Stretch, alone_ms: float | None, speaks: bool) -> None:
    told = said(lane(load, verified={"alone_ms": alone_ms}))
    assert ("one-at-a-time" in told) is speaks
    if speaks:
        assert "alone one takes 51.0 ms, with 16 users 800 ms" in told["one-at-a-time"]


def test_an_idle_server_that_the_load_leaves_idle() -> None:
    assert (
        "idle 60% of the time"
        in said(lane(stretch(limited_by="load", server_cpu_percent=40.0)))["idle-server"]
    )
    assert "idle-server" not in said(lane(stretch(limited_by="load", server_cpu_percent=70.0)))
    assert "idle-server" not in said(lane(stretch(limited_by="server", server_cpu_percent=40.0)))


def test_a_statement_sent_for_each_row() -> None:
    def facts(times: float) -> dict[str, Any]:
        one = {"sql": "select ? from line", "per_request": times, "name": "load", "place": "shop.py:12"}
        return {"statements": {"per_request": times + 1, "repeated": [one]}}

    sentence = said(lane(facts=facts(40.0)))["repeated-statement"]
    assert "sends 41.0 statements to the database, 40.0 times the same one from load (shop.py:12)" in sentence
    assert "repeated-statement" not in said(lane(facts=facts(2.0)))


def profile(mode: str = "on-cpu", samples: int = 400, **facts: Any) -> Profile:
    return Profile(profiler="py-spy", mode=mode, samples=samples, facts=facts)  # type: ignore[arg-type]


def test_what_blocks_the_event_loop() -> None:
    blocked = [{"name": "report", "place": "shop.py:7", "inside": "sleep", "seconds": 1.9}]

    def of(of_s: float) -> dict[str, str]:
        facts = {"blocked": blocked, "blocked_of_s": of_s, "loop_lag_ms": {"max": 201.0}}
        return said(lane(profiles=[profile("await", **facts)]))

    assert "blocked for 1.90 s of 2.00 s by report (shop.py:7), in sleep" in of(2.0)["blocked-loop"]
    assert "blocked-loop" not in of(100.0)


def test_what_suspended_requests_wait_for() -> None:
    def told(share: float, what: str = "asyncio.Lock", samples: int = 400) -> dict[str, str]:
        one = {"what": what, "share": share, "name": "book", "place": "shop.py:7"}
        return said(lane(profiles=[profile("await", samples, waits=[one])]))

    assert "93% of the requests" in told(0.93)["waits-for"]
    assert "asyncio.Lock) in book (shop.py:7)" in told(0.93)["waits-for"]
    assert "waits-for" not in told(0.3)
    assert "waits-for" not in told(0.93, "the client")
    assert "waits-for" not in told(0.93, samples=10)


def test_a_kind_of_work_and_whom_it_is_for() -> None:
    def told(share: float, samples: int = 400, cpu: float = 95.0) -> dict[str, str]:
        by = [{"name": "clone", "place": "fold.rs:41", "share": 0.9}]
        one = {"name": "malloc and free", "share": share, "advice": "keep it", "by": by}
        return said(lane(stretch(server_cpu_percent=cpu), profiles=[profile(samples=samples, kinds=[one])]))

    sentence = told(0.63)["kind-of-work"]
    assert sentence == "63% of the CPU of /read goes to malloc and free, for clone (fold.rs:41): keep it"
    assert "kind-of-work" not in told(0.1)
    assert "kind-of-work" not in told(0.63, samples=20)
    assert "kind-of-work" not in told(0.63, cpu=3.0)


def test_a_hot_function() -> None:
    def told(share: float) -> dict[str, str]:
        one = {"name": "fold", "place": "reference.py:94", "share": share}
        return said(lane(stretch(server_cpu_percent=95.0), profiles=[profile(own=[one])]))

    assert "71% of the CPU of /read is spent in or for fold (reference.py:94)" in told(0.71)["hot-function"]
    assert "hot-function" not in told(0.2)


def cost(variant: str, values: list[float]) -> LaneResult:
    return lane(
        *(stretch(repeat=number, server_cpu_us_per_request=value) for number, value in enumerate(values)),
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
    told = said(cost("python", python), cost("native", native), baseline="python", candidate="native")
    assert ("variant-gain" in told) is (check is not None)
    if check is not None:
        assert check(told["variant-gain"])


def test_nothing_is_gained_over_a_void_lane() -> None:
    void = cost("python", [4000.0])
    void.error = "it ended"
    told = said(void, cost("native", [400.0]), baseline="python", candidate="native")
    assert "variant-gain" not in told
