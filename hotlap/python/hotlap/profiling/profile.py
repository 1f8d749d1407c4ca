"""Profile a lane: serve it freshly, keep it loaded, record, clean and draw."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import msgspec

from hotlap._engine import Stacks, StacksError
from hotlap.analysis.rules.profiles import FEWEST_SEEN
from hotlap.experiment import Engine, Experiment, Lane, Load, Mode
from hotlap.load.trial import LoadError, background_load
from hotlap.profiling import attribution as evidence
from hotlap.profiling.probe import ProbeError, probe
from hotlap.profiling.recorders import ProfileError, Recording, Target, recorder
from hotlap.run.result import Frame, Profile, RunResult, Stretch
from hotlap.serving.server import Served, ServeError, served
from hotlap.serving.verify import VerifyError, request

TOP = 20
"""How many of the heaviest functions a profile names, at the most."""

FORMATS = ("svg", "collapsed", "speedscope", "pprof")

_THREADS = {"memory": False, "await": False}
"""Whether a mode's stacks are told apart by thread; they are where it is not said."""


class Capture(msgspec.Struct, kw_only=True):
    """A recording with what is known of the load meanwhile."""

    recording: Recording
    stacks: Stacks
    """Cleaned."""
    probe: bool = False
    """Whether the server had loaded the probe."""
    duration_s: float | None = None
    requests: int | None = None
    server_cpu_us_per_request: float | None = None


def capture(
    experiment: Experiment,
    lane: Lane,
    *,
    mode: Mode,
    profiler: str | None,
    time_s: float,
    folder: Path,
    load: Load,
    engine: Engine,
    verified: dict[str, Any] | None = None,
) -> Capture:
    """Serve a lane freshly with what the recorder needs, load it, and record.

    Raises:
        ProfileError, ServeError, LoadError, StacksError: the message says why and what to do.
    """
    with_ = recorder(mode, profiler)
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        own_probe = stack.enter_context(probe()) if with_.LOADS_PROBE else None
        env = {**(own_probe.env() if own_probe else {}), **with_.env()}
        server = stack.enter_context(served(experiment, lane, env=env))

        def ask() -> None:
            try:
                request(server.url, lane, load.timeout_s, ca_file=server.ca_file)
            except VerifyError as error:
                raise ProfileError(str(error)) from None

        target = Target(served=server, is_ours=True, probe=own_probe, ask=ask)
        try:
            with_.prepare(target)
        except ProbeError as error:
            raise ProfileError(str(error)) from None
        if not with_.NEEDS_LOAD:
            recording = with_.record(target, mode, time_s, folder)
            return Capture(
                recording=recording,
                stacks=_cleaned(recording, mode),
                probe=with_.LOADS_PROBE,
                requests=recording.requests,
            )
        loading = stack.enter_context(
            background_load(lane, server, engine=engine, load=load, verified=verified)
        )
        cpu_s = server.cpu_s()
        loading.mark()
        recording = with_.record(target, mode, time_s, folder)
        duration_s, requests = loading.since_mark()
        used_s = _difference(server.cpu_s(), cpu_s)
    return Capture(
        recording=recording,
        stacks=_cleaned(recording, mode),
        probe=with_.LOADS_PROBE,
        duration_s=duration_s,
        requests=requests,
        server_cpu_us_per_request=1e6 * used_s / requests if used_s is not None and requests else None,
    )


def attach(pid: int, *, mode: Mode, profiler: str | None, time_s: float, folder: Path) -> Capture:
    """Record a server that runs already, under whatever load it has.

    Raises:
        ProfileError: the mode needs a server that the lab starts, or recording failed.
    """
    with_ = recorder(mode, profiler)
    if with_.NEEDS_PROBE:
        raise ProfileError(f"{mode} needs a server that hotlap starts: name a lane instead of --pid")
    folder.mkdir(parents=True, exist_ok=True)
    running = Served("http://127.0.0.1", None, pid, None)
    if not running.alive():
        raise ProfileError(f"there is no process {pid}")
    recording = with_.record(Target(served=running), mode, time_s, folder)
    return Capture(recording=recording, stacks=_cleaned(recording, mode))


