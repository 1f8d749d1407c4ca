"""The rules about load that a real run can trip quickly. The others: hotlap/tests/unit/analysis/rules."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from judging import judged, said
from swarming import HERE, until
from verifying import verify

from hotlap._engine import ANOTHER_BODY
from hotlap.analysis.judged import JudgedRun
from hotlap.evidence.load import Trial
from hotlap.experiment import Engine, Experiment, Lane, Load, Server
from hotlap.load.locust_pool import LocustPool
from hotlap.load.trial import Offered, Timing, measure
from hotlap.serving.aftermath import OWNER
from hotlap.serving.server import Served, served

pytestmark = pytest.mark.measures


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
        return judged(measured(offered, server, Timing(time_s=2.0, warm_up_s=0.5)))


def measured(offered: Offered, server: Served, timing: Timing) -> Trial:
    with LocustPool(ahead=False) as pool:
        return measure(offered, server, timing, pool=pool).trial


def loaded(mode: str, load: Load, tmp_path: Path, *, time_s: float, body: bytes | None = None) -> Trial:
    """Measure the lane from its first request on, whatever it answers."""
    experiment, lane = lane_of(mode, load, tmp_path)
    with served(experiment, lane) as server:
        offered = Offered(lane=lane, load=load, engine="native", body=body)
        return measured(offered, server, Timing(time_s=time_s))


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
    seen = loaded("constant", load, tmp_path, time_s=1.0, body=b"7")
    assert seen.failures == seen.requests
    assert seen.errors == {
        f'{ANOTHER_BODY}: the first time, after 0 equal bytes came "6" instead of "7"': seen.failures
    }
    # What failed is not what the lane does: it has latencies of its own.
    assert seen.rps == 0
    assert seen.latency_ms.p50 is None
    assert seen.failed_latency_ms is not None
    assert seen.failed_latency_ms.p50 is not None
    made = judged(seen)
    assert made.lanes[0].verdict.status == "void"
    assert "failures" in said(made)


def stop_for(server: Served, seconds: float) -> threading.Thread:
    """Stop the server's processes for a while, once they have answered under load."""

    def answered() -> int:
        with urllib.request.urlopen(f"{server.url}/received", timeout=10) as response:
            return int(response.read())

    def stop() -> None:
        until("the load has begun", lambda: answered() > 200)
        for pid in server.pids():
            os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        for pid in server.pids():
            os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=stop)
    thread.start()
    return thread


def test_a_server_that_stood_still_is_seen_with_when_and_how_long(tmp_path: Path) -> None:
    load = Load(users=8)
    experiment, lane = lane_of("constant", load, tmp_path)
    with served(experiment, lane) as server:
        stopped = stop_for(server, 1.5)
        seen = measured(Offered(lane=lane, load=load, engine="native"), server, Timing(time_s=5.0))
        stopped.join()
    stalled = said(judged(seen))["stalled"]
    assert stalled.severity == "doubtful"
    assert stalled.evidence["stalled_s"] == pytest.approx(1.5, abs=0.5)
    assert "answered nothing for" in stalled.sentence


RECYCLED = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a"})
"""


def test_workers_that_are_recycled_void_the_lane(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(RECYCLED)
    command = ("python", "-m", "uvicorn", "shop:app", "--workers", "2", "--port", "{port}")
    # So few that a worker which is hardly given a processor comes to its end early in the window.
    server = Server(command=(*command, "--limit-max-requests", "25", "--lifespan", "off"))
    lane = Lane(scenario="shop", variant="app", path="/", load=Load(users=8))
    experiment = Experiment(name="shop", server=server, lanes=(lane,), root=str(tmp_path))
    with served(experiment, lane) as running:
        offered = Offered(lane=lane, load=lane.load, engine="native")
        seen = measured(offered, running, Timing(time_s=6.0))
    assert seen.server_processes is not None
    assert seen.server_processes.ended > 0
    assert said(judged(seen))["processes-changed"].severity == "void"


def test_a_stock_generator_that_is_the_bottleneck_voids_the_lane(tmp_path: Path) -> None:
    made = run("none", Load(users=64), tmp_path, engine="http")
    assert made.lanes[0].verdict.status == "void", said(made)
    assert {"generator-busy", "littles-law"} & set(said(made))


@pytest.fixture
def busy() -> Iterator[set[int]]:
    """Processes that use every core."""
    pids = set()
    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            # Not marked as one that the lab has started.
            env = {name: value for name, value in os.environ.items() if name != OWNER}
            process = subprocess.Popen([sys.executable, "-c", "while True: pass"], env=env)
            stack.callback(process.wait)
            stack.callback(process.kill)
            pids.add(process.pid)
        yield pids


def test_other_processes_on_the_cores_are_seen(tmp_path: Path, busy: set[int]) -> None:
    made = run("constant", Load(users=4, wait_s=(0.05, 0.05)), tmp_path)
    assert "other-processes" in said(made)
    machine = made.lanes[0].trials[0].evidence.machine
    assert machine is not None
    assert machine.other_cpu_percent > 50
    named = {one.pid for one in machine.others or []}
    assert named & busy, machine.others
    assert not named & {os.getpid()}
    assert "python" in said(made)["other-processes"].sentence
