"""Servers with several workers: what they burn and wait for is known, and what supervises them is not mixed in."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import environments
import planting
import pytest

from hotlap.experiment import Experiment, Server
from hotlap.profiling import doctor
from hotlap.profiling.attribution import WAITS_FOR
from hotlap.profiling.probe import Probe, probe
from hotlap.profiling.profile import Shot, attach
from hotlap.profiling.recorders import Target, tasks
from hotlap.serving.roles import Role
from hotlap.serving.server import Served, served

Need = Callable[[bool, str], None]

POINTS = 0.03
CHANCE = 0.02
"""What it makes of a dozen seconds in which each request burns for a while: neighbouring samples are of one."""
READY_S = 60.0
SERVERS = {
    "uvicorn": ("uvicorn", "planted:app", "--workers", "2", "--port", "{port}", "--log-level", "error"),
    "gunicorn": (
        *("gunicorn", "-k", "uvicorn_worker.UvicornWorker", "-w", "2", "-b", "127.0.0.1:{port}"),
        "planted:app",
    ),
    "granian": ("granian", "--interface", "asgi", "--workers", "2", "--port", "{port}", "planted:app"),
    "gunicorn's own": ("gunicorn", "-k", "asgi", "-w", "2", "-b", "127.0.0.1:{port}", "planted:app"),
    "gunicorn's threads": (
        *("gunicorn", "-k", "gthread", "--threads", "2", "-w", "2", "-b", "127.0.0.1:{port}"),
        "planted_wsgi:app",
    ),
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, need: Need) -> Path:
    """A folder with the planted apps, and the servers beside it."""
    folder = tmp_path_factory.mktemp("planted")
    packages = ["uvicorn[standard]", "gunicorn", "uvicorn-worker", "granian"]
    environments.make(folder / "venv", environments.OWN, packages, need)
    (folder / "planted.py").write_text(planting.BURNS + planting.ASGI)
    (folder / "planted_wsgi.py").write_text(planting.BURNS + planting.WSGI)
    return folder


@contextlib.contextmanager
def running(folder: Path, name: str, own: Probe | None = None) -> Iterator[Served]:
    """One of the servers, with the probe if there is one."""
    program, *words = SERVERS[name]
    env = dict(own.env()) if own is not None else {}
    server = Server(command=(str(folder / "venv" / "bin" / program), *words), env={"PYTHONPATH": str(folder)})
    with served(Experiment(name="x", server=server, lanes=(), root=str(folder)), env=env) as found:
        yield found


@pytest.mark.measures
@pytest.mark.parametrize("name", ["uvicorn", "granian", "gunicorn", "gunicorn's threads"])
def test_known_shares_of_the_processor_are_read_as_they_are(
    name: str, planted: Path, tmp_path: Path, need: Need
) -> None:
    checked = doctor.tracing()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    for account in planted.glob("burnt-*.txt"):
        account.unlink()
    with running(planted, name) as server, planting.loaded(server.port, {"/burns": 4}):
        assert server.pid is not None
        shot = Shot(mode="on-cpu", profiler="py-spy", time_s=10, folder=tmp_path)
        captured = attach(server.pid, shot)
    stacks, recording = captured.stacks, captured.recording
    found = {each: stacks.under(rf"^{each} ") for each in ("sixty", "thirty", "ten")}
    took, used = planting.burnt(planted)
    assert used == pytest.approx({"sixty": 0.6, "thirty": 0.3, "ten": 0.1}, abs=0.015)
    # A thread that has to wait for a processor is not idle: a busy machine does not share that out evenly. What the
    # server itself does for a request is little beside it.
    assert found == pytest.approx(took, abs=POINTS + CHANCE)
    assert stacks.under(r"always_pong|Arbiter\.(sleep|wait)|resource_tracker") < 0.01
    # The recording has what was seen.
    assert recording.samples is not None
    beside = sum(one.samples for one in recording.apart)
    assert recording.samples == stacks.total + recording.waiting + stacks.waiting + beside


@pytest.mark.measures
@pytest.mark.parametrize("name", ["uvicorn", "gunicorn", "granian", "gunicorn's own"])
def test_known_waits_of_two_workers_are_read_as_they_are(name: str, planted: Path, tmp_path: Path) -> None:
    with probe() as own, running(planted, name, own) as server:
        target = Target(served=server, is_ours=True, probe=own)
        tasks.RECORDER.prepare(target)
        with planting.loaded(server.port, planting.MANY_WAIT):
            recording = tasks.RECORDER.record(target, "await", 6, tmp_path)
        workers = server.workers()
    # Both at once, and neither what supervises them nor multiprocessing's tracker.
    assert {path.stem for path in recording.raw} == {f"tasks-{pid}" for pid in workers}
    assert len(workers) == 2
    places: Counter[str] = Counter()
    for line in recording.stacks.collapsed().splitlines():
        stack, _, count = line.rpartition(" ")
        inner = ("inside (", "queued (", "naps (")
        places[next((one for one in inner if one in stack), stack)] += int(count)
    total = recording.stacks.total
    assert recording.samples is not None
    assert recording.samples >= total > 1000
    assert places["queued ("] / total == pytest.approx(0.6, abs=POINTS)
    assert places["inside ("] / total == pytest.approx(0.1, abs=POINTS)
    assert places["naps ("] / total == pytest.approx(0.3, abs=POINTS)
    assert recording.tasks is not None
    assert recording.tasks.waits_for["asyncio.Semaphore"] == pytest.approx(0.6, abs=POINTS)
    assert recording.tasks.tasks_mean == pytest.approx(200, rel=0.05)
    leaves = {stack.rpartition(" ")[0].split(";")[-1] for stack in recording.stacks.collapsed().splitlines()}
    assert leaves <= {f"{WAITS_FOR}{what}" for what in recording.tasks.waits_for}


WITH_A_POOL = """
import multiprocessing, time

