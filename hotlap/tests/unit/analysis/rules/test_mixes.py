"""What is said of a mix beside its scenarios alone."""

from __future__ import annotations

from hotlap.analysis.judge import judge
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import NamedRequests, Trial
from hotlap.run.result import LaneResult, RunResult


def trial(cpu_us: float, p50_ms: float, **changes: object) -> Trial:
    return Trial(
        engine="native",
        model="closed",
        users=4,
        duration_s=5.0,
        requests=400,
        failures=0,
        rps=80.0,
        latency_ms=Percentiles(mean=p50_ms, p50=p50_ms),
        server_cpu_us_per_request=cpu_us,
        **changes,  # type: ignore[arg-type]
    )


def lane(scenario: str, one: Trial) -> LaneResult:
    return LaneResult(scenario=scenario, variant="app", path="/", trials=[one])


def named(requests: int, p50_ms: float) -> NamedRequests:
    return NamedRequests(
        requests=requests, failures=0, rps=1.0, latency_ms=Percentiles(p50=p50_ms, p99=p50_ms)
    )


def said(cpu_us: float, browse_ms: float) -> list[str]:
    """A mix of 300 requests to browse and of 50 orders of two steps, with that cost and that median."""
    mixed = trial(
        cpu_us,
        1.0,
        by_name={
            "browse/app": named(300, browse_ms),
            "order: put": named(50, 2.0),
            "order: look": named(50, 2.0),
        },
        flows={"order/app": named(50, 4.0)},
    )
    lanes = [
        lane("browse", trial(100.0, 1.0)),
        lane("order", trial(300.0, 2.0, flows={"order/app": named(100, 4.0)})),
        lane("shop", mixed),
    ]
    run = judge(RunResult(created="", lanes=lanes))
    return [finding.sentence for finding in run.findings if finding.name == "mix"]


def test_what_costs_more_together_or_is_slowed_is_said_with_its_figures() -> None:
    # Three quarters at 100 µs and one at 300 µs.
    (costs,) = said(225.0, 1.0)
    assert "in the mix shop/app, a request costs 225 µs of CPU within it, 1.5 times" in costs
    assert "alone (150 µs)" in costs
    assert "slowed" not in costs
    (slowed,) = said(150.0, 3.0)
    assert "browse/app is slowed most: its median is 3.00 ms within the mix and 1.00 ms under" in slowed
    assert "costs" not in slowed


def test_a_mix_that_costs_what_its_parts_cost_is_passed_over() -> None:
    assert said(150.0, 1.1) == []
