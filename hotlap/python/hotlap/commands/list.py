"""``hotlap list``: the lanes of the experiment."""

from __future__ import annotations

import click
import msgspec
from rich.table import Table

from hotlap.experiment.config import load_experiment
from hotlap.terminal import Terminal


@click.command
@click.option(
    "--json", "as_json", is_flag=True, help='{"lanes": [{"scenario", "variant", "path", "suite", ...}]}'
)
def command(as_json: bool) -> None:
    """List the lanes: scenario, variant, suite, path."""
    experiment, _ = load_experiment()
    if as_json:
        lanes = msgspec.to_builtins(experiment.lanes)
        click.echo(msgspec.json.format(msgspec.json.encode({"lanes": lanes}), indent=2).decode())
        return
    table = Table(title=experiment.name, title_justify="left")
    for title in ("lane", "suite", "request", "what it does"):
        table.add_column(title)
    for lane in experiment.lanes:
        table.add_row(
            lane.name,
            lane.suite,
            lane.asks if lane.steps or lane.mix else f"{lane.method} {lane.path}",
            lane.title,
        )
    Terminal().print(table)
