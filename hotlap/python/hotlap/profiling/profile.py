"""Profile a lane: serve it freshly, keep it loaded, record, clean and draw."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hotlap._engine import StackDiff, Stacks, StacksError
from hotlap.evidence.profile import DiffFrame, Frame, Line, Profile, RouteShare, TaskWaits
from hotlap.evidence.words import short_notes
from hotlap.experiment import Experiment, Mode
from hotlap.load.locust_pool import LocustPool
from hotlap.load.trial import LoadError, Offered, background_load
from hotlap.profiling import attribution
from hotlap.profiling.exports import EXPORTS, Labels
from hotlap.profiling.needs import lacking
from hotlap.profiling.probe import ProbeError, probe
from hotlap.profiling.recorders import ProfileError, Recording, Target, recorder
from hotlap.profiling.routes import Handler, by_route, handlers_of
from hotlap.serving import verify
from hotlap.serving.server import Served, served
from hotlap.serving.ways import ServeError, way_of

FRAMES_KEPT = 100
"""How many of the heaviest functions a profile keeps by name; its collapsed stacks have all."""

_THREADS = {"memory": False, "await": False}
"""Whether a mode's stacks are told apart by thread; they are where it is not said."""


class Shot(msgspec.Struct, frozen=True, kw_only=True):
    """How a profile is taken."""

    mode: Mode
    profiler: str | None
    """``None``: the mode's own."""
    time_s: float
    folder: Path
    """For the recorder's files."""


class Capture(msgspec.Struct, kw_only=True):
    """A recording with what is known of the load meanwhile."""

    recording: Recording
    stacks: Stacks
    """Cleaned."""
    probe: bool = False
    """Whether the server had loaded the probe."""
    handlers: dict[Handler, list[str]] = {}
    """Of a mix: the app's functions that handle its scenarios."""
    duration_s: float | None = None
    requests: int | None = None
    server_cpu_us_per_request: float | None = None


def capture(experiment: Experiment, offered: Offered, shot: Shot, pool: LocustPool) -> Capture:
    """Serve a lane freshly with what the recorder needs, load it, and record.

    Raises:
        ProfileError, ServeError, LoadError, StacksError: the message says why and what to do.
    """
    with_ = recorder(shot.mode, shot.profiler)
    shot.folder.mkdir(parents=True, exist_ok=True)
    lane = offered.lane
    way = way_of(lane.server or experiment.server, Path(experiment.root))
    if said := lacking(lane.name, shot.mode, way):
        raise ProfileError(said)
    with contextlib.ExitStack() as stack:
        # Which function handles which scenario of a mix is asked within.
        loads_probe = with_.loads_probe(way.version) or bool(lane.mix)
        own_probe = stack.enter_context(probe()) if loads_probe else None
        env = {**(own_probe.env() if own_probe else {}), **with_.env()}
        server = stack.enter_context(served(experiment, lane, env=env))

        positions = itertools.count()

        def ask() -> None:
            try:
                verify.ask(server, lane, next(positions))
            except verify.VerifyError as error:
                raise ProfileError(str(error)) from None

        handlers = handlers_of(own_probe, server, lane) if own_probe is not None else {}
        target = Target(served=server, is_ours=True, probe=own_probe, ask=ask)
        try:
            with_.prepare(target)
        except ProbeError as error:
            raise ProfileError(str(error)) from None
        if not with_.NEEDS_LOAD:
            recording = with_.record(target, shot.mode, shot.time_s, shot.folder)
            return Capture(
                recording=recording,
                stacks=_cleaned(recording, shot.mode),
                probe=loads_probe,
                handlers=handlers,
                requests=recording.requests,
            )
        loading = stack.enter_context(background_load(offered, server, pool))
        cpu_s = server.cpu_s()
        loading.mark()
        recording = with_.record(target, shot.mode, shot.time_s, shot.folder)
        duration_s, requests = loading.since_mark()
        used_s = _difference(server.cpu_s(), cpu_s)
    return Capture(
        recording=recording,
        stacks=_cleaned(recording, shot.mode),
        probe=loads_probe,
        handlers=handlers,
        duration_s=duration_s,
        requests=requests,
        server_cpu_us_per_request=1e6 * used_s / requests if used_s is not None and requests else None,
    )


def attach(pid: int, shot: Shot) -> Capture:
    """Record a server that runs already, under whatever load it has.

    Raises:
        ProfileError: the mode needs a server that the lab starts, or recording failed.
    """
    with_ = recorder(shot.mode, shot.profiler)
    if with_.NEEDS_PROBE:
        raise ProfileError(f"{shot.mode} needs a server that hotlap starts: name a lane instead of --pid")
    shot.folder.mkdir(parents=True, exist_ok=True)
    running = Served("http://127.0.0.1", None, pid, None)
    if not running.alive():
        raise ProfileError(f"there is no process {pid}")
    recording = with_.record(Target(served=running), shot.mode, shot.time_s, shot.folder)
    return Capture(recording=recording, stacks=_cleaned(recording, shot.mode))


def _cleaned(recording: Recording, mode: Mode) -> Stacks:
    parts = [clean(part, mode).below_role(name) for name, part in recording.parts.items() if part.total]
    return parts[0].merge(parts[1:]) if parts else clean(recording.stacks, mode)


