"""``hotlap flame``: where an endpoint loses its time, or its memory."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click
from rich.table import Table

from hotlap._engine import StacksError
from hotlap.analysis.profiles import is_vdso
from hotlap.experiment import Engine, Mode
from hotlap.experiment.config import load_experiment
from hotlap.files import copy_folder, try_file
from hotlap.load.locust_pool import LocustPool
from hotlap.load.trial import LoadError, Offered
from hotlap.profiling.exports import EXPORTS, Labels
from hotlap.profiling.profile import Capture, Shot, attach, capture, subtitle
from hotlap.profiling.recorders import PROFILERS, ProfileError
from hotlap.serving.aftermath import scratch
from hotlap.serving.server import raise_file_limit
from hotlap.serving.ways import ServeError
from hotlap.terminal import Terminal
from hotlap.usage import LabError, Number

_SHOWN = 10


@click.command
@click.argument("lane", required=False)
@click.option(
    "--pid", type=click.IntRange(1), help="A running Python server instead of a lane: on-cpu, off-cpu, gil."
)
@click.option("--mode", type=click.Choice(get_args(Mode)), default="on-cpu", show_default=True)
@click.option("--profiler", help=f"One of {', '.join(PROFILERS)}; without it, the mode's own.")
@click.option("--time", "time_s", type=Number(0.1, 3600), default=5.0, show_default=True, help="Seconds.")
@click.option("--engine", type=click.Choice(get_args(Engine)), default="native", show_default=True)
@click.option("--format", "form", type=click.Choice(list(EXPORTS)), default="svg", show_default=True)
@click.option(
    "--raw", type=click.Path(file_okay=False, path_type=Path), help="A folder to keep the raw recordings in."
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def command(
    lane: str | None,
    pid: int | None,
    mode: Mode,
    profiler: str | None,
    time_s: float,
    engine: Engine,
    form: str,
    raw: Path | None,
    output: Path,
) -> None:
    """Profile LANE under its load, or a running server, and draw it into a file."""
    if (lane is None) == (pid is None):
        raise click.UsageError("give either a LANE or --pid")
    try_file(output)
    console = Terminal()
    with scratch("flame") as folder:
        shot = Shot(mode=mode, profiler=profiler, time_s=time_s, folder=folder)
        try:
            if pid is not None:
                title = f"process {pid}"
                captured = attach(pid, shot)
            else:
                raise_file_limit()
                experiment, _ = load_experiment()
                chosen = experiment.lane(lane or "")
                title = chosen.name
                offered = Offered(lane=chosen, load=chosen.load, engine=engine)
                captured = capture(experiment, offered, shot, LocustPool(ahead=False))
            console.print(_heaviest(captured))
            labels = Labels(title=title, subtitle=subtitle(captured, mode), unit=captured.recording.unit)
            EXPORTS[form](captured.stacks, output, labels)
        except (ProfileError, ServeError, LoadError, StacksError) as error:
            raise LabError(str(error)) from None
        if raw is not None:
            copy_folder(folder, raw)
    console.print(f"{title}: {subtitle(captured, mode)}; {output}", soft_wrap=True)


def _heaviest(captured: Capture) -> Table:
    stacks = captured.stacks
    table = Table(title=f"the heaviest functions ({captured.recording.unit})", title_justify="left")
    for title in ("self", "total"):
        table.add_column(title, justify="right")
    for title in ("function", "kind", "where"):
        table.add_column(title)
    found = [one for one in stacks.functions(3 * _SHOWN) if one.kind != "thread"]
    for one in sorted(found[:_SHOWN], key=lambda one: is_vdso(one.name)):
        shares = [f"{100 * value / stacks.total:.1f}%" for value in (one.self_value, one.total_value)]
        table.add_row(*shares, one.name, one.kind, one.location or "")
    return table
