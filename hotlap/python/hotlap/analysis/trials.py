"""What may be believed of one trial: whether it was steady, what limited it, whether its users add up. Pure."""

from __future__ import annotations

import math
import statistics
from itertools import accumulate, groupby

from hotlap.analysis.judged import JudgedTrial, LittlesLaw, Steadiness
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import Trial
from hotlap.load import steady
from hotlap.run.result import LimitedBy

GROWTH = 0.25
"""Of its mean: a latency that grows by so much has no mean to be believed."""
IN_FLIGHT_GROWTH = 0.25
"""The same for the requests in flight of an open loop."""
GENERATOR_PERCENT = 80.0
"""Of a core, and of what the engine could offer: from here on a figure may be the generator's own."""
MACHINE_SHARE = 0.9
"""Of the cores that server and generator have: from here on they fill the machine."""
SMALL_GENERATOR = 0.05
"""Of the server's CPU: a server that needs all the cores by itself is no worse off for such a generator."""
STALL_S = 0.5
"""So long, at least, nothing was answered in a stall."""
STALL_CYCLES = 3.0
"""And so many times as long as a user takes for a request and its wait."""
STALL_MISSED = 20.0
"""And so many answers, at least, would have come meanwhile."""
STALL_SHARE = 0.05
"""Of the usual answers: no more come in a slice of a stall."""
IDLE_PERCENT = 50.0
"""Of a core: a server that uses no more is idle for half of the time or more."""
AS_ALONE = 1.5
"""So many times as long as alone a request takes, at most, that is not held up by others."""
LITTLES = 0.05
"""Of the users: how many the law may leave unaccounted for."""
LITTLES_RESPONSES = 10.0
"""So many mean responses a window must last before throughput and latency are held against each other."""


def judged_trial(trial: Trial, alone_ms: float | None = None) -> JudgedTrial:
    """A trial with what may be believed of it.

    Args:
        trial: What was seen.
        alone_ms: How long a request takes without any load; ``None`` where that is not known.
    """
    steadiness = steadiness_of(trial)
    # Users of a locustfile wait as they like, and what failed has no latency: what the law needs is not known.
    law = None if trial.own_users or trial.failures else littles(trial, steadiness)
    missing = starved(law)
    # Of what grows, or was measured of some users only, no mean can be believed.
    whole = not (steadiness.growing or missing)
    saturated = saturates(trial)
    return JudgedTrial(
        evidence=trial,
        latency_ms=trial.latency_ms if whole else Percentiles(max=trial.latency_ms.max),
        service_ms=trial.service_ms if whole else None,
        limited_by=limited_by(trial, saturated, alone_ms),
        steadiness=steadiness,
        law=law,
        starved=missing,
        saturated=saturated,
    )


def steadiness_of(trial: Trial) -> Steadiness:
    """Whether the latency grew for as long as it was looked at, by the mean of each slice."""
    if not trial.slices and trial.first_schema is not None:
        growth = trial.first_schema.growth_ms_per_s
        return Steadiness(growing=growth is not None, slope_ms_per_s=growth, decided=growth is not None)
    ends_s = list(accumulate(one.length_s for one in trial.slices))
    points = steady.known_points(ends_s, [one.mean_ms for one in trial.slices])
    if len(points) < steady.FEWEST:
        return Steadiness(decided=False)
    if steady.grows_throughout(points, GROWTH):
        return Steadiness(growing=True, slope_ms_per_s=steady.slope(points))
    kept = [point for point in points if point[0] > (trial.warm_up_s or 0.0)]
    return Steadiness(slope_ms_per_s=steady.slope(kept))


def saturates(trial: Trial) -> bool:
    """Whether the requests in flight of an open loop keep growing: more arrive than are answered.

    They must grow through both halves of the trial, and by more than chance alone would make of it.
    """
    if trial.model != "open" or trial.rate is None:
        return False
    if not trial.slices and trial.first_schema is not None:
        return trial.first_schema.saturated
    ends_s = accumulate(one.length_s for one in trial.slices)
    if any(one.in_flight is None for one in trial.slices):
        return False
    points = [(at, float(one.in_flight or 0)) for at, one in zip(ends_s, trial.slices, strict=True)]
    if len(points) < steady.FEWEST:
        return False
    grown = points[-1][1] - points[0][1]
    by_chance = 3 * math.sqrt(trial.rate * (points[-1][0] - points[0][0]))
    return grown > max(10.0, by_chance / 2) and steady.grows_throughout(
        points, IN_FLIGHT_GROWTH, IN_FLIGHT_GROWTH / 4
    )


