"""Rules about load: whether a lane's figures may be believed, and which of them mean what."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from hotlap import formatting
from hotlap._engine import ANOTHER_BODY
from hotlap.analysis.judged import JudgedLane, JudgedRun
from hotlap.analysis.rules import Claim, lanes_were, rule
from hotlap.analysis.trials import GENERATOR_PERCENT, LITTLES, stalls
from hotlap.evidence.load import MachineUse, ProcessUse, Trial
from hotlap.run.result import RuleEvidence, Scalar

LAG_SHARE = 0.1
"""Of the median latency, and at least ``LAG_MS``: how much later than meant the generator may send."""
LAG_MS = 5.0
OTHERS_PERCENT = 50.0
"""Of a core: what other processes may use meanwhile."""
OTHERS_NAMED = 3
STEAL_PERCENT = 5.0
FILE_LIMIT_SHARE = 0.95
FEWEST_REQUESTS = 10


def _measured(lane: JudgedLane) -> list[Trial]:
    return [trial.evidence for trial in lane.of_role()]


def _evidence(trial: Trial, **more: Scalar | dict[str, Scalar]) -> RuleEvidence:
    return {**more, "engine": trial.engine, "repeat": trial.repeat}


def _spare(trial: Trial) -> str:
    """How a generator is given less to do, or does more, by the engine that was in use."""
    if trial.own_users:
        return "make its users NativeUser (hotlap.users), have fewer of them, or let them wait longer"
    if trial.engine == "native":
        return "use fewer users or a longer wait, or load it from another machine (hotlap swarm --master)"
    return "use --engine native, fewer users or a longer wait"


def _flat(struct: msgspec.Struct) -> dict[str, Scalar]:
    """A struct of plain figures, as evidence."""
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


@rule("generator-busy", "lane", "void")
def generator_busy(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """The load generator used 80% or more of a core: the figure may be its own, not the server's."""
    for trial in _measured(lane):
        used = trial.generator_cpu_percent
        if used is not None and used >= GENERATOR_PERCENT:
            yield Claim(
                sentence=f"the load generator used {used:.0f}% of a core, so that {lane.name} may show its "
                f"speed and not the server's: {_spare(trial)}",
                evidence=_evidence(trial, generator_cpu_percent=used),
                weight=0.9,
            )


