"""``hotlap run`` on a small app: what is kept when something fails, is stopped or goes on later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from hotlap.analysis import judge
from hotlap.profiling.doctor import perf_clock, perf_scheduler
from hotlap.run import result

APP = """
import os

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"]
    if path == "/die":
        os._exit(3)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": (b"b" if path == "/b" else b"a")})
"""

EXPERIMENT = """
from hotlap.experiment import Expect, Experiment, Lane, Load, Server

LOAD = Load(users=4, wait_s=(0.01, 0.01))

def lane(scenario, variant, path, **more):
    return Lane(scenario=scenario, variant=variant, path=path, load=LOAD, profiles=(), **more)

experiment = Experiment(
    name="tiny",
    server=Server(app="tiny:app"),
    extensions={extensions},
    lanes=({lanes}),
)
"""

Project = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    def make(*lanes: str, extensions: tuple[str, ...] = ()) -> Path:
        (tmp_path / "tiny.py").write_text(APP)
        listed = "".join(f"lane({words})," for words in lanes)
        text = EXPERIMENT.format(lanes=listed, extensions=repr(extensions))
        (tmp_path / "tiny_experiment.py").write_text(text)
        (tmp_path / "hotlap.toml").write_text('experiment = "tiny_experiment:experiment"\n')
        return tmp_path

    return make


def hotlap(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "hotlap.cli", *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_run_writes_its_folder(project: Project) -> None:
    folder = project("'x', 'python', '/a'", "'x', 'native', '/a'")
    done = hotlap(folder, "run", "--quick", "--out", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    run = result.read(folder / "out")
    assert [lane.name for lane in run.lanes] == ["x/python", "x/native"]
    for lane in run.lanes:
        (trial,) = lane.of_role()
        assert trial.requests is not None
        assert trial.requests > 10
        assert trial.failures == 0
        assert trial.duration_s is not None
        assert trial.rps == pytest.approx(trial.requests / trial.duration_s, rel=0.01)
        assert trial.latency_ms.p50 is not None
        assert trial.latency_ms.p50 > 0
        assert trial.server_cpu_us_per_request is not None
        assert trial.server_cpu_us_per_request > 0
        assert trial.server_rss_bytes is not None
        assert trial.server_rss_bytes > 10 * 2**20
        assert trial.histogram is not None
        histogram = folder / "out" / trial.histogram
        assert "Value" in histogram.read_text()
        assert histogram.with_suffix(".csv").exists()
    assert (folder / "out" / "report.html").stat().st_size > 10_000
    assert "x/native" in done.stdout
    assert "report.html" in done.stdout
    again = hotlap(folder, "run", "--quick", "--out", "out")
    assert again.returncode == 2
    assert "--resume" in again.stderr


@pytest.mark.perf
def test_a_run_can_choose_who_profiles(project: Project, need: Callable[[bool, str], None]) -> None:
    for checked in (perf_clock(), perf_scheduler()):
        need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    folder = project("'x', 'python', '/a'")
    done = hotlap(
        folder,
        "run",
        "x/python",
        "--quick",
        "--profiles",
        "on-cpu,off-cpu",
        "--profiler",
        "perf",
        "--out",
        "out",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (lane,) = result.read(folder / "out").lanes
    assert [(one.mode, one.profiler, one.error) for one in lane.profiles] == [
        ("on-cpu", "perf", None),
        ("off-cpu", "perf", None),
    ]
    raw = [set(one.raw) for one in lane.profiles]
    assert not raw[0] & raw[1]
    for profile, files in zip(lane.profiles, raw, strict=True):
        assert f"profiles/x-python/perf-{profile.mode}.data" in files
        assert all((folder / "out" / file).stat().st_size for file in files)
        assert profile.samples
        assert profile.frames


@pytest.mark.perf
def test_a_lane_can_choose_who_profiles_it(project: Project, need: Callable[[bool, str], None]) -> None:
    checked = perf_clock()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    folder = project("'x', 'python', '/a', profiler='perf'")
    done = hotlap(folder, "run", "--quick", "--profiles", "on-cpu", "--out", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    (lane,) = result.read(folder / "out").lanes
    assert [one.profiler for one in lane.profiles] == ["perf"]


def test_a_locustfile_of_ones_own_stands_in_for_the_users(project: Project) -> None:
    folder = project("'x', 'python', '/a', locustfile='own_users.py'")
    (folder / "own_users.py").write_text(
        "from locust import FastHttpUser, constant, task\n"
        "class Own(FastHttpUser):\n"
        "    wait_time = constant(0.02)\n"
        "    @task\n"
        "    def ask(self):\n"
        "        self.client.get('/a?own', name='own')\n"
    )
    done = hotlap(folder, "run", "--quick", "--out", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    (lane,) = judge.read(folder / "out").lanes
    (judged,) = lane.of_role()
    trial = judged.evidence
    assert trial.failures == 0
    assert trial.requests is not None
    assert trial.duration_s is not None
    assert 10 < trial.requests < 4 * 60 * trial.duration_s
    # How they wait is not known: Little's law says nothing of them.
    assert trial.own_users
    assert judged.law is None
    # Locust sent them, and each name is a row.
    assert trial.engine == "http"
    assert {name: one.requests > 0 for name, one in trial.by_name.items()} == {"own": True}


def test_native_users_of_a_locustfile_are_named_as_such(project: Project) -> None:
    folder = project("'x', 'python', '/a', locustfile='own_users.py'")
    (folder / "own_users.py").write_text(
        "from hotlap.users import NativeUser, Request\n"
        "class Own(NativeUser):\n"
        "    requests = [Request('GET', '/a', name='first'), Request('GET', '/b', name='second')]\n"
        "    wait = (0.01, 0.02)\n"
    )
    done = hotlap(folder, "run", "--quick", "--out", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    (trial,) = result.read(folder / "out").lanes[0].of_role()
    assert (trial.engine, set(trial.by_name)) == ("native", {"first", "second"})
    assert trial.requests == pytest.approx(sum(one.requests for one in trial.by_name.values()), rel=0.5)


def test_users_that_cannot_start_are_said_at_once(project: Project) -> None:
    folder = project("'x', 'python', '/a', locustfile='own_users.py'")
    (folder / "own_users.py").write_text(
        "from locust import FastHttpUser, task\n"
        "class Own(FastHttpUser):\n"
        "    def on_start(self):\n"
        "        raise KeyError('token')\n"
        "    @task\n"
        "    def ask(self):\n"
        "        self.client.get('/a')\n"
    )
    done = hotlap(folder, "run", "--quick", "--out", "out")
    assert done.returncode == 1, done.stdout + done.stderr
    (lane,) = result.read(folder / "out").lanes
    assert lane.error is not None
    assert "own_users.py cannot start: Own.on_start: KeyError: 'token'" in lane.error
    assert "did not end in time" not in lane.error


def test_a_lane_that_kills_its_server_is_a_row_with_its_reason(project: Project) -> None:
    folder = project("'x', 'python', '/a'", "'y', 'python', '/die'")
    done = hotlap(folder, "run", "--quick", "--out", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    good, dead = result.read(folder / "out").lanes
    assert good.error is None
    assert good.of_role()
    assert "/die" in (dead.error or "")
    assert dead.trials == []


def test_variants_that_answer_differently_are_not_measured(project: Project) -> None:
    folder = project("'x', 'python', '/a'", "'x', 'native', '/b'")
    done = hotlap(folder, "run", "--quick", "--out", "out")
    assert done.returncode == 1
    for lane in result.read(folder / "out").lanes:
        assert "answer differently" in (lane.error or "")
        assert lane.trials == []


def test_a_debug_build_is_refused_with_the_remedy(project: Project) -> None:
    folder = project("'x', 'python', '/a'", extensions=("slow_extension",))
    (folder / "slow_extension.py").write_text('build_profile = "debug"\n')
    done = hotlap(folder, "run", "--quick", "--out", "out")
    assert done.returncode == 1
    assert "debug build" in done.stderr
    assert "--release" in done.stderr
    assert not (folder / "out").exists()


def test_a_dry_run_measures_nothing(project: Project) -> None:
    folder = project("'x', 'python', '/a'")
    done = hotlap(folder, "run", "--dry-run", "--profiles", "on-cpu")
    assert done.returncode == 0, done.stderr
    assert "x/python" in done.stdout
    assert "takes about" in done.stdout
    assert "py-spy" in done.stdout
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nope/*",), "no lane matches"),
        (("--suite", "nope"), "no suite is named"),
        (("--profiles", "sideways"), "on-cpu"),
        (("--quick", "--preset", "article"), "exclude"),
    ],
)
def test_a_usage_error_says_what_there_is(project: Project, words: tuple[str, ...], said: str) -> None:
    done = hotlap(project("'x', 'python', '/a'"), "run", *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_ctrl_c_keeps_what_was_measured_and_a_later_run_goes_on(project: Project) -> None:
    folder = project("'x', 'python', '/a'", "'x', 'native', '/a'", "'y', 'python', '/a'")
    words = [sys.executable, "-m", "hotlap.cli", "run", "--quick", "--out", "out"]
    with subprocess.Popen(
        words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 120
        while not _measured(folder / "out"):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "--resume" in errors
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
    stopped = result.read(folder / "out")
    assert stopped.interrupted
    assert (folder / "out" / "report.html").exists()
    first = stopped.lanes[0].of_role()
    assert first
    assert "stopped before" in (stopped.lanes[-1].error or "")

    done = hotlap(folder, "run", "--resume", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    whole = result.read(folder / "out")
    assert not whole.interrupted
    assert whole.lanes[0].of_role() == first
    assert all(lane.of_role() and lane.error is None for lane in whole.lanes)


def _measured(folder: Path) -> bool:
    return (folder / "run.json").exists() and any(lane.trials for lane in result.read(folder).lanes)
