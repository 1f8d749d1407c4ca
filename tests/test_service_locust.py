"""The files in ``locust/`` under a real Locust, as the article starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest
from serving import ROOT, Service, free_port

from pyapp.scenarios import SCENARIOS


def locust(*words: str, service: Service) -> list[str]:
    """The article's command, with what the test adds."""
    return [sys.executable, "-m", "locust", *words, "--host", service.url]


def headless(file: str, service: Service, users: int = 8) -> dict[str, dict[str, Any]]:
    """What a few seconds of Locust have seen, by the name of the request."""
    command = locust("-f", f"locust/{file}.py", "--headless", "--json", service=service)
    command += ["-u", str(users), "-r", "100", "-t", "3s"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    # What was on its way when Locust ended is counted apart.
    return {row["name"]: row for row in json.loads(done.stdout) if not row["name"].endswith("(aborted)")}


FILES = sorted(path.stem for path in (ROOT / "locust").glob("*.py") if path.stem != "locustfile")


def test_the_files_are_of_the_articles_scenarios() -> None:
    assert FILES == ["cpu", "cpualloc", "fast", "read"]
    assert set(FILES) <= {scenario.name for scenario in SCENARIOS}
    assert not (ROOT / "locust/__init__.py").exists()


@pytest.mark.parametrize("name", FILES)
def test_a_file_loads_its_path_with_half_a_second_between_requests(name: str, service: Service) -> None:
    before = service.metric("pyapp_request_seconds_count", scenario=name, variant="native")
    seen = headless(name, service)
    assert list(seen) == [f"/{name}"]
    requests, failures = seen[f"/{name}"]["num_requests"], seen[f"/{name}"]["num_failures"]
    # Eight users for three seconds, each half a second between two requests.
    assert 8 <= requests <= 8 * 7
    assert failures == 0
    after = service.metric("pyapp_request_seconds_count", scenario=name, variant="native")
    assert requests <= after - before <= requests + 8


def test_the_locustfile_has_all_of_them(service: Service) -> None:
    seen = headless("locustfile", service, users=len(FILES))
    assert set(seen) == {f"/{name}" for name in FILES}
    assert [row["num_failures"] for row in seen.values()] == [0] * len(seen)


def test_the_web_ui_starts_and_stops_a_load(service: Service) -> None:
    port = free_port()
    command = locust(
        "-f", "locust/fast.py", "--web-port", str(port), "--web-host", "127.0.0.1", service=service
    )
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    transport = httpx.HTTPTransport(retries=20)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=transport, timeout=30) as web:
            assert "Locust" in web.get("/").text
            started = web.post("/swarm", data={"user_count": 4, "spawn_rate": 100, "host": service.url})
            assert started.json()["success"]
            while not any(row["num_requests"] >= 4 for row in web.get("/stats/requests").json()["stats"]):
                assert process.poll() is None
            assert web.post("/stop").json()["success"]
    finally:
        process.terminate()
        process.wait(30)