def stalls(trial: Trial) -> list[tuple[float, float]]:
    """When the server answered nothing, or next to nothing, that had answered before: from and to, in seconds.

    Seconds count from when the first request could be answered, the warm-up included. Gaps that the load itself
    explains do not count: those of few users, of long waits, of answers that take as long.
    """
    answered_a_second = [(one.requests - one.failures) / one.length_s for one in trial.slices]
    rates = [rate for rate in answered_a_second if rate]
    if not rates:
        return []
    usual = statistics.median(rates)
    cycle_s = (sum(trial.wait_s) / 2 if trial.wait_s else 0.0) + (trial.latency_ms.p50 or 0.0) / 1000
    least_s = max(STALL_S, STALL_CYCLES * cycle_s, STALL_MISSED / usual)
    found: list[tuple[float, float]] = []
    end_s = 0.0
    pairs = zip(answered_a_second, trial.slices, strict=True)
    for is_idle, stretch in groupby(pairs, key=lambda pair: pair[0] <= STALL_SHARE * usual):
        begin_s, end_s = end_s, end_s + math.fsum(one.length_s for _, one in stretch)
        # What comes before the first answer is the server's start.
        if is_idle and begin_s > 0 and end_s - begin_s >= least_s:
            found.append((begin_s, end_s))
    return found


def littles(trial: Trial, steadiness: Steadiness) -> LittlesLaw | None:
    """Little's law for a closed loop; ``None`` where it cannot be applied."""
    if trial.model != "closed" or not trial.users or not trial.duration_s or trial.requests is None:
        return None
    wait_s = sum(trial.wait_s) / 2 if trial.wait_s else 0.0
    rps = trial.requests / trial.duration_s
    mean_ms = trial.latency_ms.mean
    mean_s = math.inf if mean_ms is None else mean_ms / 1000
    long = trial.duration_s > LITTLES_RESPONSES * (mean_s + wait_s) and not steadiness.growing
    by_latency = rps * mean_s if long else None
    in_flight = trial.in_flight_mean if trial.in_flight_mean is not None else by_latency
    if in_flight is None:
        return None
    accounted = in_flight + rps * wait_s
    counted = by_latency is not None and trial.in_flight_mean is not None
    return LittlesLaw(
        users=float(trial.users),
        in_flight=in_flight,
        accounted=accounted,
        difference=abs(trial.users - accounted) / trial.users,
        by_latency=by_latency if counted else None,
        latency_difference=abs(in_flight - (by_latency or 0.0)) / trial.users if counted else None,
    )


def starved(law: LittlesLaw | None) -> float | None:
    """How many users waited through a trial whose answers do not account for them.

    All requests in flight were counted, and fewer would give the latencies of those that were answered: the
    server answers some connections again and again while others wait. ``None``: there are none to speak of.
    """
    if law is None or law.by_latency is None or law.difference > LITTLES:
        return None
    missing = law.in_flight - law.by_latency
    return missing if missing > LITTLES * law.users else None


def is_as_alone(trial: Trial, alone_ms: float | None) -> bool:
    """Whether requests take about as long as without any load, on a server that is idle: more would be answered so."""
    mean_ms, server = trial.latency_ms.mean, trial.server_cpu_percent
    if not alone_ms or mean_ms is None or server is None:
        return False
    return server <= IDLE_PERCENT and mean_ms <= AS_ALONE * alone_ms


def limited_by(trial: Trial, saturated: bool, alone_ms: float | None = None) -> LimitedBy | None:
    """What set a trial's requests per second, by where the time and the CPU went; ``None``: nothing was answered.

    The generator, from 80% of a core; the machine, where it and the server leave less than a tenth of the cores
    that they have between them; the load, where users wait longer than they are served, arrivals are given, or an
    idle server answers them as soon as it would answer one alone; else the server, as where more arrive than it answers.
    """
    mean_ms, server = trial.latency_ms.mean, trial.server_cpu_percent
    generator, cores = trial.generator_cpu_percent or 0.0, trial.machine.cores if trial.machine else None
    if mean_ms is None:
        return None
    if generator >= GENERATOR_PERCENT:
        return "generator"
    if server is not None and cores is not None and generator + server >= 100 * MACHINE_SHARE * cores:
        return "server" if generator < SMALL_GENERATOR * server else "machine"
    waits_ms = 1000 * sum(trial.wait_s) / 2 if trial.wait_s else 0.0
    if trial.model != "closed" or waits_ms > mean_ms:
        return "server" if saturated else "load"
    return "load" if is_as_alone(trial, alone_ms) else "server"
