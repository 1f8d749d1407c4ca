"""Locust processes that a pool loads ahead: each is used once, and none is left over."""

from __future__ import annotations

from pathlib import Path

import psutil

from hotlap.load.locust_pool import LocustPool


def ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_the_one_that_was_loaded_ahead_is_taken_next() -> None:
    with LocustPool() as pool:
        pool.load_ahead()
        spare = pool._spare
        assert spare is not None
        pool.load_ahead()
        assert pool._spare is spare
        with pool.locust() as first:
            assert first is spare
            assert pool._spare is None
            pool.load_ahead()
            left = pool._spare
        assert left is not None
        assert first.process.poll() is not None
        assert not first.folder.exists()
        assert left.process.poll() is None
    assert ended(left.process.pid)
    assert not left.folder.exists()


def test_it_does_what_it_is_told_and_its_log_says_so(tmp_path: Path) -> None:
    """Locust itself answers, with the arguments and the variables that it was given."""
    (tmp_path / "own.py").write_text(
        "import os\nfrom locust import User, task\n"
        "class Own(User):\n    @task\n    def one(self): pass\nprint('given', os.environ['GIVEN'])\n"
    )
    with LocustPool(ahead=False) as pool, pool.locust() as own:
        own.tell(["-f", str(tmp_path / "own.py"), "--list"], {"GIVEN": "something"})
        assert own.process.wait(60) == 0
        log = (own.folder / "locust.log").read_text()
    assert "given something" in log
    assert "Own" in log


def test_it_ends_with_whoever_started_it() -> None:
    with LocustPool(ahead=False) as pool, pool.locust() as own:
        assert own.process.stdin is not None
        own.process.stdin.close()
        assert own.process.wait(60) == 0
