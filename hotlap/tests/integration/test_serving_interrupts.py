"""Ctrl-C while a process is started or ended: it is heard, and the process is not lost."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from hotlap.experiment import Experiment, Server
from hotlap.load.locust_pool import LocustPool
from hotlap.serving import aftermath
from hotlap.serving.interrupts import uninterrupted
from hotlap.serving.server import served

COMMAND = ("python", "-m", "http.server", "{port}", "--bind", "127.0.0.1")


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    return Experiment(name="tiny", server=Server(command=COMMAND), root=str(tmp_path), lanes=())


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """What is started from now on, each with a Ctrl-C before whoever starts it knows it."""
    # What watches over all that is started is not meant.
    aftermath.begin()
    found: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def interrupted(*words: Any, **options: Any) -> subprocess.Popen[bytes]:
        found.append(popen(*words, **options))
        signal.raise_signal(signal.SIGINT)
        return found[-1]

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    return found


def test_it_is_heard_when_the_block_has_ended() -> None:
    done: list[str] = []

    def interrupted() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            done.append("the block")
        done.append("what comes after it")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == ["the block"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_what_is_ignored_stays_so_and_other_threads_hold_nothing_back() -> None:
    handlers: list[object] = []

    def look() -> None:
        with uninterrupted():
            handlers.append(signal.getsignal(signal.SIGINT))

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        look()
    finally:
        signal.signal(signal.SIGINT, before)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert handlers == [signal.SIG_IGN, before]


def test_no_server_is_left_that_was_being_started(
    experiment: Experiment, started: list[subprocess.Popen[bytes]]
) -> None:
    with pytest.raises(KeyboardInterrupt), served(experiment):
        pytest.fail("it was served")
    assert [each.returncode is not None for each in started] == [True]


def test_no_server_is_left_that_was_being_ended(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    children = psutil.Process.children
    pids: list[int] = []

    def interrupted(process: psutil.Process, **options: Any) -> list[psutil.Process]:
        signal.raise_signal(signal.SIGINT)
        return children(process, **options)

    def serve_and_end() -> None:
        with served(experiment) as server:
            pids.extend(server.pids())
            monkeypatch.setattr(psutil.Process, "children", interrupted)

    with pytest.raises(KeyboardInterrupt):
        serve_and_end()
    assert pids
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_no_locust_is_left_that_was_being_started(started: list[subprocess.Popen[bytes]]) -> None:
    with pytest.raises(KeyboardInterrupt), LocustPool() as pool:
        pool.load_ahead()
    with pytest.raises(KeyboardInterrupt), LocustPool(ahead=False) as pool, pool.locust():
        pytest.fail("it was given out")
    assert [each.returncode is not None for each in started] == [True, True]
