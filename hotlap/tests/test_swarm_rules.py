"""Each rule about load, tripped by a real run where one can be made quickly, and by made evidence else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from swarming import HERE

from hotlap.analysis.judge import judge
from hotlap.analysis.judged import JudgedRun
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import MachineUse, Slice, Trial
from hotlap.evidence.service import Verified
from hotlap.experiment import Engine, Experiment, Lane, Load, Server
from hotlap.load.locust_pool import LocustPool
from hotlap.load.trial import Offered, Timing, measure
from hotlap.run.result import LaneResult, RunResult
from hotlap.serving.server import Served, served
from hotlap.serving.verify import verify


def lane_of(mode: str, load: Load, tmp_path: Path) -> tuple[Experiment, Lane]:
    """A lane on a server with known delays."""
    command = ("python", str(HERE / "delay_server.py"), "{port}", mode, str(tmp_path / "server.log"))
    server = Server(command=command, ready_path="/received")
    lane = Lane(scenario="delay", variant=mode, path="/", load=load)
    return Experiment(name="delays", server=server, lanes=(lane,)), lane


def run(mode: str, load: Load, tmp_path: Path, *, engine: Engine = "native") -> JudgedRun:
    """Measure the lane and judge it."""
    experiment, lane = lane_of(mode, load, tmp_path)
    with served(experiment, lane) as server:
        offered = Offered(lane=lane, load=load, engine=engine, verified=verify(server, lane))
        return judged(measured(offered, server, Timing(time_s=2.0, warm_up_s=0.5), tmp_path))


def measured(offered: Offered, server: Served, timing: Timing, folder: Path) -> Trial:
    with LocustPool(ahead=False) as pool:
        return measure(offered, server, timing, histogram=folder / "histograms" / "delay.hgrm", pool=pool)


def loaded(
    mode: str, load: Load, tmp_path: Path, *, time_s: float, verified: Verified | None = None
) -> Trial:
    """Measure the lane from its first request on, whatever it answers."""
    experiment, lane = lane_of(mode, load, tmp_path)
    with served(experiment, lane) as server:
        offered = Offered(lane=lane, load=load, engine="native", verified=verified)
        return measured(offered, server, Timing(time_s=time_s), tmp_path)


def judged(trial: Trial, *others: Trial) -> JudgedRun:
    """A run of one lane with these trials, judged."""
    row = LaneResult(scenario="delay", variant="x", path="/", trials=[trial, *others])
    return judge(RunResult(created="2026-01-01T00:00:00+00:00", lanes=[row]))


def said(made: JudgedRun) -> dict[str, Any]:
    """What the rules said of the lane, by name."""
    lane = made.lanes[0]
    return {one.name: one for one in [*lane.verdict.rules, *made.findings]}


def test_a_quiet_lane_is_ok(tmp_path: Path) -> None:
    made = run("constant", Load(users=8, wait_s=(0.05, 0.05)), tmp_path)
    names = {one.name for one in made.lanes[0].verdict.rules if one.severity == "void"}
    # Other builds may load the machine that this runs on, so lag alone is no failure of the test.
    assert names <= {"generator-lag"}, said(made)
    trial = made.lanes[0].trials[0]
    assert trial.evidence.failures == 0
    assert trial.law is not None
    assert trial.law.difference < 0.05
    assert trial.evidence.generator_offers_rps is not None
    assert trial.evidence.generator_offers_rps > 1000


def test_a_closed_window_goes_on_until_there_is_an_answer(tmp_path: Path) -> None:
    load = Load(users=1)
    seen = loaded("slow", load, tmp_path, time_s=0.5)
    assert seen.requests
    assert 1.5 < seen.duration_s < 10
    assert seen.latency_ms.max is not None
    assert seen.latency_ms.max > 1900


def test_a_queue_that_grows_is_marked_and_not_averaged(tmp_path: Path) -> None:
    load = Load(model="open", rate=200.0, max_in_flight=100, timeout_s=30.0)
    seen = loaded("never", load, tmp_path, time_s=2.0)
    spoken = said(judged(seen))
    assert seen.not_offered
    assert seen.aborted == 100
    assert "saturated" in spoken
    assert "not-measured" in spoken


def test_users_who_wait_while_others_are_answered_are_seen(tmp_path: Path) -> None:
    # Eight more requests than are never answered: of twenty users, eight are answered again and again.
    load = Load(users=20)
    seen = loaded("unfair", load, tmp_path, time_s=2.0)
    spoken = said(judged(seen))
    assert spoken["starved-users"].evidence["starved"] == pytest.approx(12, abs=1)
    assert "littles-law" not in spoken
    assert seen.requests
    # What was seen is all there; what may be believed is not.
    assert seen.latency_ms.p50 is not None
    assert judged(seen).lanes[0].trials[0].latency_ms.p50 is None


def test_answers_that_differ_void_the_lane(tmp_path: Path) -> None:
    load = Load(users=2, wait_s=(0.05, 0.05))
    wrong = Verified(status=200, size=1, sha256="0" * 64, constant=True, alone_ms=1.0)
    seen = loaded("constant", load, tmp_path, time_s=1.0, verified=wrong)
    assert seen.failures == seen.requests
    assert seen.errors == {"another body than expected": seen.failures}
    made = judged(seen)
    assert made.lanes[0].verdict.status == "void"
    assert "failures" in said(made)


def test_a_stock_generator_that_is_the_bottleneck_voids_the_lane(tmp_path: Path) -> None:
    made = run("none", Load(users=64), tmp_path, engine="http")
    assert made.lanes[0].verdict.status == "void", said(made)
    assert {"generator-busy", "littles-law"} & set(said(made))


@pytest.fixture
def busy() -> Iterator[None]:
    """Processes that use every core."""
    import os

    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield


def test_other_processes_on_the_cores_are_seen(tmp_path: Path, busy: None) -> None:
    made = run("constant", Load(users=4, wait_s=(0.05, 0.05)), tmp_path)
    assert "other-processes" in said(made)
    machine = made.lanes[0].trials[0].evidence.machine
    assert machine is not None
    assert machine.other_cpu_percent > 50


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


def slices(mean_ms: list[float], in_flight: list[int] | None = None) -> list[Slice]:
    counts = in_flight or [10] * len(mean_ms)
    return [
        Slice(length_s=0.25, requests=25, mean_ms=mean, in_flight=count)
        for mean, count in zip(mean_ms, counts, strict=True)
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
