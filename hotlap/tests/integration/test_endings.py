"""However a command ends, nothing of it is left: no process, no temporary folder."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from swarming import until

from hotlap.run import result
from hotlap.serving.server import free_port
from hotlap.serving.watcher import owned

MARK = "HOTLAP_TESTS_ENDING"
"""A variable that all processes of a command inherit."""

EXPERIMENT = """\
command = "python -m http.server {port} --bind 127.0.0.1"
[scenarios.one]
path = "/"
load = { users = 2, wait_s = 0.01 }
[scenarios.two]
path = "/?two"
load = { users = 2, wait_s = 0.01 }
"""

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(1)"

LONG = {
    "run": ("run", "--time", "300", "--profiles", "none", "--out", "out"),
    "flame": ("flame", "one/app", "--time", "300", "-o", "flame.svg"),
    "diff": ("diff", "one/app", "two/app", "--time", "300", "-o", "diff.svg"),
    "capacity": ("capacity", "one/app", "--slo", "p99 < 1000 ms", "--time", "300", "--out", "out"),
    "swarm": ("swarm", "one/app", "--headless"),
    # It waits for a server that never answers.
    "init": ("init", "--path", "/", "--command", f"'{sys.executable}' deaf.py {{port}}"),
}


def marked(value: str) -> list[int]:
    """All processes that inherited the mark."""
    return owned(MARK, value)


def words_of(pid: int) -> str:
    """A process's command line; empty once it is gone."""
    with contextlib.suppress(psutil.Error):
        return " ".join(psutil.Process(pid).cmdline())
    return ""


def kill(value: str) -> None:
    """Kill them all."""
    for pid in marked(value):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Command:
    """A command of the lab that goes on for long."""

    def __init__(self, name: str, folder: Path) -> None:
        self.tmp = folder / "tmp"
        self.tmp.mkdir()
        self.mark = str(folder)
        (folder / "deaf.py").write_text(DEAF)
        if name != "init":
            (folder / "hotlap.toml").write_text(EXPERIMENT)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hotlap.cli", *LONG[name]],
            cwd=folder,
            env={**os.environ, MARK: self.mark, "TMPDIR": str(self.tmp), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Whoever runs the tests may ignore it, as nohup does, and then so would the command.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
        wanted = ["deaf.py"] if name == "init" else ["http.server"]
        if name != "init":
            wanted.append("hotlap.swarm.main" if name == "swarm" else "hotlap.swarm.launch")
        until("its processes are there", lambda: all(map(self.has, wanted)))

    def has(self, words: str) -> bool:
        """Whether a process that it has started has that in its command line."""
        return any(words in words_of(pid) for pid in marked(self.mark) if pid != self.process.pid)

    def is_gone(self) -> bool:
        """Whether neither process nor temporary folder is left."""
        return not marked(self.mark) and not list(self.tmp.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    kill(str(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda how: how.name)
def test_a_signal_ends_all_that_a_command_has_started(name: str, how: signal.Signals, folder: Path) -> None:
    command = Command(name, folder)
    # To it alone, as `timeout` and a service manager do.
    command.process.send_signal(how)
    told, _ = command.process.communicate(timeout=60)
    text = told.decode()
    until("nothing is left", command.is_gone)
    assert "Traceback" not in text, text
    if name == "swarm":
        # It may have been told before its test had begun, or while it went on.
        assert command.process.returncode in (0, 128 + how), text
    elif name == "run":
        assert command.process.returncode == 1, text
        assert "what was measured is kept" in text
        assert result.read(folder / "out").interrupted
    else:
        assert command.process.returncode == 128 + how, text
        assert f"stopped by {how.name}" in text


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_all_ends_with_a_command_that_is_killed(name: str, folder: Path) -> None:
    command = Command(name, folder)
    command.process.kill()
    command.process.communicate(timeout=60)
    until("nothing is left", command.is_gone)


def test_folders_of_commands_that_are_gone_are_swept_at_the_next_start(folder: Path) -> None:
    """Where the watcher was killed too."""
    command = Command("swarm", folder)
    kill(command.mark)
    command.process.communicate(timeout=60)
    until("all are gone", lambda: not marked(command.mark))
    assert list(command.tmp.iterdir())
    env = {**os.environ, "TMPDIR": str(command.tmp)}
    words = [sys.executable, "-m", "hotlap.cli", "doctor", "--json"]
    subprocess.run(words, cwd=folder, env=env, capture_output=True, check=False, timeout=300)
    until("they are swept", lambda: not list(command.tmp.iterdir()))


def test_a_folder_is_measured_into_by_one_run_at_a_time(folder: Path) -> None:
    first = Command("run", folder)
    until("it has the folder", lambda: (folder / "out" / "run.json").exists())
    second = subprocess.run(
        [sys.executable, "-m", "hotlap.cli", "run", "--resume", "out"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert second.returncode == 2, second.stdout
    assert f"process {first.process.pid} measures into out" in second.stderr
    first.process.terminate()
    first.process.communicate(timeout=60)


def test_a_server_can_be_served_again_at_once(folder: Path) -> None:
    """``hotlap serve`` is the server itself: a signal is its own."""
    (folder / "hotlap.toml").write_text(EXPERIMENT)
    port = str(free_port())
    process = subprocess.Popen(
        [sys.executable, "-m", "hotlap.cli", "serve", "--port", port],
        cwd=folder,
        env={**os.environ, MARK: str(folder)},
    )
    until("it serves", lambda: any("http.server" in words_of(pid) for pid in marked(str(folder))))
    process.terminate()
    process.wait(60)
    until("it is gone", lambda: not marked(str(folder)))