def clean(stacks: Stacks, mode: Mode) -> Stacks:
    """Make stacks readable, as the mode wants it: waiting is left out of ``on-cpu`` only."""
    return stacks.clean(drop_waiting=mode == "on-cpu", threads=_THREADS.get(mode, True))


def subtitle(captured: Capture, mode: Mode) -> str:
    """What a graph says of itself."""
    recording = captured.recording
    told = f"{mode} by {recording.profiler}, {captured.stacks.total:,} {recording.unit}"
    if captured.requests is not None:
        told += f", {captured.requests:,} requests"
    return "; ".join([told, *short_notes(recording.python_frames, recording.off_cpu, recording.apart)])


def record(experiment: Experiment, offered: Offered, shot: Shot, pool: LocustPool, root: Path) -> Profile:
    """Record one mode of a lane and draw it beside the recorder's files.

    Args:
        experiment: Whose server is started.
        offered: The load meanwhile.
        shot: How the profile is taken.
        pool: Whose Locust makes the load.
        root: The run's folder, to which the profile's paths are relative.

    Returns:
        The profile; one that could not be taken has its ``error``.
    """
    mode, lane = shot.mode, offered.lane
    try:
        captured = capture(experiment, offered, shot, pool)
        collapsed, svg = shot.folder / f"{mode}.collapsed", shot.folder / f"{mode}.svg"
        labels = Labels(title=lane.name, subtitle=subtitle(captured, mode), unit=captured.recording.unit)
        EXPORTS["svg"](captured.stacks, svg, labels)
        EXPORTS["collapsed"](captured.stacks, collapsed, labels)
    except (ProfileError, ServeError, LoadError, StacksError) as error:
        return Profile(profiler=shot.profiler or "default", mode=mode, error=str(error))
    served_from = Path(experiment.root, (lane.server or experiment.server).cwd or ".").resolve()
    recording, stacks = captured.recording, captured.stacks
    return Profile(
        profiler=recording.profiler,
        mode=mode,
        unit=recording.unit,
        collapsed=str(collapsed.relative_to(root)),
        svg=str(svg.relative_to(root)),
        raw=[str(path.relative_to(root)) for path in recording.raw],
        samples=recording.samples,
        waiting=float(recording.waiting + stacks.waiting) if mode == "on-cpu" else None,
        apart=recording.apart,
        missed=recording.missed,
        errors=recording.errors,
        looks=recording.looks,
        rate_hz=recording.rate_hz,
        rate_reached_hz=recording.rate_reached_hz,
        duration_s=captured.duration_s,
        requests=captured.requests,
        server_cpu_us_per_request=captured.server_cpu_us_per_request,
        processor_time_s=recording.processor_time_s,
        unnamed_share=stacks.unnamed_share,
        probe=captured.probe,
        stands_in=recording.stands_in,
        native_frames=recording.native_frames,
        python_frames=recording.python_frames,
        total=float(stacks.total),
        frames=frames(stacks),
        attribution=attribution.of_stacks(stacks, served_from) if mode == "on-cpu" else None,
        routes=_routes(captured, mode, served_from),
        gil=recording.gil,
        tasks=_attributed(recording, stacks, served_from),
        off_cpu=recording.off_cpu,
        allocations=recording.allocations,
    )


def _routes(captured: Capture, mode: Mode, served_from: Path) -> list[RouteShare]:
    if not captured.handlers or captured.recording.parts:
        return []
    return by_route(captured.recording.stacks, captured.handlers, served_from, lambda part: clean(part, mode))


def _attributed(recording: Recording, stacks: Stacks, served_from: Path) -> TaskWaits | None:
    if recording.tasks is None:
        return None
    return msgspec.structs.replace(
        recording.tasks,
        waits=attribution.of_waits(stacks, recording.wait_leaves, served_from),
        blocked=attribution.of_blocked(recording.blocked_s, served_from),
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
            lines=[Line(place=place, self_value=own, total_value=total) for place, own, total in one.lines],
        )
        for one in stacks.functions(FRAMES_KEPT)
        if one.kind != "thread"
    ]


def compare(
    a: Stacks, b: Stacks, costs_us: Sequence[float | None], names: tuple[str, str]
) -> tuple[StackDiff, str]:
    """The difference of two cleaned recordings and its unit.

    Args:
        a: The one side; ``b`` the other.
        b: See there.
        costs_us: What the totals of both stand for, in microseconds per request; shares are compared where one
            is not known.
        names: What both are called.
    """
    before_us, after_us = costs_us
    if before_us and after_us and a.total and b.total:
        scale = (before_us / a.total, after_us / b.total)
        return a.diff(b, scale=scale, names=names), "µs per request"
    return a.diff(b, names=names), "share"


def diff_frames(made: StackDiff, count: int) -> list[DiffFrame]:
    """The functions of a difference that changed most."""
    return [
        DiffFrame(
            name=one.name, kind=one.kind, a=one.total_a, b=one.total_b, self_a=one.self_a, self_b=one.self_b
        )
        for one in made.top(count)
    ]


def _difference(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before
