"""A run that was never measured: made input, with plausible figures, for tests of how results are shown."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import msgspec

from hotlap.analysis.judged import JudgedLane, JudgedProfile, JudgedRun, JudgedTrial
from hotlap.analysis.trials import judged_trial
from hotlap.evidence.environment import Environment
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import Point, Trial
from hotlap.evidence.profile import Frame, Profile
from hotlap.report import render
from hotlap.run import result
from hotlap.run.result import LaneResult, LimitedBy, RuleHit, RunResult, Settings, Verdict

HOSTILE = '<script>alert("x")</script>'

# scenario: (title, {variant: (requests/s, p50 in ms, CPU µs a request, what set the figure)})
ARTICLE: dict[str, tuple[str, dict[str, tuple[float, float, float, LimitedBy]]]] = {
    "read": (
        "Holds an exclusive lock on the map through a wait of 50 ms",
        {"python": (19.6, 812.0, 611.0, "server"), "native": (19.8, 806.0, 447.0, "server")},
    ),
    "fast": (
        "Takes the read side of the lock, drops it, then waits 50 ms",
        {"python": (2690.0, 54.1, 292.0, "load"), "native": (3020.0, 51.6, 171.0, "load")},
    ),
    "cpualloc": (
        "1,000,000 times: clones each id, parses it and adds it up",
        {"python": (0.742, 2710.0, 1_310_000.0, "server"), "native": (58.3, 273.0, 33_400.0, "machine")},
    ),
    "cpu": (
        "The same fold without the clone",
        {"python": (2.61, 6080.0, 371_000.0, "server"), "native": (342.0, 46.4, 5_480.0, "machine")},
    ),
}
FRAMES = {
    "python": (
        "fold (pyapp/reference.py:41)",
        "int (builtins)",
        "_PyEval_EvalFrameDefault",
        "PyLong_FromString",
    ),
    "native": ("pyapp_core::fold::fold_cloned", "alloc::string::String::clone", "malloc", "cfree"),
}


def latencies(p50: float, requests: int) -> Percentiles:
    """Percentiles around a median, those left out that so few requests cannot carry."""
    return Percentiles(
        mean=p50 * 1.03,
        p50=p50,
        p90=p50 * 1.21 if requests >= 100 else None,
        p99=p50 * 1.62 if requests >= 1000 else None,
        p99_9=p50 * 2.2 if requests >= 10_000 else None,
        max=p50 * 2.9,
    )


def histogram(folder: Path, name: str, p50: float, requests: int) -> str:
    """An ``.hgrm`` file of a latency that doubles with every nine or so; its path within the run."""
    lines = ["       Value     Percentile TotalCount 1/(1-Percentile)", ""]
    step = 0.0
    while (nines := step / 20) <= math.log10(max(requests, 10)):
        quantile = 1 - 10**-nines
        value = p50 * (0.8 + 0.2 * nines / 0.3 if nines < 0.3 else 1 + 0.24 * (nines - 0.3) ** 1.4)
        lines.append(
            f"{value:12.3f} {quantile:2.12f} {int(quantile * requests):10d} {1 / (1 - quantile):14.2f}"
        )
        step += 1
    lines += [
        f"{p50 * 2.9:12.3f} {1:2.12f} {requests:10d}          inf",
        f"#[Mean    = {p50:12.3f}, StdDeviation   = 1]",
    ]
    path = folder / "histograms" / f"{name}.hgrm"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return f"histograms/{name}.hgrm"


def trial(
    folder: Path, name: str, figures: tuple[float, float, float, LimitedBy], **more: Any
) -> JudgedTrial:
    """A trial of five seconds with those figures, as judged."""
    rps, p50, cpu, limit = figures
    requests = max(4, round(rps * 5))
    made = Trial(
        engine="native",
        model="closed",
        # As many as these figures account for (Little's law).
        users=max(1, round(rps * p50 * 1.03 / 1000)),
        wait_s=(0.0, 0.0),
        duration_s=5.0,
        requests=requests,
        failures=0,
        aborted=0,
        rps=rps,
        latency_ms=latencies(p50, requests),
        histogram=histogram(folder, name, p50, requests),
        server_cpu_us_per_request=cpu,
        server_cpu_percent=min(190.0, rps * cpu / 10_000),
        server_rss_bytes=58_400_000,
        generator_cpu_percent=min(70.0, 1 + rps / 90),
        series=[
            Point(
                t_s=second + 1,
                rps=rps * (1 + 0.02 * math.sin(second)),
                p50_ms=p50,
                p99_ms=p50 * (1.5 + 0.1 * second),
            )
            for second in range(5)
        ],
    )
    for key, value in more.items():
        setattr(made, key, value)
    return msgspec.structs.replace(judged_trial(made), limited_by=limit)


def profile(variant: str, svg: str | None) -> JudgedProfile:
    """An on-CPU profile whose heaviest functions are those of the variant."""
    names = FRAMES.get(variant, FRAMES["native"])
    made = Profile(
        profiler="py-spy",
        mode="on-cpu",
        samples=2911,
        missed=0,
        errors=4,
        rate_hz=500,
        rate_reached_hz=486,
        duration_s=6.0,
        unnamed_share=0.021,
        svg=svg,
        frames=[
            Frame(
                name=name,
                kind="python" if ".py" in name else "rust",
                self_value=1100 / (place + 1),
                total_value=2911 / (place + 1),
                location="rust_core/src/fold.rs:41" if "fold" in name else None,
            )
            for place, name in enumerate(names)
        ],
    )
    return JudgedProfile(evidence=made, frames=made.frames, slowdown=0.09)


def lane(made: LaneResult, trials: list[JudgedTrial], profiles: list[JudgedProfile]) -> JudgedLane:
    """A lane with these trials and profiles; its evidence holds theirs."""
    made.trials = [each.evidence for each in trials]
    made.profiles = [each.evidence for each in profiles]
    return JudgedLane(evidence=made, trials=trials, profiles=profiles)


def make(folder: Path, svg: bytes | None = None) -> JudgedRun:
    """A run of the article's eight lanes in a folder, judged by hand: all lanes are ok."""
    folder.mkdir(parents=True, exist_ok=True)
    path = None
    if svg is not None:
        path = "flame.svg"
        (folder / path).write_bytes(svg)
    lanes = [
        lane(
            LaneResult(
                scenario=scenario,
                variant=variant,
                path=f"/{variant}/{scenario}",
                suite="article",
                title=title,
            ),
            [trial(folder, f"{scenario}-{variant}", figures)],
            [profile(variant, path)],
        )
        for scenario, (title, variants) in ARTICLE.items()
        for variant, figures in variants.items()
    ]
    run = RunResult(
        created="2026-11-23T13:05:22+00:00",
        name="pyapp",
        environment=Environment(python="3.11.7", cpu="Made CPU", cores=2, commit="8dca656e3f"),
        settings=Settings(
            reference={"read": {"rps": 19.5, "latency_ms": 18_000.0}, "fast": {"rps": 820.0}},
            reference_title="the article",
        ),
        lanes=[each.evidence for each in lanes],
    )
    return JudgedRun(
        evidence=run,
        lanes=lanes,
        findings=[
            RuleHit(
                name="lock",
                scope="lane",
                severity="finding",
                lane="read/python",
                link="#lane-read-python",
                weight=9,
                evidence={"waiting_share": 0.97, "hold_ms": 50.2},
                sentence="Requests to /python/read wait for one lock 97% of their time; "
                "it is held 50 ms each time, so at most 20 requests/s.",
            ),
            RuleHit(
                name="allocation",
                scope="profile",
                severity="finding",
                lane="cpualloc/native",
                weight=8,
                sentence="63% of the CPU of cpualloc/native goes to malloc and free, from clone.",
            ),
            RuleHit(
                name="idle",
                scope="lane",
                severity="finding",
                lane="fast/native",
                weight=3,
                sentence="The server was idle 60% of the time on fast/native: "
                "the load, not the service, sets this figure.",
            ),
        ],
    )