def _cleaned(recording: Recording, mode: Mode) -> Stacks:
    parts = [clean(part, mode).below_role(name) for name, part in recording.parts.items() if part.total]
    return parts[0].merge(parts[1:]) if parts else clean(recording.stacks, mode)


def clean(stacks: Stacks, mode: Mode) -> Stacks:
    """Make stacks readable, as the mode wants it: waiting is left out of ``on-cpu`` only."""
    return stacks.clean(drop_waiting=mode == "on-cpu", threads=_THREADS.get(mode, True))


def export(stacks: Stacks, path: Path, form: str, *, title: str, subtitle: str, unit: str) -> None:
    """Write stacks in one of the ``FORMATS``."""
    match form:
        case "svg":
            path.write_text(stacks.svg(title, subtitle=subtitle, unit=unit))
        case "collapsed":
            stacks.write_collapsed(path)
        case "speedscope":
            path.write_bytes(stacks.speedscope(title, unit=unit))
        case "pprof":
            path.write_bytes(stacks.pprof(title, unit=unit))
        case _:
            raise ProfileError(f"{form!r} is not one of {', '.join(FORMATS)}")


def subtitle(captured: Capture, mode: Mode) -> str:
    """What a graph says of itself."""
    recording = captured.recording
    told = f"{mode} by {recording.profiler}, {captured.stacks.total:,} {recording.unit}"
    if captured.requests is not None:
        told += f", {captured.requests:,} requests"
    notes = (recording.facts.get("python_frames", "").partition(":")[0], recording.facts.get("throughout"))
    return "; ".join([told, *filter(None, notes)])


def record(
    experiment: Experiment,
    lane: Lane,
    *,
    mode: Mode,
    profiler: str | None,
    time_s: float,
    out: Path,
    load: Load,
    engine: Engine,
    baseline: Stretch | None,
    verified: dict[str, Any] | None,
) -> list[Profile]:
    """Record one mode of a lane and draw it into ``out``, a folder two below the run's.

    Paths in the profile are relative to the run's folder. A profile that could not be taken has its
    ``error``.
    """
    try:
        captured = capture(
            experiment,
            lane,
            mode=mode,
            profiler=profiler,
            time_s=time_s,
            folder=out,
            load=load,
            engine=engine,
            verified=verified,
        )
        collapsed, svg = out / f"{mode}.collapsed", out / f"{mode}.svg"
        labels = {"title": lane.name, "subtitle": subtitle(captured, mode), "unit": captured.recording.unit}
        export(captured.stacks, svg, "svg", **labels)
        export(captured.stacks, collapsed, "collapsed", **labels)
    except (ProfileError, ServeError, LoadError, StacksError) as error:
        return [Profile(profiler=profiler or "default", mode=mode, error=str(error))]
    served_from = Path(experiment.root, (lane.server or experiment.server).cwd or ".").resolve()
    captured.recording.facts.update(
        evidence.of_mode(mode, captured.stacks, captured.recording.facts, served_from)
    )
    return [_profile(captured, mode, collapsed, svg, out.parent.parent, baseline)]


def _profile(
    captured: Capture, mode: Mode, collapsed: Path, svg: Path, root: Path, baseline: Stretch | None
) -> Profile:
    recording = captured.recording
    facts = dict(recording.facts)
    if captured.server_cpu_us_per_request is not None:
        facts["server_cpu_us_per_request"] = captured.server_cpu_us_per_request
    return Profile(
        profiler=recording.profiler,
        mode=mode,
        unit=recording.unit,
        collapsed=str(collapsed.relative_to(root)),
        svg=str(svg.relative_to(root)),
        raw=[str(path.relative_to(root)) for path in recording.raw],
        samples=recording.samples,
        missed=recording.missed,
        errors=recording.errors,
        rate_hz=recording.rate_hz,
        rate_reached_hz=recording.rate_reached_hz,
        duration_s=captured.duration_s,
        requests=captured.requests,
        slowdown=_slowdown(captured, baseline),
        unnamed_share=captured.stacks.unnamed_share,
        probe=captured.probe,
        frames=frames(captured.stacks, _samples(recording)),
        facts=facts,
    )


