"""``hotlap init``: write an experiment for the app in this folder."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import get_args

import click
from rich.text import Text

from hotlap.experiment import Interface
from hotlap.experiment.config import load_experiment
from hotlap.experiment.init import left_out, refuse, write, write_data
from hotlap.recorded import RecordedError
from hotlap.recorded.traffic import read
from hotlap.report.terminal import duration
from hotlap.run.jobs import plan
from hotlap.run.options import TIMINGS, Options
from hotlap.serving.explore import find
from hotlap.terminal import OK, Terminal

_LEFT_OUT = Text("–", style="yellow")


@click.command
@click.option("--app", metavar="MODULE:OBJECT", help="The app; searched for in this folder if not given.")
@click.option(
    "--path",
    "paths",
    multiple=True,
    metavar="PATH",
    help="Ask for this instead of the app's routes; it is measured whatever it answers.",
)
@click.option(
    "--interface", type=click.Choice(get_args(Interface)), help="If it cannot be told from the app."
)
@click.option(
    "--command",
    "words",
    metavar="COMMAND",
    help="Its own server, with {port} in it, instead of one that is found.",
)
@click.option(
    "--python",
    metavar="PATH",
    help="The interpreter that the app runs in; that of a .venv or venv beside it if not given, else hotlap's own.",
)
@click.option(
    "--from",
    "recording",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Recorded traffic, whose routes and values are written: an access log, a HAR file or a curl command.",
)
def command(
    app: str | None,
    paths: tuple[str, ...],
    interface: Interface | None,
    words: str | None,
    python: str | None,
    recording: Path | None,
) -> None:
    """Write a [tool.hotlap] table into pyproject.toml, or a hotlap.toml, for the app in this folder.

    The app, its interface and its routes are found out; each GET is asked for once. Of a server that tells no
    routes they are looked for on its pages. Those that do not answer, and requests that may change something, are
    left in as comments.
    """
    for path in paths:
        if not path.startswith("/"):
            raise click.UsageError(f"--path {path}: a path starts with /")
    if words is not None and (app is not None or interface is not None):
        raise click.UsageError("--command serves the app by itself: give no --app and no --interface with it")
    if words is not None and "{port}" not in words:
        raise click.UsageError("--command must have {port} where the port goes")
    if recording is not None and paths:
        raise click.UsageError("--from FILE has the paths: leave --path out")
    folder = Path.cwd()
    refuse(folder)
    traffic = None
    if recording is not None:
        try:
            traffic = read(recording)
        except RecordedError as error:
            raise click.UsageError(str(error)) from None
    own = shlex.split(words) if words is not None else None
    found = find(folder, app, paths, interface, own, python, traffic)
    data = write_data(found, folder)
    file, _ = write(found, folder)
    console = Terminal()
    for said in traffic.said if traffic is not None else []:
        console.print(_LEFT_OUT, said, soft_wrap=True)
    used = [route for route in found.routes if route.note is None]
    of = f"{found.server.app}: {found.framework}, {found.server.interface}" if words is None else words
    counted = f"{len(found.flows)} flows" if found.flows else f"{len(used)} of {len(found.routes)} routes"
    console.print(f"{of}; {counted}", soft_wrap=True)
    named = f" ({found.server.python})" if found.server.python is not None else ""
    console.print(f"served by {found.served + named}", soft_wrap=True)
    for said in found.said:
        console.print(said, soft_wrap=True)
    for route in sorted(found.routes, key=lambda route: route.note is not None):
        mark = OK if route.note is None else _LEFT_OUT
        told = route.note or route.remark
        note = f": {told}" if told else ""
        console.print(
            mark,
            f"{route.request.method} {route.seen.path if route.seen else route.request.path}{note}",
            highlight=False,
            soft_wrap=True,
        )
    if found.websockets:
        console.print(_LEFT_OUT, left_out(found.websockets), soft_wrap=True)
    for flow in found.flows:
        again = f", {flow.count} times" if flow.count > 1 else ""
        steps = " → ".join(step.name for step in flow.steps)
        console.print(OK, f"{flow.name}: {steps}{again}", highlight=False, soft_wrap=True)
    if data:
        console.print(f"wrote the values of {len(data)} scenarios into {data[0].parent}", soft_wrap=True)
    for name, value in found.variables.items():
        console.print(
            f"{name} stands for a credential in the recording: set it in the environment, as in {name}=... hotlap run",
            soft_wrap=True,
        )
        # How long a run takes can be told without it.
        os.environ.setdefault(name, value)
    if not used and not found.flows:
        now = "no route answers by itself: take one in there, as its comments say; then: hotlap run"
    else:
        now = f"now: hotlap run (about {_takes('default')}), or hotlap run --quick (about {_takes('quick')})"
    console.print(f"wrote {file}; {now}", soft_wrap=True)


def _takes(timing: str) -> str:
    """How long a run of the experiment that was written takes."""
    experiment, _ = load_experiment()
    quick = timing == "quick"
    options = Options(timing=TIMINGS[timing], noise=not quick, profiles=("on-cpu",) if quick else None)
    tasks = plan(experiment, experiment.select(), options)
    return duration(sum(task.estimate_s for task in tasks))
