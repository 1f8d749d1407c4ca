"""The command ``hotlap``: each command is a module of ``hotlap.commands``, loaded when it is called."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from hotlap.experiment import ExperimentError
from hotlap.result import ResultError

COMMANDS = (
    "list", "serve", "swarm", "flame", "diff", "run", "init", "report", "capacity", "compare", "history", "doctor",
)  # fmt: skip


class LabError(click.ClickException):
    """A measurement or gate that failed: exit code 1. What the user got wrong is ``click.UsageError``: 2."""

    exit_code = 1


class Commands(click.Group):
    """Loads a command's module only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"hotlap.commands.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (ExperimentError, ResultError) as error:
            raise click.UsageError(str(error)) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="hotlap")
def main() -> None:
    """A performance lab for Python web services: serve, verify, load, profile, explain."""


if __name__ == "__main__":
    sys.exit(main())