def of(run: JudgedRun, name: str) -> JudgedLane:
    """The lane of that name, which is there."""
    found = run.lane(name)
    assert found is not None
    return found


def spoil(run: JudgedRun) -> JudgedRun:
    """The same run with a void lane, a lane that was not measured, a doubtful profile and a failed one."""
    void = of(run, "fast/python")
    reason = RuleHit(
        name="generator-busy",
        scope="lane",
        severity="void",
        lane=void.name,
        sentence="The load generator used 97% of a core: the figure is its own. Give it more processes.",
    )
    void.verdict = Verdict(status="void", rules=[reason])
    for each in void.evidence.trials:
        each.generator_cpu_percent = 97.0
    unmeasured = of(run, "cpu/python")
    unmeasured.trials, unmeasured.profiles = [], []
    unmeasured.evidence.trials, unmeasured.evidence.profiles = [], []
    unmeasured.evidence.error = "the server ended with exit code 3 before it was ready; see cpu-python.log"
    doubtful = of(run, "cpu/native")
    doubtful.profiles[0].trust = Verdict(
        rules=[
            RuleHit(
                name="slowdown",
                scope="profile",
                severity="doubtful",
                lane=doubtful.name,
                sentence="The lane was 41% slower while it was profiled; ask for a lower rate.",
            )
        ]
    )
    failed = Profile(
        profiler="memray",
        mode="memory",
        error="memray cannot follow a server that hotlap did not start; leave out --pid.",
    )
    add(of(run, "read/native"), failed)
    return run


def add(lane: JudgedLane, profile: Profile) -> None:
    """One more profile of a lane."""
    lane.evidence.profiles.append(profile)
    lane.profiles.append(JudgedProfile(evidence=profile, frames=profile.frames))


def write(folder: Path, svg: bytes | None = None) -> JudgedRun:
    """Make a run and its ``run.json``."""
    run = make(folder, svg)
    result.write(run.evidence, folder)
    return run


def history(folder: Path) -> Path:
    """Three runs in a folder, the last of them with repeats, a void lane and one not measured; and a broken one."""
    for number in range(3):
        here = folder / "deep" / f"run {number}"
        run = make(here)
        run.evidence.created = f"2026-11-2{number}T10:00:00+00:00"
        run.evidence.environment.commit = f"{number}dca656e3f00aa"
        for lane in run.lanes:
            first = lane.evidence.trials[0]
            first.server_cpu_us_per_request = (first.server_cpu_us_per_request or 0) * 0.9**number
            for repeat in range(1, 4 if number == 2 else 1):
                again = copy.deepcopy(first)
                again.repeat = repeat
                again.server_cpu_us_per_request = (first.server_cpu_us_per_request or 0) * 1.02**repeat
                lane.evidence.trials.append(again)
        if number == 2:
            spoil(run)
        result.write(run.evidence, here)
        if number != 1:
            render(run, here)
    (folder / "cut").mkdir()
    (folder / "cut" / "run.json").write_text('{"schema": 1, ')
    (folder / "deep" / "compare.html").write_text("<!doctype html><title>compared</title>")
    return folder


def without_theme(value: object) -> object:
    """The chart with real colours and a real font where the page puts those of its theme."""
    if isinstance(value, dict):
        return {key: without_theme(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_theme(item) for item in value]
    if isinstance(value, str) and value.startswith("$"):
        return "sans-serif" if value == "$font" else "#123456"
    return value
