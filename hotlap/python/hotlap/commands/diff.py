"""``hotlap diff``: what changed between two profiles."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click
from rich.table import Table

from hotlap import formatting
from hotlap._engine import StackDiff, Stacks, StacksError
from hotlap.experiment import Engine, Mode
from hotlap.experiment.config import load_experiment
from hotlap.files import try_file, write_whole
from hotlap.load.locust_pool import LocustPool
from hotlap.load.trial import LoadError, Offered
from hotlap.profiling.profile import Shot, capture, clean, compare
from hotlap.profiling.recorders import ProfileError
from hotlap.profiling.recordings import left_out, read_recording
from hotlap.run import result
from hotlap.serving.aftermath import scratch
from hotlap.serving.server import raise_file_limit
from hotlap.serving.ways import ServeError
from hotlap.terminal import Terminal
from hotlap.usage import LabError, Number

_SHOWN = 10


@click.command
@click.argument("a")
@click.argument("b")
@click.option("--mode", type=click.Choice(get_args(Mode)), default="on-cpu", show_default=True)
@click.option("--profiler", help="For lanes; without it, the mode's own.")
@click.option("--time", "time_s", type=Number(0.1, 3600), default=5.0, show_default=True, help="For lanes.")
@click.option("--engine", type=click.Choice(get_args(Engine)), default="native", show_default=True)
@click.option("--event", help="For files of perf: the kind of event that counts. Without it, the first.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def command(
    a: str,
    b: str,
    mode: Mode,
    profiler: str | None,
    time_s: float,
    engine: Engine,
    event: str | None,
    output: Path,
) -> None:
    """Draw what changed from A to B: lanes (profiled now), RUN:LANE of earlier runs, or files of stacks.

    Files hold collapsed stacks or what `perf script` writes. Widths are microseconds per request where the load is
    known for both, shares otherwise.
    """
    try_file(output)
    try:
        sides = [
            (_of_file(Path(name), mode, event), None)
            if Path(name).is_file()
            else _side(name, mode, profiler, time_s, engine)
            for name in (a, b)
        ]
        made, unit = compare(sides[0][0], sides[1][0], [sides[0][1], sides[1][1]], (a, b))
        drawing = made.svg(f"{a} → {b}", subtitle=f"{mode}, {unit}")
    except (ProfileError, ServeError, LoadError, StacksError) as error:
        raise LabError(str(error)) from None
    console = Terminal()
    console.print(_changes(made, unit, a, b))
    write_whole(output, drawing)
    console.print(str(output), soft_wrap=True)


def _of_file(path: Path, mode: Mode, event: str | None) -> Stacks:
    """The cleaned stacks of a file; what could not be used is said."""
    stacks = read_recording(path, event)
    if (skipped := left_out(stacks)) is not None:
        click.echo(f"{path}: {skipped}", err=True)
    return clean(stacks, mode)


def _side(
    name: str, mode: Mode, profiler: str | None, time_s: float, engine: Engine
) -> tuple[Stacks, float | None]:
    """The cleaned stacks of one side, and what their total stands for per request, if that is known."""
    folder, _, lane_name = name.partition(":")
    if Path(folder).is_dir():
        return _of_run(Path(folder), lane_name, mode)
    experiment, _ = load_experiment()
    lane = experiment.lane(name)
    raise_file_limit()
    with scratch("diff") as recorded:
        captured = capture(
            experiment,
            Offered(lane=lane, load=lane.load, engine=engine),
            Shot(mode=mode, profiler=profiler, time_s=time_s, folder=recorded),
            LocustPool(ahead=False),
        )
    if mode == "on-cpu":
        return captured.stacks, captured.server_cpu_us_per_request
    return captured.stacks, captured.stacks.total / captured.requests if captured.requests else None


def _of_run(folder: Path, lane_name: str, mode: Mode) -> tuple[Stacks, float | None]:
    run = result.read(folder)
    names = [lane.name for lane in run.lanes]
    if not lane_name and len(names) == 1:
        lane_name = names[0]
    lane = run.lane(lane_name)
    if lane is None:
        raise click.UsageError(
            f"say which lane of the run: {', '.join(f'{folder}:{name}' for name in names)}"
        )
    profile = next(
        (one for one in lane.profiles if one.mode == mode and one.collapsed and not one.error), None
    )
    if profile is None or profile.collapsed is None:
        raise LabError(f"{lane_name} has no {mode} profile in {folder}")
    stacks = Stacks.read(folder / profile.collapsed)
    if mode == "on-cpu":
        measured = lane.of_role()
        return stacks, measured[-1].server_cpu_us_per_request if measured else None
    return stacks, stacks.total / profile.requests if profile.requests else None


def _changes(made: StackDiff, unit: str, a: str, b: str) -> Table:
    table = Table(title=f"what changed most ({unit})", title_justify="left")
    for title in (a, b, "change"):
        table.add_column(title, justify="right")
    table.add_column("function")
    for one in [one for one in made.top(3 * _SHOWN) if one.kind != "thread"][:_SHOWN]:
        table.add_row(
            formatting.number(one.self_a),
            formatting.number(one.self_b),
            formatting.change(one.self_b - one.self_a),
            one.name,
        )
    return table
