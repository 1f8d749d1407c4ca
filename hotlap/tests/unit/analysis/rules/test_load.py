"""Each rule about load, on made evidence."""

from __future__ import annotations

from typing import Any

import pytest
from judging import judged, said

from hotlap.run.result import Stretch


def stretch(**more: Any) -> Stretch:
    """A stretch that no rule objects to."""
    made = Stretch(
        engine="native", model="closed", users=10, wait_s=(0.0, 0.0), duration_s=10.0, requests=1000,
        failures=0, aborted=10, rps=100.0, generator_cpu_percent=10.0,
    )  # fmt: skip
    made.latency_ms.mean = made.latency_ms.p50 = 100.0
    made.facts = {
        "calibration": {"offered_rps": 10_000.0},
        "machine": {"other_cpu_percent": 0.0, "steal_percent": 0.0, "swapped_bytes": 0, "file_limit": 1024},
        "littles": {"users": 10.0, "accounted": 10.0, "difference": 0.0},
        "steady": {"growing": False},
        "lag_ms": {"p99": 0.2},
        "late_ms": {"p99": 0.2},
    }
    for name, value in more.items():
        if hasattr(made, name):
            setattr(made, name, value)
        else:
            made.facts[name] = value
    return made


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"generator_cpu_percent": 81.0}, "generator-busy"),
        ({"calibration": {"offered_rps": 120.0}}, "generator-calibration"),
        ({"lag_ms": {"p99": 11.0}}, "generator-lag"),
        ({"late_ms": {"p99": 11.0}}, "generator-lag"),
        ({"littles": {"users": 10.0, "accounted": 9.0, "difference": 0.1}}, "littles-law"),
        ({"failures": 1, "errors": {"status 500, not 200": 1}}, "failures"),
        ({"requests": 3}, "few-requests"),
        ({"steady": {"growing": True, "slope_ms_per_s": 900.0}}, "still-growing"),
        ({"model": "open", "rate": 200.0, "saturated": True}, "saturated"),
        ({"limited_by": "machine", "server_cpu_us_per_request": 80.0}, "limited-by-machine"),
        ({"machine": {"steal_percent": 6.0}}, "other-processes"),
        ({"machine": {"throttled": 3}}, "other-processes"),
        ({"machine": {"swapped_bytes": 4096}}, "other-processes"),
        ({"machine": {"file_limit": 10}}, "out-of-files-or-ports"),
    ],
)
def test_evidence_makes_its_rule_speak(more: dict[str, Any], rule: str) -> None:
    assert said(judged(stretch())) == {}
    (spoken,) = said(judged(stretch(**more))).values()
    assert spoken.name == rule
    assert spoken.evidence


def test_the_same_lane_twice_gives_the_width_that_means_nothing() -> None:
    again = stretch(rps=110.0, role="a/a")
    spoken = said(judged(stretch(), again))
    assert spoken["noise"].evidence["widths"]["rps"] == pytest.approx(0.1)
