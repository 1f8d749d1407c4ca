"""A run of sixty lanes that was never measured: real structs with made figures, judged by the real rules."""

from __future__ import annotations

from pathlib import Path

import made_run
import msgspec

from hotlap import _engine
from hotlap.analysis.comparison import Compared, Comparison, Says, Side
from hotlap.analysis.judge import judge
from hotlap.analysis.judged import JudgedRun
from hotlap.evidence.environment import Environment
from hotlap.evidence.figures import Durations, Place
from hotlap.evidence.profile import (
    Attribution,
    Frame,
    OwnShare,
    Profile,
    TaskWaits,
    Wait,
    WaitKind,
    WorkKind,
    WorkShare,
)
from hotlap.evidence.service import LockTimes
from hotlap.run import result
from hotlap.run.result import LaneResult, RunResult, Settings

SCENARIOS = 30
VARIANTS = ("python", "native")
LONG = "a_service_with_a_long_name/endpoints/of_the_catalogue/reservations_and_returns/handlers.py"
"""A path that no phone is wide enough for."""
LOCKED = 8
"""Lanes that wait for the same lock: the first scenarios of both variants."""
IDLE = 20
"""Lanes whose server is idle."""
UNMEASURED = 33
"""The lane that was not measured."""
WHY = "The load generator used 97% of a core: the figure is its own. Give it more processes."
FIGURES: tuple[tuple[str, str, Says, Says], ...] = (
    ("Server CPU per request", "µs", "more", "less"),
    ("Requests per second", "requests/s", "faster", "slower"),
    ("Latency, 99th percentile", "ms", "slower", "faster"),
)
DEEP = 90
"""Coroutines that await one another: a graph higher than any window."""


