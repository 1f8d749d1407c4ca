"""``hotlap report``: judge a run anew and write its page."""

from __future__ import annotations

from pathlib import Path

import click

from hotlap.analysis import judge
from hotlap.report import render


@click.command
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, path_type=Path))
def command(folder: Path) -> None:
    """Apply the rules anew to the run in DIR and write its report.html.

    The measurements stay as they are; verdicts and findings are those of this hotlap's rules.
    """
    judged = judge.read(folder)
    folder = folder.parent if folder.is_file() else folder
    judge.write(judged, folder)
    click.echo(render(judged, folder))