def helps():
    time.sleep(3600)

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        for method in ("fork", "spawn"):
            multiprocessing.get_context(method).Process(target=helps, daemon=True).start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return await send({"type": "lifespan.shutdown.complete"})
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""


def test_a_server_alone_serves_whatever_processes_it_has_started(planted: Path) -> None:
    (planted / "pooled.py").write_text(WITH_A_POOL)
    program = str(planted / "venv" / "bin" / "uvicorn")
    server = Server(
        command=(program, "pooled:app", "--port", "{port}", "--log-level", "error"),
        env={"PYTHONPATH": str(planted)},
    )
    with served(Experiment(name="x", server=server, lanes=(), root=str(planted))) as found:
        roles = found.roles()
        # The pool's two, and what clears up behind them.
        assert len(roles) >= 3
        assert [role for pid, role in roles.items() if pid != found.pid] == [Role.HELPER] * (len(roles) - 1)
        assert found.workers() == [found.pid]


@pytest.mark.parametrize("name", SERVERS)
def test_two_workers_and_what_supervises_them_are_known_without_load(name: str, planted: Path) -> None:
    with running(planted, name) as server:
        until_s = time.monotonic() + READY_S
        # The second may still be starting.
        while list((roles := server.roles()).values()).count(Role.WORKER) < 2 and time.monotonic() < until_s:
            time.sleep(0.05)
        assert server.pid is not None
        assert roles[server.pid] is Role.SUPERVISOR
        assert list(roles.values()).count(Role.WORKER) == 2
        trackers = [pid for pid, role in roles.items() if role is Role.TRACKER]
        assert len(trackers) == len(roles) - 3


def test_opentelemetrys_instrumentation_and_the_probe_live_beside_each_other(
    planted: Path, tmp_path: Path, need: Need
) -> None:
    python = planted / "venv" / "bin" / "python"
    environments.install(python, ["opentelemetry-distro", "opentelemetry-instrumentation-asyncio"], need)
    (planted / "watched.py").write_text(
        planting.BURNS
        + planting.ASGI
        + "from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider\n"
        + "assert not isinstance(get_tracer_provider(), ProxyTracerProvider)\n"
    )
    server = Server(
        command=(
            *(str(planted / "venv" / "bin" / "opentelemetry-instrument"), "uvicorn"),
            *("watched:app", "--port", "{port}", "--workers", "2", "--log-level", "error"),
        ),
        env={
            "PYTHONPATH": str(planted),
            "PATH": f"{planted / 'venv' / 'bin'}:{os.environ['PATH']}",
            **dict.fromkeys(("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"), "none"),
        },
    )
    experiment = Experiment(name="x", server=server, lanes=(), root=str(planted))
    with probe() as own, served(experiment, env=own.env()) as found:
        target = Target(served=found, is_ours=True, probe=own)
        tasks.RECORDER.prepare(target)
        with planting.loaded(found.port, {"/naps": 4}):
            recording = tasks.RECORDER.record(target, "await", 1, tmp_path)
        assert own.present(found.workers()) == found.workers()
    assert recording.tasks is not None
    assert recording.tasks.waits_for["a timer"] > 0.9
