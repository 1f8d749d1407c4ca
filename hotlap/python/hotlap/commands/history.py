"""``hotlap history``: the runs of a folder, in the terminal and as a page."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from hotlap import formatting
from hotlap.analysis import history
from hotlap.report.html.page import date
from hotlap.report.html.trends import render_history
from hotlap.terminal import Terminal


@click.command
@click.argument("folder", metavar="[DIR]", default="runs", type=click.Path(file_okay=False, path_type=Path))
@click.option("--lane", "lanes", multiple=True, metavar="LANE", help="Show this lane's figures in each run.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The page; DIR/index.html."
)
def command(folder: Path, lanes: tuple[str, ...], output: Path | None) -> None:
    """List the runs in DIR and write their history as a page.

    DIR is a folder of run folders: without it, ./runs.
    """
    if not folder.is_dir():
        raise click.UsageError(
            f"there is no folder {folder}: make a run with `hotlap run`, or name the folder of some"
        )
    found = history.read(folder)
    if not found.entries and not found.unreadable:
        raise click.UsageError(f"{folder} has no run: make one with `hotlap run`")
    for name in lanes:
        if name not in found.lanes:
            raise click.UsageError(f"no run has a lane {name!r}; there are: {', '.join(found.lanes)}")
    console = Terminal()
    console.print(_runs(found))
    for name in lanes:
        console.print(_lane(found, name))
    for path, why in found.unreadable:
        console.print(f"left out: {path}: {why}", style="yellow", soft_wrap=True)
    page = render_history(found, output or folder / "index.html")
    console.print(f"the history: {page}", soft_wrap=True)


def _runs(found: history.History) -> Table:
    made = Table(title=f"{len(found.entries)} runs in {found.folder}", title_justify="left")
    for title in ("#", "made", "folder", "commit", "lanes"):
        made.add_column(title, justify="right" if title == "#" else "left")
    for number, entry in enumerate(found.entries):
        commit = (entry.commit or formatting.MISSING)[:9] + ("+" if entry.dirty else "")
        counts = ((entry.ok, "ok"), (entry.void, "void"), (entry.failed, "not measured"))
        verdicts = ", ".join(f"{count} {word}" for count, word in counts if count)
        folder = str(entry.folder.relative_to(found.folder))
        made.add_row(str(number + 1), date(entry.created), folder, commit, verdicts)
    return made


def _lane(found: history.History, name: str) -> Table:
    made = Table(title=name, title_justify="left")
    for title in ("#", "CPU µs/request", "requests/s", "p99 ms", "verdict"):
        made.add_column(title, justify="left" if title == "verdict" else "right")
    for mark in found.lanes[name]:
        shown = [_interval(mark.figures[key]) for key in history.FIGURES]
        made.add_row(str(mark.run + 1), *shown, "not measured" if mark.status == "failed" else mark.status)
    return made


def _interval(found: history.Estimate | None) -> str:
    if found is None:
        return formatting.MISSING
    if found.low is None:
        return formatting.number(found.value)
    return f"{formatting.number(found.value)} ({formatting.number(found.low)} to {formatting.number(found.high)})"
