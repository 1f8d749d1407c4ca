"""How long locks were waited for and held, as a service says it, and as some say it wrongly."""

from __future__ import annotations

import pytest

from hotlap.serving.locks import parse, since

SAID = """\
map_lock_wait_seconds_bucket{lock="map",le="0.01"} 2
map_lock_wait_seconds_bucket{lock="map",le="0.1"} 5
map_lock_wait_seconds_bucket{lock="map",le="+Inf"} 6
map_lock_wait_seconds_sum{lock="map"} 0.5
"""


def test_buckets_are_told_apart() -> None:
    wait = parse(SAID, "native")["map"].wait
    assert wait is not None
    assert (wait.bounds_s, wait.counts, wait.total_s) == ([0.01, 0.1], [2, 3, 1], 0.5)
    assert since({}, parse(SAID, "native"))["map"].wait == wait


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", SAID.replace('le="+Inf"} 6', 'le="+Inf"} NaN')),
        ("", SAID.replace('le="0.1"', 'le="0.001"')),
        ("", SAID.replace("} 2", "} 9")),
        (SAID.replace('map_lock_wait_seconds_bucket{lock="map",le="0.1"} 5\n', ""), SAID),
        (SAID.replace("} 2", "} 4"), SAID),
        (SAID.replace("0.5", "1e300"), SAID.replace("} 6", "} 7")),
    ],
)
def test_what_a_service_counts_wrongly_is_left_out(before: str, after: str) -> None:
    assert since(parse(before, "native"), parse(after, "native")) == {}


def test_a_bucket_that_cannot_be_read_goes_into_the_next() -> None:
    for wrong in (SAID.replace('le="0.01"', 'le="few"'), SAID.replace("} 2", "} many")):
        wait = parse(wrong, "native")["map"].wait
        assert wait is not None
        assert (wait.bounds_s, wait.counts) == ([0.1], [5, 1])
