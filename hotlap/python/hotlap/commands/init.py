"""``hotlap init``: write an experiment for the app in this folder."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click
from rich.console import Console
from rich.markup import escape

from hotlap.experiment import Interface
from hotlap.init import find, write


@click.command
@click.option("--app", metavar="MODULE:OBJECT", help="The app; searched for in this folder if not given.")
@click.option(
    "--path", "paths", multiple=True, metavar="PATH", help="Ask for this instead of the app's routes."
)
@click.option(
    "--interface", type=click.Choice(get_args(Interface)), help="If it cannot be told from the app."
)
def command(app: str | None, paths: tuple[str, ...], interface: Interface | None) -> None:
    """Write a [tool.hotlap] table into pyproject.toml, or a hotlap.toml, for the app in this folder.

    The app, its interface and its routes are found out; each route is asked for once, and those that do
    not answer are left in as comments.
    """
    for path in paths:
        if not path.startswith("/"):
            raise click.UsageError(f"--path {path}: a path starts with /")
    folder = Path.cwd()
    found = find(folder, app, paths, interface)
    file, _ = write(found, folder)
    console = Console()
    used = [route for route in found.routes if route.note is None]
    console.print(
        f"{escape(found.app)}: {found.framework}, {found.interface}; {len(used)} of {len(found.routes)} routes",
        highlight=False,
    )
    for route in found.routes:
        mark = "[green]✓[/]" if route.note is None else "[yellow]–[/]"
        note = f": {route.note}" if route.note else ""
        console.print(f"{mark} {escape(f'{route.method} {route.path}{note}')}", highlight=False)
    console.print(f"wrote {escape(str(file))}; now: hotlap run", highlight=False, soft_wrap=True)