def make(folder: Path, scenarios: int = SCENARIOS) -> JudgedRun:
    """The run, judged; its flame graphs are in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lanes = [
        _lane(folder, number, variant) for number in range(scenarios) for variant in range(len(VARIANTS))
    ]
    (folder / "on-cpu.svg").write_text(_graph("on-cpu", 14))
    (folder / "await.svg").write_text(_graph("await", DEEP))
    run = RunResult(
        created="2026-11-23T13:05:22+00:00",
        name="catalogue",
        environment=Environment(python="3.11.7", cpu="Made CPU", cores=2, commit="8dca656e3f"),
        settings=Settings(),
        lanes=lanes,
    )
    return judge(run)


def write(folder: Path) -> JudgedRun:
    """Make the run and its ``run.json``."""
    run = make(folder)
    result.write(run.evidence, folder)
    return run


def comparison() -> Comparison:
    """A comparison of sixty lanes in three figures: of each seven some are worse, better, alike and not compared."""
    rows = []
    for figure, unit, up, down in FIGURES:
        for at in range(SCENARIOS * len(VARIANTS)):
            row = Compared(
                lane=f"{scenario(at // 2)}/{VARIANTS[at % 2]}", figure=figure, unit=unit, a=400.0 + at
            )
            ratio = {0: 1.2 + at / 100, 1: 0.8 - at / 200, 2: 1.01}.get(at % 7)
            if ratio is None and at % 7 == 3:
                row = msgspec.structs.replace(row, says="not compared", note=f"{row.lane} is void: {WHY}")
            else:
                ratio = ratio or 0.99
                says: Says = up if ratio > 1.1 else down if ratio < 0.9 else "no difference"
                known = {"ratio": ratio, "low": ratio * 0.98, "high": ratio * 1.02, "b": ratio * (row.a or 0)}
                row = msgspec.structs.replace(row, says=says, **known)
            rows.append(row)
    return Comparison(
        a=Side(name="before", created="2026-11-20T10:00:00+00:00", machine="Made CPU, 2 cores"),
        b=Side(name=LONG, created="2026-11-21T10:00:00+00:00", machine="Made CPU, 2 cores"),
        rows=rows,
        method="Paired bootstrap, 99% with Holm's correction.",
        noise=0.03,
    )


def scenario(number: int) -> str:
    """What a scenario is called: ``read-07``."""
    return f"{('read', 'list', 'order', 'search', 'report')[number % 5]}-{number:02}"


def _graph(title: str, depth: int) -> str:
    stacks = [
        ([f"root of {title}", *(f"frame {at} ({LONG}:{at})" for at in range(depth))], 60),
        ([f"root of {title}", f"json ({LONG}:7)"], 40),
    ]
    return _engine.Stacks.from_counts(stacks).svg(title, unit="samples")


def _lane(folder: Path, number: int, variant: int) -> LaneResult:
    name = scenario(number)
    lane = LaneResult(
        scenario=name,
        variant=VARIANTS[variant],
        path=f"/{VARIANTS[variant]}/{name}",
        title=f"Endpoint {number} of the catalogue",
    )
    at = 2 * number + variant
    if at == UNMEASURED:
        lane.error = "the server ended with exit code 3 before it was ready"
        return lane
    rps, p50 = 2500.0 / (1 + at % 17), 8.0 + 9 * (at % 13)
    cpu = 90.0 + 37 * (at % 11)
    idle = at >= SCENARIOS * len(VARIANTS) - IDLE
    figures = (rps, p50, 20.0 if idle else max(cpu, 500_000 / rps), "server")
    made = made_run.trial(folder, f"{name}-{lane.variant}", figures).evidence
    if at == 0:  # answers enough for the longest axis
        made_run.histogram(folder, f"{name}-{lane.variant}", p50, 10**6)
    if idle:  # users that wait between requests, so that the load sets the figure
        made.wait_s = (0.1, 0.1)
        made.users = round(rps * (p50 * 1.03 / 1000 + 0.1))
    lane.trials = [made]
    if at < LOCKED:
        held = Durations(bounds_s=[0.001, 0.01], counts=[900, 100, 0], total_s=2.0)
        waited = Durations(bounds_s=[0.001, 0.01], counts=[0, 100, 900], total_s=0.9 * p50)
        lane.locks = {"catalogue": LockTimes(wait=waited, hold=held)}
    lane.profiles = [_on_cpu(at, variant), _await(at)]
    return lane


def _on_cpu(at: int, variant: int) -> Profile:
    shop = Place(name=f"handler_{at % 7}", place=f"{LONG}:{41 + at % 7}")
    kinds = (WorkKind.JSON, WorkKind.ALLOCATION, WorkKind.SQL)
    share = 0.2 + 0.02 * (at % 9)
    work = WorkShare(kind=kinds[at % 3], share=share, by=[OwnShare(function=shop, share=0.8)])
    own = OwnShare(function=shop, share=0.35 + 0.02 * (at % 5))
    return Profile(
        profiler="py-spy",
        mode="on-cpu",
        samples=2911,
        total=2911,
        rate_hz=500,
        rate_reached_hz=486,
        duration_s=6.0,
        unnamed_share=0.021,
        svg="on-cpu.svg",
        collapsed=f"profiles/{LONG}.collapsed",
        attribution=Attribution(own=[own], kinds=[work]),
        frames=[
            Frame(
                name="[[vdso]]",
                kind="c",
                self_value=1300,
                total_value=1300,
            ),
            *(
                Frame(
                    name=f"{name}_{VARIANTS[variant]} ({LONG}:{41 + place})",
                    kind="python",
                    self_value=900 / (place + 1),
                    total_value=2911 / (place + 1),
                    location=f"{LONG}:{41 + place}",
                )
                for place, name in enumerate(("handler", "encode", "validate", "fetch"))
            ),
        ],
    )


def _await(at: int) -> Profile:
    waits = [
        Wait(
            kind=WaitKind.TIMER if at % 2 else WaitKind.SEMAPHORE,
            what="asyncio.sleep" if at % 2 else "asyncio.Semaphore",
            share=0.9,
            by=Place(name="reserve", place=f"{LONG}:58"),
        )
    ]
    return Profile(
        profiler="probe",
        mode="await",
        samples=600,
        total=600,
        duration_s=6.0,
        probe=True,
        svg="await.svg",
        tasks=TaskWaits(waits=waits, waits_for={waits[0].what: 0.9}, tasks_mean=12.0, looked_s=6.0),
    )
