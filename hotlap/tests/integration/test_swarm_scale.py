"""Many users in little memory: 15,000, or as many as the file limit allows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from swarming import locust, until

from hotlap.serving.server import raise_file_limit

USERS = 15_000
SPARE_FILES = 300
MOST_BYTES = 500e6
NULL = "import sys; from hotlap._engine import NullServer; s = NullServer(1); print(s.url, flush=True); sys.stdin.read()"
MORE = "Asking.wait = (5.0, 5.0)\nAsking.requests = [Request('GET', '/')]\n"


@pytest.mark.slow
def test_fifteen_thousand_users_fit_into_half_a_gigabyte(tmp_path: Path) -> None:
    users = min(USERS, raise_file_limit() - SPARE_FILES)
    null = subprocess.Popen(
        [sys.executable, "-c", NULL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert null.stdin is not None
    assert null.stdout is not None
    try:
        url = null.stdout.readline().strip()
        words = ["--headless", "--only-summary", "-u", str(users), "-r", "5000", "--host", url]
        with locust(tmp_path, words, MORE) as process:
            swarm = psutil.Process(process.pid)
            until("every user has its connection", lambda: swarm.num_fds() > users)
            used_bytes = swarm.memory_info().rss
    finally:
        null.stdin.close()
        null.wait(20)
    assert used_bytes / users * USERS < MOST_BYTES
