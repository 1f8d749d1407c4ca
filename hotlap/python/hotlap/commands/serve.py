"""``hotlap serve``: serve the experiment's app by hand, as the lab does."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path
from typing import get_args

import click
import msgspec

from hotlap.experiment import Interface
from hotlap.experiment.config import load_experiment
from hotlap.serving.server import raise_file_limit
from hotlap.serving.ways import ServeError, command_of, environment_of, way_of
from hotlap.usage import LabError


@click.command
@click.option("--interface", type=click.Choice(get_args(Interface)), help="Instead of the experiment's own.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
def command(interface: Interface | None, host: str, port: int) -> None:
    """Serve the app until Ctrl-C, with the command that the lab would use."""
    experiment, _ = load_experiment()
    root = Path(experiment.root)
    server = experiment.server
    if server.url is not None:
        raise click.UsageError(f"the experiment measures a running server: {server.url}")
    if interface is not None:
        if server.command is not None:
            raise click.UsageError(
                "--interface is for an app that hotlap finds a server for; this experiment has a command of its own"
            )
        server = msgspec.structs.replace(server, interface=interface)
    try:
        words = command_of(server, root, port, host=host)
        told = way_of(server, root).evidence.title()
        with socket.create_server((host, port)):
            pass  # It is free, so far.
    except OSError as error:
        raise LabError(
            f"{host}:{port} cannot be listened on ({error.strerror}): give another --port"
        ) from None
    except ServeError as error:
        raise LabError(str(error)) from None
    click.echo(f"served by {told}: http://{host}:{port}")
    raise_file_limit()
    environment = environment_of(server, root)
    # The programs of the app's environment are found by its own PATH.
    program = shutil.which(words[0], path=environment.get("PATH")) or words[0]
    os.chdir(root / (server.cwd or "."))
    sys.stdout.flush()
    os.execvpe(program, words, environment)
