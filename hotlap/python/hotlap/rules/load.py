"""Rules about load: whether a lane's figures may be believed."""

from __future__ import annotations

from collections.abc import Iterator

from hotlap.result import LaneResult, RunResult, Stretch
from hotlap.rules import Says, rule

GENERATOR_BUSY_PERCENT = 90.0
"""Of one core: from here on the figure may be the generator's own."""


def _measured(lane: LaneResult) -> list[Stretch]:
    return lane.stretches("measure")


@rule("generator-busy", "lane", "void")
def generator_busy(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """The load generator used 90% or more of a core: the figure may be its own, not the server's."""
    for stretch in _measured(lane):
        used = stretch.generator_cpu_percent
        if used is not None and used >= GENERATOR_BUSY_PERCENT:
            yield Says(
                sentence=f"the load generator used {used:.0f}% of a core, so that {lane.name} may show its speed "
                "and not the server's: use --engine native, fewer users or a longer wait",
                evidence={"generator_cpu_percent": used, "engine": stretch.engine, "repeat": stretch.repeat},
                weight=0.9,
            )


@rule("failures", "lane", "void")
def failures(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """Requests failed or were answered otherwise than verified."""
    for stretch in _measured(lane):
        if stretch.failures:
            most = max(stretch.errors, key=lambda text: stretch.errors[text], default="no reason given")
            yield Says(
                sentence=f"{stretch.failures} of {stretch.requests} requests to {lane.name} failed, "
                f"most often: {most}",
                evidence={
                    "failures": stretch.failures,
                    "requests": stretch.requests,
                    "errors": stretch.errors,
                    "repeat": stretch.repeat,
                },
                weight=1.0,
            )


@rule("not-measured", "lane", "void")
def not_measured(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """The lane gave no figures: its answer was wrong or differed, its server ended, or it was not reached."""
    if lane.error is not None:
        first = lane.error.splitlines()[0]
        yield Says(
            sentence=f"{lane.name} was not measured: {first}", evidence={"error": lane.error}, weight=1.0
        )
    elif lane.loads and not any(stretch.requests for stretch in _measured(lane)):
        yield Says(
            sentence=f"{lane.name} answered nothing within its stretch", evidence={"requests": 0}, weight=1.0
        )