def _samples(recording: Recording) -> int | None:
    if recording.unit == "samples":
        return None
    return 0 if recording.unit == "allocations" else recording.samples


def _slowdown(captured: Capture, baseline: Stretch | None) -> float | None:
    """By how much fewer requests were served than in the clean stretch: 0.3 is 30% fewer."""
    if baseline is None or not baseline.rps or not captured.duration_s or captured.requests is None:
        return None
    return 1 - captured.requests / captured.duration_s / baseline.rps


def frames(stacks: Stacks, samples: int | None = None) -> list[Frame]:
    """The heaviest functions of cleaned stacks: those that were seen often enough to be named, and the first.

    Args:
        stacks: what they are of.
        samples: how often something was seen, where the values are not that themselves; 0: they are exact.
    """
    a_sample = stacks.total / samples if samples else 1.0
    fewest = FEWEST_SEEN * a_sample if samples != 0 else 0.0
    found = [
        Frame(
            name=one.name,
            kind=one.kind,
            self_value=one.self_value,
            total_value=one.total_value,
            location=one.location,
        )
        for one in stacks.top(TOP)
        if one.kind != "thread"
    ]
    return [one for at, one in enumerate(found) if at == 0 or one.self_value >= fewest]


def difference(run: RunResult, before: str, after: str, folder: Path) -> dict[str, Any] | None:
    """Draw what changed between the on-CPU profiles of two lanes of a run; ``None`` where one has none.

    Widths are microseconds of the server's CPU per request where both lanes have that figure, shares otherwise.
    """
    sides = [_on_cpu(run, name) for name in (before, after)]
    if any(side is None or side.collapsed is None for side in sides):
        return None
    stacks = [Stacks.read(folder / side.collapsed) for side in sides if side is not None and side.collapsed]
    costs = [_cost(run, name) for name in (before, after)]
    svg = folder / "profiles" / f"diff-{before}-{after}.svg".replace("/", "_")
    made, unit = compare(stacks[0], stacks[1], costs, (before, after))
    svg.parent.mkdir(parents=True, exist_ok=True)
    svg.write_text(made.svg(f"{before} → {after}", subtitle=unit))
    return {
        "a": before,
        "b": after,
        "mode": "on-cpu",
        "unit": unit,
        "svg": str(svg.relative_to(folder)),
        "frames": [
            {
                "name": one.name,
                "kind": one.kind,
                "a": one.total_a,
                "b": one.total_b,
                "self_a": one.self_a,
                "self_b": one.self_b,
            }
            for one in made.top(TOP)
        ],
    }


def compare(a: Stacks, b: Stacks, costs: list[float | None], names: tuple[str, str]) -> tuple[Any, str]:
    """The difference of two cleaned recordings and its unit: ``costs`` are what the totals stand for per request."""
    if all(costs) and a.total and b.total:
        scale = ((costs[0] or 0) / a.total, (costs[1] or 0) / b.total)
        return a.diff(b, scale=scale, names=names), "µs per request"
    return a.diff(b, names=names), "share"


def _on_cpu(run: RunResult, name: str) -> Profile | None:
    lane = run.lane(name)
    return (
        next((one for one in lane.profiles if one.mode == "on-cpu" and not one.error), None) if lane else None
    )


def _cost(run: RunResult, name: str) -> float | None:
    lane = run.lane(name)
    measured = lane.stretches() if lane else []
    return measured[-1].server_cpu_us_per_request if measured else None


def _difference(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before
