"""The command ``hotlap``: each command is a module of ``hotlap.commands``, loaded when it is called."""

from __future__ import annotations

import errno
import os
import signal
import sys
from importlib import import_module
from pkgutil import iter_modules

import click

from hotlap import commands
from hotlap.experiment import ExperimentError
from hotlap.run.folder import FolderInUseError
from hotlap.run.result import ResultError
from hotlap.serving.interrupts import Ended, endings_heard
from hotlap.usage import LabError


class Commands(click.Group):
    """Loads a command's module only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"hotlap.commands.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            with endings_heard():
                return super().invoke(ctx)
        except (ExperimentError, ResultError, FolderInUseError) as error:
            raise click.UsageError(str(error)) from None
        except Ended as ended:
            name = signal.Signals(ended.number).name
            click.echo(f"stopped by {name}; what was started has been ended", err=True)
            # As a shell says it of a process that a signal ended.
            raise click.exceptions.Exit(128 + ended.number) from None
        except OSError as error:
            if error.filename is None and error.errno not in _ADVICE:
                raise
            raise LabError(_sentence(error)) from None


_ADVICE = {
    errno.ENOSPC: "make room there, or write elsewhere",
    errno.EDQUOT: "make room there, or write elsewhere",
    errno.EROFS: "write elsewhere",
}
"""What to do about a place that takes nothing more."""


def _sentence(error: OSError) -> str:
    file = "the output" if error.filename is None else os.fsdecode(error.filename)
    advice = _ADVICE.get(error.errno or 0)
    return f"{file}: {error.strerror}" + (f"; {advice}" if advice else "")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="hotlap")
def main() -> None:
    """A performance lab for Python web services: serve, verify, load, profile, explain."""


if __name__ == "__main__":
    sys.exit(main())
