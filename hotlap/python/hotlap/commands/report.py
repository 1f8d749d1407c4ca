"""``hotlap report``: judge a run anew and write its page."""

from __future__ import annotations

from pathlib import Path

import click

from hotlap.analysis import rules
from hotlap.report import render
from hotlap.run import result


@click.command
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, path_type=Path))
def command(folder: Path) -> None:
    """Apply the rules anew to the run in DIR and write its report.html.

    The measurements stay as they are; verdicts and findings are those of this hotlap's rules.
    """
    run = result.read(folder)
    folder = folder.parent if folder.is_file() else folder
    rules.apply(run)
    result.write(run, folder)
    click.echo(render(run, folder))
