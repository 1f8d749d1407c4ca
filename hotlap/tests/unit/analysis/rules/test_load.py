"""Each rule about load, on made evidence."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from judging import judged, said
from rich.console import Console

from hotlap.analysis import rows
from hotlap.analysis.judge import judge
from hotlap.analysis.judged import JudgedRun
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import MachineUse, ProcessUse, ServerProcesses, Slice, Trial
from hotlap.report import terminal
from hotlap.run.result import LaneResult, RunResult


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


@pytest.mark.parametrize(
    ("engine", "own_users", "advice", "never"),
    [
        ("native", False, "from another machine (hotlap swarm --master)", "--engine native"),
        ("http", False, "use --engine native, fewer users", "--master"),
        ("http", True, "make its users NativeUser", "--engine native"),
    ],
)
def test_the_advice_fits_the_engine_in_use(engine: str, own_users: bool, advice: str, never: str) -> None:
    of_engine = {"engine": engine, "own_users": own_users}
    hits = [said(judged(trial(**of_engine, generator_cpu_percent=81.0)))["generator-busy"]]
    if not own_users:
        hits.append(said(judged(trial(**of_engine, in_flight_mean=9.0)))["littles-law"])
    for hit in hits:
        assert advice in hit.sentence
        assert never not in hit.sentence


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
        ({"machine": MachineUse(other_cpu_percent=51.0)}, "other-processes"),
        ({"machine": MachineUse(steal_percent=6.0)}, "host-takes-time"),
        ({"machine": MachineUse(throttled=3)}, "short-of-machine"),
        ({"machine": MachineUse(swapped_bytes=4096)}, "short-of-machine"),
        ({"machine": MachineUse(file_limit=10)}, "out-of-files-or-ports"),
    ],
)
def test_evidence_makes_its_rule_speak(more: dict[str, Any], rule: str) -> None:
    assert said(judged(trial())) == {}
    (spoken,) = said(judged(trial(**more))).values()
    assert spoken.name == rule
    assert spoken.evidence


def of_busy(*uses: MachineUse | None) -> JudgedRun:
    """A run of a lane for each use of the machine."""
    lanes = [
        LaneResult(
            scenario=f"s{number}", variant="x", path="/", trials=[trial(machine=use, server_cpu_percent=60.0)]
        )
        for number, use in enumerate(uses)
    ]
    return judge(RunResult(created="2026-01-01T00:00:00+00:00", lanes=lanes))


def using(*percents: float) -> MachineUse:
    others = [
        ProcessUse(name=f"p{number}", pid=number, cpu_percent=percent)
        for number, percent in enumerate(percents)
    ]
    return MachineUse(other_cpu_percent=sum(percents), others=others)


def test_other_processes_are_told_once_for_the_run_and_by_name() -> None:
    made = of_busy(using(60.0, 32.0), using(70.0, 10.0, 8.0, 6.0), MachineUse(other_cpu_percent=3.0), None)
    (hit,) = made.doubts
    assert hit.sentence == (
        "while s0/x and s1/x were measured, other processes used up to 94% of a core: p0 (process 0) 70%, p1 (process 1) "
        "32%, p2 (process 2) 8%; end them, and measure anew"
    )
    assert [row.mark for row in rows.view(made).rows] == ["doubtful", "doubtful", "ok", "ok"]
    assert [row.reasons for row in rows.view(made).rows] == [[], [], [], []]
    console = Console(record=True, width=200)
    terminal.show(made, console)
    assert console.export_text().count("other processes used") == 1


def test_a_server_that_is_not_known_is_not_told_as_another_process() -> None:
    alone = MachineUse(other_cpu_percent=98.0, others=[])
    beside = MachineUse(other_cpu_percent=158.0, others=using(60.0).others)
    lanes = [
        LaneResult(scenario=name, variant="x", path="/", trials=[trial(machine=use, server_cpu_percent=None)])
        for name, use in (("alone", alone), ("beside", beside))
    ]
    (hit,) = judge(RunResult(created="2026-01-01T00:00:00+00:00", lanes=lanes)).doubts
    assert hit.lanes == ["beside/x"]
    assert "used up to 60% of a core: p0" in hit.sentence


def test_other_processes_that_are_gone_have_no_name() -> None:
    (hit,) = of_busy(MachineUse(other_cpu_percent=92.0, others=[])).doubts
    assert "used up to 92% of a core, none of them for long (a build, say); end them" in hit.sentence
    (old,) = of_busy(MachineUse(other_cpu_percent=92.0)).doubts
    assert "used up to 92% of a core; end them" in old.sentence


def test_the_same_lane_twice_gives_the_width_that_means_nothing() -> None:
    again = trial(rps=110.0, role="a/a")
    widths = said(judged(trial(), again))["noise"].evidence["widths"]
    assert isinstance(widths, dict)
    assert widths["rps"] == pytest.approx(0.1)
