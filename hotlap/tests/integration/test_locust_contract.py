"""Locust patches the process that imports it: what is relied on in it is tested in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_locust_keeps_what_the_lab_relies_on() -> None:
    file = Path(__file__).with_name("locust_contract.py")
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", str(file)],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout[-3000:]


def test_the_lab_itself_never_imports_locust() -> None:
    # It patches sockets, threads and TLS of the process that it is imported in.
    lab = "hotlap.run.runner, hotlap.profiling.profile, hotlap.profiling.doctor"
    code = f"import sys, {lab}; assert not {{'locust', 'gevent'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
