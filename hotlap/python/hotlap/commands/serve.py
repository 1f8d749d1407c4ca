"""``hotlap serve``: serve the experiment's app by hand, as the lab does."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import get_args

import click
import msgspec

from hotlap.experiment import Interface
from hotlap.experiment.config import load_experiment
from hotlap.serving.server import ServeError, command_of, raise_file_limit
from hotlap.usage import LabError


@click.command
@click.option("--interface", type=click.Choice(get_args(Interface)), help="Instead of the experiment's own.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
def command(interface: Interface | None, host: str, port: int) -> None:
    """Serve the app until Ctrl-C, with the command that the lab would use."""
    experiment, _ = load_experiment()
    server = experiment.server
    if server.url is not None:
        raise click.UsageError(f"the experiment measures a running server: {server.url}")
    if interface is not None:
        if server.command is not None:
            raise click.UsageError(
                "--interface is for an app under Granian; this experiment has a command of its own"
            )
        server = msgspec.structs.replace(server, interface=interface)
    try:
        words = command_of(server, port, host=host)
        with socket.create_server((host, port)):
            pass  # It is free, so far.
    except OSError as error:
        raise LabError(
            f"{host}:{port} cannot be listened on ({error.strerror}): give another --port"
        ) from None
    except ServeError as error:
        raise LabError(str(error)) from None
    raise_file_limit()
    os.chdir(Path(experiment.root, server.cwd or "."))
    os.execvpe(words[0], words, {**os.environ, **server.env})
