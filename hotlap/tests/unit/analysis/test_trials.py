"""What set a trial's requests per second."""

from __future__ import annotations

import pytest

from hotlap.analysis.trials import limited_by
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import MachineUse, Trial


def limit_of(
    mean_ms: float | None,
    generator: float,
    server: float | None,
    cores: int,
    *,
    wait_s: tuple[float, float] = (0.0, 0.0),
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
    return limited_by(trial, saturated=False)


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
