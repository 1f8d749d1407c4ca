"""What set a stretch's requests per second."""

from __future__ import annotations

import pytest

from hotlap.experiment import Load
from hotlap.load.trial import limited_by


@pytest.mark.parametrize(
    ("generator", "server", "cores", "limit"),
    [
        (30.0, 160.0, 2, "machine"),
        # Kept apart, each on two of four.
        (30.0, 200.0, 4, "server"),
        (3.0, 195.0, 2, "server"),
        (85.0, 100.0, 4, "generator"),
        (30.0, None, 2, "server"),
    ],
)
def test_what_sets_the_throughput(generator: float, server: float | None, cores: int, limit: str) -> None:
    assert limited_by(Load(users=10), 20.0, generator, server, cores) == limit


def test_a_wait_that_is_longer_than_the_answer_sets_it() -> None:
    waiting = Load(users=10, wait_s=(0.5, 0.5))
    assert limited_by(waiting, 20.0, 10.0, 50.0, 2) == "load"
    assert limited_by(waiting, 900.0, 10.0, 50.0, 2) == "server"
    assert limited_by(waiting, None, 10.0, 50.0, 2) is None
