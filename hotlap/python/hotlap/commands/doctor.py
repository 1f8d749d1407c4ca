"""``hotlap doctor``: what works here, and what to do about what does not."""

from __future__ import annotations

import click
import msgspec
from rich.text import Text

from hotlap.experiment import ExperimentError
from hotlap.experiment.config import load_experiment
from hotlap.profiling.doctor import examine
from hotlap.terminal import FAILED, OK, Terminal
from hotlap.usage import LabError

_MARKS = {"ok": OK, "degraded": Text("!", style="yellow"), "missing": FAILED}


@click.command
@click.option("--json", "as_json", is_flag=True, help='[{"name", "status", "found", "remedy"}]')
def command(as_json: bool) -> None:
    """Try what the lab needs: builds, symbols, tracing, perf, memory, files, cores, browser.

    The exit code is 1 where something is missing without which lanes cannot be measured or profiled.
    """
    try:
        experiment, _ = load_experiment()
    except ExperimentError:
        experiment = None
    checks = examine(experiment)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(checks), indent=2).decode())
    else:
        console = Terminal()
        for check in checks:
            console.print(_MARKS[check.status], f"{check.name}: {check.found}", soft_wrap=True)
            if check.remedy is not None:
                console.print(f"    {check.remedy}", style="dim", soft_wrap=True)
    missing = [check.name for check in checks if check.status == "missing"]
    if missing:
        raise LabError(f"missing: {', '.join(missing)}")
