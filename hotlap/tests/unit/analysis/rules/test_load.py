"""Each rule about load, on made evidence."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from judging import judged, said

from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import MachineUse, ServerProcesses, Slice, Trial


def trial(**more: Any) -> Trial:
    """A trial that no rule objects to."""
    made = Trial(
        engine="native", model="closed", users=10, wait_s=(0.0, 0.0), duration_s=10.0, requests=1000,
        failures=0, aborted=10, rps=100.0, generator_cpu_percent=10.0, in_flight_mean=10.0,
        latency_ms=Percentiles(mean=100.0, p50=100.0), generator_offers_rps=10_000.0,
        lag_ms=Percentiles(p99=0.2), late_ms=Percentiles(p99=0.2),
        machine=MachineUse(file_limit=1024, cores=2), slices=slices([100.0] * 40),
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


def slices(
    mean_ms: list[float], in_flight: list[int] | None = None, answered: list[int] | None = None
) -> list[Slice]:
    counts = in_flight or [10] * len(mean_ms)
    return [
        Slice(length_s=0.25, requests=requests, mean_ms=mean, in_flight=count)
        for mean, count, requests in zip(mean_ms, counts, answered or [25] * len(mean_ms), strict=True)
    ]


GROWING = [100.0 + 225 * number for number in range(40)]


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"generator_cpu_percent": 81.0}, "generator-busy"),
        ({"generator_offers_rps": 120.0}, "generator-calibration"),
        ({"lag_ms": Percentiles(p99=11.0)}, "generator-lag"),
        ({"late_ms": Percentiles(p99=11.0)}, "generator-lag"),
        ({"in_flight_mean": 9.0}, "littles-law"),
        ({"failures": 1, "errors": {"status 500, not 200": 1}}, "failures"),
        ({"requests": 3, "rps": 0.3, "latency_ms": Percentiles(mean=2000.0, p50=2000.0)}, "few-requests"),
        ({"slices": slices(GROWING)}, "still-growing"),
        (
            {
                "model": "open",
                "rate": 200.0,
                "wait_s": None,
                "slices": slices([100.0] * 40, [25 * at for at in range(40)]),
            },
            "saturated",
        ),
        (
            {"generator_cpu_percent": 70.0, "server_cpu_percent": 120.0, "server_cpu_us_per_request": 80.0},
            "limited-by-machine",
        ),
        ({"slices": slices([100.0] * 40, answered=[25] * 10 + [0] * 12 + [25] * 18)}, "stalled"),
        ({"slices": slices([100.0] * 40, answered=[25] * 30 + [0, 1] * 5)}, "stalled"),
        ({"server_processes": ServerProcesses(began=3, ended=1, started=1)}, "processes-changed"),
        ({"machine": MachineUse(steal_percent=6.0)}, "other-processes"),
        ({"machine": MachineUse(throttled=3)}, "other-processes"),
        ({"machine": MachineUse(swapped_bytes=4096)}, "other-processes"),
        ({"machine": MachineUse(file_limit=10)}, "out-of-files-or-ports"),
    ],
)
def test_evidence_makes_its_rule_speak(more: dict[str, Any], rule: str) -> None:
    assert said(judged(trial())) == {}
    (spoken,) = said(judged(trial(**more))).values()
    assert spoken.name == rule
    assert spoken.evidence


def test_the_same_lane_twice_gives_the_width_that_means_nothing() -> None:
    again = trial(rps=110.0, role="a/a")
    widths = said(judged(trial(), again))["noise"].evidence["widths"]
    assert isinstance(widths, dict)
    assert widths["rps"] == pytest.approx(0.1)
