"""The lab reads from the service how long its locks were waited for and held."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from serving import TIMER_S, Service, free_port

from hotlap.evidence.figures import Durations
from hotlap.evidence.service import LockTimes
from hotlap.report.html import evidence_charts
from hotlap.serving.locks import parse, read_locks, since
from pyapp.app import STORES
from pyapp.experiment import experiment

TEXT = """\
# TYPE app_lock_wait_seconds histogram
app_lock_wait_seconds_bucket{lock="a",variant="native",le="0.001"} 2
app_lock_wait_seconds_bucket{lock="a",variant="native",le="0.1"} 5
app_lock_wait_seconds_bucket{lock="a",variant="native",le="+Inf"} 6
app_lock_wait_seconds_sum{lock="a",variant="native"} 1.5
app_lock_wait_seconds_count{lock="a",variant="native"} 6
app_lock_hold_seconds_bucket{lock="b",le="+Inf"} 1
app_lock_hold_seconds_sum{lock="b"} 2
app_lock_hold_seconds_bucket{lock="c",variant="python",le="+Inf"} 1
app_clock_seconds_bucket{le="+Inf"} 3
nonsense
"""


def test_histograms_of_locks_are_read_bucket_by_bucket() -> None:
    assert parse(TEXT, "native") == {
        "a": LockTimes(wait=Durations(bounds_s=[0.001, 0.1], counts=[2, 3, 1], total_s=1.5)),
        "b": LockTimes(hold=Durations(bounds_s=[], counts=[1], total_s=2.0)),
    }
    assert set(parse(TEXT, "python")) == {"b", "c"}
    assert parse("", "native") == {}


def test_only_what_was_used_in_between_is_kept() -> None:
    before = parse(TEXT, "native")
    assert since(before, before) == {}
    after = parse(TEXT.replace("} 6\n", "} 9\n").replace("} 1.5", "} 61.5"), "native")
    assert since(before, after) == {
        "a": LockTimes(wait=Durations(bounds_s=[0.001, 0.1], counts=[0, 0, 3], total_s=60.0))
    }
    assert since({}, before) == before


def test_a_service_that_does_not_say_has_no_locks(service: Service) -> None:
    assert read_locks(service.url, "/healthz", "native") == {}
    assert read_locks(service.url, "/no", "native") == {}
    assert read_locks(f"http://127.0.0.1:{free_port()}", "/metrics", "native") == {}


@pytest.mark.measures
@pytest.mark.parametrize("variant", STORES)
def test_a_queue_shows_as_waiting_for_the_exclusive_lock(fresh_service: Service, variant: str) -> None:
    where = (fresh_service.url, str(experiment.metrics_path), variant)
    before = read_locks(*where)
    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(fresh_service.get, [f"/{variant}/read"] * 5)) == ["6"] * 5
    used = since(before, read_locks(*where))
    exclusive = used["exclusive"]
    assert exclusive.wait is not None
    assert exclusive.hold is not None
    assert exclusive.wait.count == exclusive.hold.count == 5
    # Each holds it for 20 ms; the last of five waits for four of them.
    assert exclusive.hold.total_s >= 5 * (0.02 - TIMER_S)
    assert exclusive.wait.total_s >= 0.02
    assert "map_write" not in used
    assert evidence_charts.lock(exclusive) is not None
