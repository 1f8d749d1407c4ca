"""What set a trial's requests per second."""

from __future__ import annotations

import pytest

from hotlap.analysis.trials import limited_by, stalls
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import MachineUse, Slice, Trial


def limit_of(
    mean_ms: float | None,
    generator: float,
    server: float | None,
    cores: int,
    *,
    wait_s: tuple[float, float] = (0.0, 0.0),
    alone_ms: float | None = None,
) -> str | None:
    """What set the requests per second of ten users: CPU in percent of a core."""
    trial = Trial(
        engine="native",
        model="closed",
        users=10,
        wait_s=wait_s,
        latency_ms=Percentiles(mean=mean_ms),
        generator_cpu_percent=generator,
        server_cpu_percent=server,
        machine=MachineUse(cores=cores),
    )
    return limited_by(trial, saturated=False, alone_ms=alone_ms)


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
    assert limit_of(20.0, generator, server, cores) == limit


def test_a_wait_that_is_longer_than_the_answer_sets_it() -> None:
    wait_s = (0.5, 0.5)
    assert limit_of(20.0, 10.0, 50.0, 2, wait_s=wait_s) == "load"
    assert limit_of(900.0, 10.0, 50.0, 2, wait_s=wait_s) == "server"
    assert limit_of(None, 10.0, 50.0, 2, wait_s=wait_s) is None


@pytest.mark.parametrize(
    ("mean_ms", "server", "alone_ms", "limit"),
    [
        (50.5, 3.0, 50.0, "load"),
        # They wait for one another.
        (800.0, 3.0, 50.0, "server"),
        (50.5, 97.0, 50.0, "server"),
        (50.5, 3.0, None, "server"),
        (50.5, None, 50.0, "server"),
    ],
)
def test_a_server_that_is_idle_and_answers_at_once_does_not_set_it(
    mean_ms: float, server: float | None, alone_ms: float | None, limit: str
) -> None:
    assert limit_of(mean_ms, 10.0, server, 2, alone_ms=alone_ms) == limit


def trial_of(answered: list[int], *, p50_ms: float = 50.0, wait_s: tuple[float, float] = (0.0, 0.0)) -> Trial:
    """Ten users, a slice a quarter of a second."""
    return Trial(
        engine="native",
        model="closed",
        users=10,
        wait_s=wait_s,
        latency_ms=Percentiles(p50=p50_ms),
        slices=[Slice(length_s=0.25, requests=count) for count in answered],
    )


def test_a_stall_is_found_with_when_and_how_long() -> None:
    assert stalls(trial_of([50] * 20)) == []
    assert stalls(trial_of([50] * 8 + [0] * 12)) == [(2.0, 5.0)]
    assert stalls(trial_of([50] * 4 + [1, 0, 2, 0] + [50] * 4 + [0] * 3 + [50])) == [(1.0, 2.0), (3.0, 3.75)]
    failing = trial_of([50] * 20)
    for one in failing.slices[8:16]:
        one.failures = one.requests
    assert stalls(failing) == [(2.0, 4.0)]


@pytest.mark.parametrize(
    ("answered", "p50_ms", "wait_s"),
    [
        # A slice without an answer is none, nor is what comes before the first.
        ([50, 0, 50, 50] * 5, 50.0, (0.0, 0.0)),
        ([0] * 8 + [50] * 12, 50.0, (0.0, 0.0)),
        # All users in step: they are answered together, and wait together.
        ([10, 0, 0, 0, 0, 0, 0, 0] * 3, 2000.0, (0.0, 0.0)),
        ([10, 0, 0, 0, 0, 0, 0, 0] * 3, 5.0, (2.0, 2.0)),
        # Two a second: in a second there may be none.
        ([1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 1] * 2, 50.0, (0.0, 0.0)),
        ([0] * 20, 50.0, (0.0, 0.0)),
    ],
)
def test_gaps_that_the_load_explains_are_no_stalls(
    answered: list[int], p50_ms: float, wait_s: tuple[float, float]
) -> None:
    assert stalls(trial_of(answered, p50_ms=p50_ms, wait_s=wait_s)) == []
