"""Rules about load: whether a lane's figures may be believed, and which of them mean what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hotlap.analysis.rules import Says, rule
from hotlap.load.aggregate import LITTLES
from hotlap.run.result import LaneResult, RunResult, Stretch

GENERATOR_PERCENT = 80.0
"""Of a core, and of what the engine could offer: from here on a figure may be the generator's own."""
LAG_SHARE = 0.1
"""Of the median latency, and at least ``LAG_MS``: how much later than meant the generator may send."""
LAG_MS = 5.0
OTHERS_PERCENT = 50.0
"""Of a core: what other processes may use meanwhile."""
STEAL_PERCENT = 5.0
FILE_LIMIT_SHARE = 0.95
FEWEST_REQUESTS = 10


def _measured(lane: LaneResult) -> list[Stretch]:
    return lane.stretches("measure")


def _evidence(stretch: Stretch, **more: Any) -> dict[str, Any]:
    return {**more, "engine": stretch.engine, "repeat": stretch.repeat}


def _fact(stretch: Stretch, name: str) -> dict[str, Any]:
    found = stretch.facts.get(name)
    return found if isinstance(found, dict) else {}


@rule("generator-busy", "lane", "void")
def generator_busy(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """The load generator used 80% or more of a core: the figure may be its own, not the server's."""
    for stretch in _measured(lane):
        used = stretch.generator_cpu_percent
        if used is not None and used >= GENERATOR_PERCENT:
            yield Says(
                sentence=f"the load generator used {used:.0f}% of a core, so that {lane.name} may show its "
                "speed and not the server's: use --engine native, fewer users or a longer wait",
                evidence=_evidence(stretch, generator_cpu_percent=used),
                weight=0.9,
            )


@rule("generator-calibration", "lane", "void")
def generator_calibration(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """The lane came within 80% of what the generator offers to a server that only answers."""
    for stretch in _measured(lane):
        offered = _fact(stretch, "calibration").get("offered_rps")
        if offered and stretch.rps is not None and 100 * stretch.rps >= GENERATOR_PERCENT * offered:
            yield Says(
                sentence=f"{lane.name} took {100 * stretch.rps / offered:.0f}% of the {offered:,.0f} requests/s "
                "that the generator can offer here to a server that only answers: the figure may be the "
                "generator's; load it from another machine (hotlap swarm --master)",
                evidence=_evidence(stretch, offered_rps=offered, rps=stretch.rps),
                weight=0.9,
            )


@rule("generator-lag", "lane", "void")
def generator_lag(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """The generator itself was late: requests went out later than meant, or its threads woke late."""
    for stretch in _measured(lane):
        median = stretch.latency_ms.p50
        if median is None:
            continue
        for name, what in (("late_ms", "woke"), ("lag_ms", "sent requests")):
            # What is late in an overloaded paced loop waits for its own user's answer: that is latency, not lag.
            if name == "lag_ms" and stretch.model == "paced":
                continue
            late = _fact(stretch, name).get("p99")
            if late is not None and late > max(LAG_MS, LAG_SHARE * median):
                yield Says(
                    sentence=f"the generator {what} {late:.1f} ms late (p99) while {lane.name} took "
                    f"{median:.1f} ms (median): its latencies hold the generator's own delay; "
                    "leave the machine to the measurement, or load it from another one",
                    evidence=_evidence(stretch, late_p99_ms=late, p50_ms=median, of=name),
                    weight=0.8,
                )
                break


@rule("littles-law", "lane", "void")
def littles_law(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """A closed loop's users are not accounted for by throughput, latency and wait, within 5%."""
    for stretch in _measured(lane):
        law = _fact(stretch, "littles")
        wait_s = sum(stretch.wait_s) / 2 if stretch.wait_s else 0.0
        cycle_s = wait_s + (stretch.latency_ms.mean or 0.0) / 1000
        unjudged = stretch.failures or stretch.facts.get("starved")
        if not law or unjudged or (stretch.duration_s or 0.0) < 10 * cycle_s:
            continue
        off = max(law["difference"], law.get("latency_difference", 0.0))
        if off > LITTLES:
            by = law["accounted"] if off == law["difference"] else law["by_latency"]
            yield Says(
                sentence=f"{lane.name} had {law['users']:.0f} users, but its throughput, latency and wait "
                f"account for {by:.0f}: users were held up in the generator, or latencies were not all "
                "measured; use --engine native or fewer users",
                evidence=_evidence(stretch, **law),
                weight=0.9,
            )


@rule("failures", "lane", "void")
def failures(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """Requests failed, or were answered with another status or body than verified."""
    for stretch in _measured(lane):
        if stretch.failures:
            most = max(stretch.errors, key=lambda text: stretch.errors[text], default="no reason given")
            yield Says(
                sentence=f"{stretch.failures} of {stretch.requests} requests to {lane.name} failed, "
                f"most often: {most}",
                evidence=_evidence(
                    stretch, failures=stretch.failures, requests=stretch.requests, errors=stretch.errors
                ),
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


@rule("few-requests", "lane", "doubtful")
def few_requests(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """So few requests ended that their rate says little."""
    for stretch in _measured(lane):
        if stretch.requests and stretch.requests < FEWEST_REQUESTS:
            yield Says(
                sentence=f"only {stretch.requests} requests to {lane.name} ended in {stretch.duration_s:.0f} s: "
                "its rate is a rough one; measure for longer",
                evidence=_evidence(stretch, requests=stretch.requests),
                weight=0.3,
            )


@rule("still-growing", "lane", "doubtful")
def still_growing(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """The latency grew for as long as it was looked at: it has no mean, only the throughput and the slope count."""
    for stretch in _measured(lane):
        steady = _fact(stretch, "steady")
        if steady.get("growing"):
            slope = steady["slope_ms_per_s"]
            yield Says(
                sentence=f"the latency of {lane.name} was still growing, by {slope:.0f} ms each second, when the "
                f"stretch ended: {stretch.users or stretch.rate:g} "
                f"{'users' if stretch.users else 'arrivals a second'} queue for {stretch.rps or 0:.4g} answers "
                "a second, and a mean would be the length of the test; its throughput counts",
                evidence=_evidence(stretch, **steady, rps=stretch.rps),
                weight=0.6,
            )


@rule("starved-users", "lane", "doubtful")
def starved_users(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """Some users waited while others were answered again and again: the latencies leave them out."""
    for stretch in _measured(lane):
        if missing := stretch.facts.get("starved"):
            law = _fact(stretch, "littles")
            yield Says(
                sentence=f"{lane.name} left about {missing:.0f} of {law['users']:.0f} users waiting while it "
                "answered the others: its latencies are those of the others, and are not shown; requests/s and "
                "CPU a request count; use fewer users, or let the server accept connections sooner",
                evidence=_evidence(stretch, starved=missing, **law),
                weight=0.7,
            )


@rule("saturated", "lane", "doubtful")
def saturated(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """An open loop's requests in flight kept growing, or met their bound: more arrive than are answered."""
    for stretch in _measured(lane):
        if stretch.model == "open" and (stretch.facts.get("saturated") or stretch.not_offered):
            turned = f", and {stretch.not_offered} were not offered" if stretch.not_offered else ""
            yield Says(
                sentence=f"{lane.name} is saturated at {stretch.rate:g} arrivals a second: it answers "
                f"{stretch.rps or 0:.4g}{turned}; requests in flight kept growing",
                evidence=_evidence(
                    stretch,
                    rate=stretch.rate,
                    rps=stretch.rps,
                    not_offered=stretch.not_offered,
                    in_flight_at_end=stretch.aborted,
                ),
                weight=0.7,
            )


@rule("limited-by-machine", "lane", "finding")
def limited_by_machine(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """Server and generator together fill the machine: compare by server CPU a request, not by requests/s."""
    for stretch in _measured(lane):
        if stretch.limited_by == "machine" and stretch.server_cpu_us_per_request is not None:
            yield Says(
                sentence=f"server and generator fill the machine on {lane.name}: its requests/s depend on both; "
                f"go by its {stretch.server_cpu_us_per_request:,.0f} µs of server CPU a request",
                evidence=_evidence(
                    stretch,
                    server_cpu_percent=stretch.server_cpu_percent,
                    generator_cpu_percent=stretch.generator_cpu_percent,
                ),
                weight=0.4,
            )
            return


@rule("other-processes", "lane", "doubtful")
def other_processes(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """Something else used the machine meanwhile: other processes, its host, its memory, or a limit set for it."""
    for stretch in _measured(lane):
        seen = _fact(stretch, "machine")
        sentences = []
        if seen.get("other_cpu_percent", 0.0) > OTHERS_PERCENT:
            sentences.append(f"other processes used {seen['other_cpu_percent']:.0f}% of a core; end them")
        if seen.get("steal_percent", 0.0) > STEAL_PERCENT:
            sentences.append(
                f"the host took {seen['steal_percent']:.0f}% of a core away (steal); measure at another time"
            )
        if seen.get("throttled"):
            sentences.append(
                f"the container was throttled {seen['throttled']} times; raise or remove its CPU limit"
            )
        if seen.get("swapped_bytes"):
            sentences.append(f"{seen['swapped_bytes'] // 1024} KiB were swapped; free some memory")
        if sentences:
            yield Says(
                sentence=f"while {lane.name} was measured, {'; '.join(sentences)}",
                evidence=_evidence(stretch, **seen),
                weight=0.5,
            )


@rule("out-of-files-or-ports", "lane", "doubtful")
def out_of_files_or_ports(run: RunResult, lane: LaneResult) -> Iterator[Says]:
    """Connections came near the limit of open files, or used up the local ports."""
    for stretch in _measured(lane):
        limit = _fact(stretch, "machine").get("file_limit")
        connections = stretch.users or stretch.aborted or 0
        texts = " ".join(stretch.errors)
        if limit and connections >= FILE_LIMIT_SHARE * limit:
            yield Says(
                sentence=f"{lane.name} had {connections} connections where {limit} files may be open: "
                "raise the limit (ulimit -n)",
                evidence=_evidence(stretch, connections=connections, file_limit=limit),
                weight=0.6,
            )
        elif "Cannot assign requested address" in texts or "Too many open files" in texts:
            yield Says(
                sentence=f"{lane.name} ran out of local ports or open files: widen "
                "net.ipv4.ip_local_port_range, raise ulimit -n, or let the server keep connections open",
                evidence=_evidence(stretch, errors=stretch.errors),
                weight=0.9,
            )


@rule("noise", "run", "finding")
def noise(run: RunResult) -> Iterator[Says]:
    """The same lane measured twice: a difference between lanes that is not wider than theirs means nothing."""
    for lane in run.lanes:
        for again in lane.stretches("a/a"):
            for first in _measured(lane)[:1]:
                widths = {
                    name: abs(two - one) / one
                    for name, one, two in (
                        ("rps", first.rps, again.rps),
                        (
                            "server_cpu_us_per_request",
                            first.server_cpu_us_per_request,
                            again.server_cpu_us_per_request,
                        ),
                        ("p50", first.latency_ms.p50, again.latency_ms.p50),
                    )
                    if one and two
                }
                if widths:
                    told = ", ".join(f"{100 * width:.1f}% in {name}" for name, width in widths.items())
                    yield Says(
                        sentence=f"{lane.name} measured twice differs by {told}: a difference between lanes "
                        "that is no wider means nothing on this machine",
                        evidence={"widths": widths, "lane": lane.name},
                        lane=lane.name,
                        weight=0.2,
                    )