@rule("generator-calibration", "lane", "void")
def generator_calibration(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """The lane came within 80% of what the generator offers to a server that only answers."""
    for trial in _measured(lane):
        offered = trial.generator_offers_rps
        if offered and trial.rps is not None and 100 * trial.rps >= GENERATOR_PERCENT * offered:
            yield Claim(
                sentence=f"{lane.name} took {100 * trial.rps / offered:.0f}% of the {offered:,.0f} requests/s "
                "that the generator can offer here to a server that only answers: the figure may be the "
                "generator's; load it from another machine (hotlap swarm --master)",
                evidence=_evidence(trial, offered_rps=offered, rps=trial.rps),
                weight=0.9,
            )


@rule("generator-lag", "lane", "void")
def generator_lag(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """The generator itself was late: requests went out later than meant, or its threads woke late."""
    for trial in lane.of_role():
        median = trial.latency_ms.p50
        if median is None:
            continue
        seen = trial.evidence
        for late, of, what in ((seen.late_ms, "late_ms", "woke"), (seen.lag_ms, "lag_ms", "sent requests")):
            # What is late in an overloaded paced loop waits for its own user's answer: that is latency, not lag.
            if of == "lag_ms" and seen.model == "paced":
                continue
            if late is not None and late.p99 is not None and late.p99 > max(LAG_MS, LAG_SHARE * median):
                yield Claim(
                    sentence=f"the generator {what} {late.p99:.1f} ms late (p99) while {lane.name} took "
                    f"{median:.1f} ms (median): its latencies hold the generator's own delay; "
                    "leave the machine to the measurement, or load it from another one",
                    evidence=_evidence(seen, late_p99_ms=late.p99, p50_ms=median, of=of),
                    weight=0.8,
                )
                break


@rule("littles-law", "lane", "void")
def littles_law(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """A closed loop's users are not accounted for by throughput, latency and wait, within 5%."""
    for trial in lane.of_role():
        law, seen = trial.law, trial.evidence
        wait_s = sum(seen.wait_s) / 2 if seen.wait_s else 0.0
        cycle_s = wait_s + (trial.latency_ms.mean or 0.0) / 1000
        if (
            law is None
            or seen.failures
            or seen.out_of_data
            or trial.starved
            or (seen.duration_s or 0.0) < 10 * cycle_s
        ):
            continue
        off = max(law.difference, law.latency_difference or 0.0)
        if off > LITTLES:
            by = law.accounted if off == law.difference or law.by_latency is None else law.by_latency
            yield Claim(
                sentence=f"{lane.name} had {law.users:.0f} users, but its throughput, latency and wait "
                f"account for {by:.0f}: users were held up in the generator, or latencies were not all "
                f"measured; {_spare(seen)}",
                evidence=_evidence(seen, **_flat(law)),
                weight=0.9,
            )


@rule("stalled", "lane", "doubtful")
def stalled(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """The server answered nothing for a while that had answered before: its figures mix both times."""
    for trial in _measured(lane):
        gaps = stalls(trial)
        if gaps:
            begin_s, end_s = max(gaps, key=lambda gap: gap[1] - gap[0])
            total_s = math.fsum(end - begin for begin, end in gaps)
            often = f", and {len(gaps) - 1} more times" if len(gaps) > 1 else ""
            yield Claim(
                sentence=f"{lane.name} answered nothing for {end_s - begin_s:.1f} s, from second {begin_s:.1f} of its trial "
                f"on{often}: its server stood still, and its figures mix that with how it answers otherwise; look in "
                "its log for what stopped it, and measure anew",
                evidence=_evidence(trial, from_s=begin_s, to_s=end_s, stalls=len(gaps), stalled_s=total_s),
                weight=0.7,
            )


@rule("processes-changed", "lane", "void")
def processes_changed(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """Processes of the server ended or started during a trial: the CPU of some was not counted, or not whole."""
    for trial in _measured(lane):
        seen = trial.server_processes
        if seen is not None and (seen.ended or seen.started):
            yield Claim(
                sentence=f"{seen.ended} of the {seen.began} processes of the server of {lane.name} ended and "
                f"{seen.started} started while it was measured: its CPU is not counted whole; keep workers from being "
                "recycled (--max-requests and the like), or start all of them before the load",
                evidence=_evidence(trial, **_flat(seen)),
                weight=0.9,
            )


@rule("failures", "lane", "void")
def failures(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """Requests failed, or were answered with another status or body than verified."""
    for trial in _measured(lane):
        if trial.failures:
            most = max(trial.errors, key=lambda text: trial.errors[text], default="no reason given")
            remedy = ""
            seen = lane.evidence.verified
            if most.startswith(ANOTHER_BODY):
                remedy = '; if it may differ, say so: expect = { body = "any" }'
            elif seen is not None and seen.once:
                remedy = "; a second such request was refused before the load, too: give each its own values with data"
            yield Claim(
                sentence=f"{trial.failures} of {trial.requests} requests to {lane.name} failed, "
                f"most often: {most}{remedy}",
                evidence=_evidence(
                    trial, failures=trial.failures, requests=trial.requests, errors={**trial.errors}
                ),
                weight=1.0,
            )


@rule("out-of-data", "lane", "void")
def out_of_data(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """Users ended before the trial did, since no row of the data was left for them."""
    for trial in _measured(lane):
        if trial.out_of_data:
            sent = (trial.drawn or 0) - trial.out_of_data
            yield Claim(
                sentence=f"the data of {lane.name} ran out: after {sent:,} requests with values no row was left, and "
                'the load ended before its time; give it more rows, or at_end = "again"',
                evidence=_evidence(trial, out_of_data=trial.out_of_data, drawn=trial.drawn),
                weight=1.0,
            )


@rule("not-measured", "lane", "void")
def not_measured(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """The lane gave no figures: its answer was wrong or differed, its server ended, or it was not reached."""
    if (error := lane.evidence.error) is not None:
        first = error.partition("\n")[0]
        yield Claim(sentence=f"{lane.name} was not measured: {first}", evidence={"error": error}, weight=1.0)
    elif lane.trials and not any(trial.requests or trial.out_of_data for trial in _measured(lane)):
        yield Claim(
            sentence=f"{lane.name} answered nothing within its trial", evidence={"requests": 0}, weight=1.0
        )


@rule("few-requests", "lane", "doubtful")
def few_requests(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """So few requests ended that their rate says little."""
    for trial in _measured(lane):
        if trial.requests and trial.requests < FEWEST_REQUESTS:
            yield Claim(
                sentence=f"only {trial.requests} requests to {lane.name} ended in {formatting.seconds(trial.duration_s)}: "
                "its rate is a rough one; measure for longer",
                evidence=_evidence(trial, requests=trial.requests),
                weight=0.3,
            )


@rule("still-growing", "lane", "doubtful")
def still_growing(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """The latency grew for as long as it was looked at: it has no mean, only the throughput and the slope count."""
    for trial in lane.of_role():
        seen, steady = trial.evidence, trial.steadiness
        if steady.growing:
            yield Claim(
                sentence=f"the latency of {lane.name} was still growing, by {steady.slope_ms_per_s or 0:.0f} ms each "
                f"second, when the trial ended: {seen.users or seen.rate or 0:g} "
                f"{'users' if seen.users else 'arrivals a second'} queue for {seen.rps or 0:.4g} answers "
                "a second, and a mean would be the length of the test; its throughput counts",
                evidence=_evidence(seen, **_flat(steady), rps=seen.rps),
                weight=0.6,
            )


@rule("starved-users", "lane", "doubtful")
def starved_users(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """Some users waited while others were answered again and again: the latencies leave them out."""
    for trial in lane.of_role():
        if trial.starved and trial.law is not None:
            yield Claim(
                sentence=f"{lane.name} left about {trial.starved:.0f} of {trial.law.users:.0f} users waiting while it "
                "answered the others: its latencies are those of the others, and are not shown; requests/s and "
                "CPU a request count; use fewer users, or let the server accept connections sooner",
                evidence=_evidence(trial.evidence, starved=trial.starved, **_flat(trial.law)),
                weight=0.7,
            )


@rule("saturated", "lane", "doubtful")
def saturated(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """An open loop's requests in flight kept growing, or met their bound: more arrive than are answered."""
    for trial in lane.of_role():
        seen = trial.evidence
        if seen.model == "open" and (trial.saturated or seen.not_offered):
            turned = f", and {seen.not_offered} were not offered" if seen.not_offered else ""
            yield Claim(
                sentence=f"{lane.name} is saturated at {seen.rate or 0:g} arrivals a second: it answers "
                f"{seen.rps or 0:.4g}{turned}; requests in flight kept growing",
                evidence=_evidence(
                    seen,
                    rate=seen.rate,
                    rps=seen.rps,
                    not_offered=seen.not_offered,
                    in_flight_at_end=seen.aborted,
                ),
                weight=0.7,
            )


@rule("limited-by-machine", "lane", "finding")
def limited_by_machine(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """Server and generator together fill the machine: compare by server CPU a request, not by requests/s."""
    for trial in lane.of_role():
        seen = trial.evidence
        if trial.limited_by == "machine" and seen.server_cpu_us_per_request is not None:
            yield Claim(
                sentence=f"server and generator fill the machine on {lane.name}: its requests/s depend on both; "
                f"go by its {seen.server_cpu_us_per_request:,.0f} µs of server CPU a request",
                evidence=_evidence(
                    seen,
                    server_cpu_percent=seen.server_cpu_percent,
                    generator_cpu_percent=seen.generator_cpu_percent,
                ),
                weight=0.4,
            )
            return


@rule("other-processes", "run", "doubtful")
def other_processes(run: JudgedRun) -> Iterator[Claim]:
    """Other processes used half of a core or more while lanes were measured: which, and which lanes."""
    disturbed: dict[str, list[Trial]] = {}
    for lane in run.lanes:
        if busy := [trial for trial in _measured(lane) if _others_percent(trial) > OTHERS_PERCENT]:
            disturbed[lane.name] = busy
    if not disturbed:
        return
    uses = [trial.machine for busy in disturbed.values() for trial in busy if trial.machine is not None]
    by_lane = {name: max(_others_percent(trial) for trial in busy) for name, busy in disturbed.items()}
    most = max(by_lane.values())
    processes = _heaviest(uses)
    named = ", ".join(f"{one.name} (process {one.pid}) {one.cpu_percent:.0f}%" for one in processes)
    unnamed = "" if any(use.others is None for use in uses) else ", none of them for long (a build, say)"
    yield Claim(
        sentence=f"while {lanes_were(run, list(disturbed))} measured, other processes used up to {most:.0f}% of a "
        f"core{f': {named}' if named else unnamed}; end them, and measure anew",
        evidence={
            "other_cpu_percent": {**by_lane},
            "processes_percent": {f"{one.name}, process {one.pid}": one.cpu_percent for one in processes},
        },
        lanes=list(disturbed),
        weight=0.5,
    )


def _others_percent(trial: Trial) -> float:
    """Of a core, by other processes; where the server's are not known, it cannot be told from those but by name."""
    use = trial.machine or MachineUse()
    if trial.server_cpu_percent is None and use.others is not None:
        return sum(one.cpu_percent for one in use.others)
    return use.other_cpu_percent


def _heaviest(uses: Sequence[MachineUse]) -> list[ProcessUse]:
    """The processes that used most while any of the lanes was measured."""
    most: dict[int, ProcessUse] = {}
    for one in (one for use in uses for one in use.others or []):
        if one.pid not in most or one.cpu_percent > most[one.pid].cpu_percent:
            most[one.pid] = one
    return sorted(most.values(), key=lambda one: -one.cpu_percent)[:OTHERS_NAMED]


@rule("host-takes-time", "run", "doubtful")
def host_takes_time(run: JudgedRun) -> Iterator[Claim]:
    """The host took more than 5% of a core away from the machine (steal) while lanes were measured."""
    taken: dict[str, float] = {}
    for lane in run.lanes:
        steal = [trial.machine.steal_percent for trial in _measured(lane) if trial.machine is not None]
        if steal and max(steal) > STEAL_PERCENT:
            taken[lane.name] = max(steal)
    if taken:
        yield Claim(
            sentence=f"while {lanes_were(run, list(taken))} measured, the host took up to {max(taken.values()):.0f}% of a "
            "core away (steal); measure at another time",
            evidence={"steal_percent": {**taken}},
            lanes=list(taken),
            weight=0.5,
        )


@rule("short-of-machine", "lane", "doubtful")
def short_of_machine(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """The container's share of the processor was used up, or memory was swapped, while the lane was measured."""
    for trial in _measured(lane):
        seen = trial.machine or MachineUse()
        sentences = []
        if seen.throttled:
            sentences.append(
                f"the container was throttled {seen.throttled} times; raise or remove its CPU limit"
            )
        if seen.swapped_bytes:
            sentences.append(f"{seen.swapped_bytes // 1024} KiB were swapped; free some memory")
        if sentences:
            yield Claim(
                sentence=f"while {lane.name} was measured, {'; '.join(sentences)}",
                evidence=_evidence(trial, throttled=seen.throttled, swapped_bytes=seen.swapped_bytes),
                weight=0.5,
            )


@rule("out-of-files-or-ports", "lane", "doubtful")
def out_of_files_or_ports(run: JudgedRun, lane: JudgedLane) -> Iterator[Claim]:
    """Connections came near the limit of open files, or used up the local ports."""
    for trial in _measured(lane):
        limit = trial.machine.file_limit if trial.machine else None
        connections = trial.users or trial.aborted or 0
        texts = " ".join(trial.errors)
        if limit is not None and limit > 0 and connections >= FILE_LIMIT_SHARE * limit:
            yield Claim(
                sentence=f"{lane.name} had {connections} connections where {limit} files may be open: "
                "raise the limit (ulimit -n)",
                evidence=_evidence(trial, connections=connections, file_limit=limit),
                weight=0.6,
            )
        elif "Cannot assign requested address" in texts or "Too many open files" in texts:
            yield Claim(
                sentence=f"{lane.name} ran out of local ports or open files: widen "
                "net.ipv4.ip_local_port_range, raise ulimit -n, or let the server keep connections open",
                evidence=_evidence(trial, errors={**trial.errors}),
                weight=0.9,
            )


@rule("noise", "run", "finding")
def noise(run: JudgedRun) -> Iterator[Claim]:
    """The same lane measured twice: a difference between lanes that is not wider than theirs means nothing."""
    for lane in run.lanes:
        for again in lane.of_role("a/a"):
            for first in lane.of_role()[:1]:
                widths = {
                    name: abs(two - one) / one
                    for name, one, two in (
                        ("rps", first.evidence.rps, again.evidence.rps),
                        (
                            "server_cpu_us_per_request",
                            first.evidence.server_cpu_us_per_request,
                            again.evidence.server_cpu_us_per_request,
                        ),
                        ("p50", first.latency_ms.p50, again.latency_ms.p50),
                    )
                    if one and two
                }
                if widths:
                    told = ", ".join(f"{100 * width:.1f}% in {name}" for name, width in widths.items())
                    yield Claim(
                        sentence=f"{lane.name} measured twice differs by {told}: a difference between lanes "
                        "that is no wider means nothing on this machine",
                        evidence={"widths": {**widths}, "lane": lane.name},
                        lane=lane.name,
                        weight=0.2,
                    )
