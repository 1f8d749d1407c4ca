"""What every path of the service does with whatever HTTP may bring."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families
from serving import TIMER_S, Service, need, serve

from pyapp.app import STORES
from pyapp.openapi import document
from pyapp.scenarios import SCENARIOS, lanes
from pyapp.settings import Settings

EXPECTED = {scenario.name: scenario.expected(Settings(iterations=1000)) for scenario in SCENARIOS}
PATHS = [(scenario.path(variant), scenario.name) for scenario, variant in lanes(SCENARIOS)]
PATHS += [(f"/{scenario.name}", scenario.name) for scenario in SCENARIOS]


@pytest.mark.parametrize(("path", "name"), PATHS)
def test_a_lane_answers_html(service: Service, path: str, name: str) -> None:
    response = service.client.get(path)
    assert (response.status_code, response.text) == (200, EXPECTED[name])
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert service.client.get(path, params={"x": "y"}).text == EXPECTED[name]


def test_the_article_is_answered_with_the_default_settings() -> None:
    with serve() as service:
        for name, answer in {
            "read": "6",
            "fast": "6",
            "cpualloc": "500005500000",
            "cpu": "500005500000",
        }.items():
            for path in (f"/{name}", f"/native/{name}", f"/python/{name}"):
                response = service.client.get(path)
                assert response.text == answer
                if name in ("read", "fast"):
                    assert response.elapsed.total_seconds() >= 0.05 - TIMER_S


@pytest.mark.parametrize(
    "path", ["/no", "/native", "/native/", "/native/no", "/ruby/read", "/read/x", "/clients/a/b", "/%00"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_an_unknown_path_is_404(service: Service, path: str, method: str) -> None:
    response = service.client.request(method, path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["title"] == "Not Found"


@pytest.mark.parametrize(
    "path", ["/", "/read", "/python/cpu", "/native/fast", "/clients", "/healthz", "/metrics"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_wrong_method_is_405_and_says_which_are_right(service: Service, path: str, method: str) -> None:
    response = service.client.request(method, path, content=b"{}")
    assert response.status_code == 405
    assert response.headers["content-type"] == "application/problem+json"
    assert set(response.headers["allow"].split(", ")) == {"GET", "OPTIONS"}


def test_a_client_takes_three_methods(service: Service) -> None:
    response = service.client.post("/clients/x", json={})
    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "PUT", "DELETE", "OPTIONS"}
    assert service.client.options("/clients/x").headers["allow"] == response.headers["allow"].replace(
        ", OPTIONS", ""
    )


def test_http_1_0_is_answered(service: Service) -> None:
    for path in ("/native/fast", "/python/read", "/clients", "/healthz"):
        head, _, body = service.raw(f"GET {path} HTTP/1.0\r\n\r\n".encode()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.0 200 ")
        assert body == service.get(path).encode()
    assert service.raw(b"GET /no HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 404 ")


def test_ab_is_answered(service: Service) -> None:
    need(shutil.which("ab"), "ab is not installed (Debian: apache2-utils)")
    done = subprocess.run(
        ["ab", "-q", "-n", "20", "-c", "4", f"{service.url}/native/fast"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Complete requests:      20" in done.stdout
    assert "Failed requests:        0" in done.stdout
    assert "Non-2xx" not in done.stdout


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET /read HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"PUT /clients/x HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"PUT /clients/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"CONNECT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"FOO /read HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /read HTTP/1.1\r\nHost: x\r\nX: \xff\r\nConnection: close\r\n\r\n",
    ],
)
def test_nonsense_is_no_500_and_the_service_lives(service: Service, request_: bytes) -> None:
    answer = service.raw(request_)
    assert not answer.startswith((b"HTTP/1.1 5", b"HTTP/1.0 5"))
    assert service.get("/healthz") == "ok"


def test_the_index_lists_the_lanes(service: Service) -> None:
    page = service.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for path, _ in PATHS:
        if path.count("/") == 2:
            assert f'href="{path}"' in page.text


def test_metrics_count_requests_by_lane_the_map_and_the_locks(fresh_service: Service) -> None:
    for _ in range(3):
        fresh_service.get("/native/cpu")
    fresh_service.get("/read")
    fresh_service.get("/python/read")
    fresh_service.client.put("/clients/x", json={"user_id": 1, "subscribed_topics": []})
    metric = fresh_service.metric
    labels = {"scenario": "cpu", "variant": "native"}
    assert metric("pyapp_request_seconds_count", **labels) == 3
    assert metric("pyapp_request_seconds_bucket", le="+Inf", **labels) == 3
    assert metric("pyapp_request_seconds_sum", **labels) > 0
    assert metric("pyapp_request_seconds_count", scenario="cpu", variant="python") == 0
    assert metric("pyapp_clients", variant="native") == 4
    assert abs(metric("pyapp_start_time_seconds") - time.time()) < 3600
    assert metric("pyapp_clients", variant="python") == 3
    assert metric("pyapp_lock_hold_seconds_count", lock="exclusive", variant="native") == 2
    assert metric("pyapp_lock_hold_seconds_sum", lock="exclusive", variant="native") >= 0.02 - TIMER_S
    assert metric("pyapp_lock_wait_seconds_count", lock="exclusive", variant="python") == 1
    assert metric("pyapp_lock_hold_seconds_count", lock="map_read", variant="native") >= 4
    assert metric("pyapp_lock_wait_seconds_count", lock="map_write", variant="native") == 4

    response = fresh_service.client.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = list(text_string_to_metric_families(response.text))
    assert len({family.name for family in families}) == len(families) == 7
    for family in families:
        for sample in family.samples:
            assert sample.value >= 0


def test_the_openapi_document_lists_every_path(service: Service) -> None:
    written = service.client.get("/openapi.json").json()
    assert written == json.loads(json.dumps(document(SCENARIOS, list(STORES), Settings())))
    paths = {path for path, _ in PATHS} | {"/", "/healthz", "/metrics", "/openapi.json"}
    for prefix in ("", *(f"/{variant}" for variant in STORES)):
        paths |= {f"{prefix}/clients", f"{prefix}/clients/{{name}}"}
    assert set(written["paths"]) == paths
    operations = [
        operation["operationId"]
        for path in written["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    ]
    assert len(set(operations)) == len(operations)


def test_the_service_keeps_what_its_document_says(fresh_service: Service) -> None:
    """In all phases of schemathesis: examples, the values at the bounds, random ones, and calls that follow on another."""
    words = ["run", f"{fresh_service.url}/openapi.json", "--no-color", "--checks", "all"]
    phases = ("examples", "coverage", "fuzzing", "stateful")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", *words),
            *("--phases", ",".join(phases), "--max-examples", "15", "--generation-deterministic"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for phase in phases:
        assert f"✅ {phase.capitalize()}" in done.stdout
    assert fresh_service.get("/healthz") == "ok"
