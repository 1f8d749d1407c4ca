"""The command ``hotlap``: each command is a module of ``hotlap.commands``, loaded when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from pkgutil import iter_modules

import click

from hotlap import commands
from hotlap.experiment import ExperimentError
from hotlap.result import ResultError


class LabError(click.ClickException):
    """A measurement or gate that failed: exit code 1. What the user got wrong is ``click.UsageError``: 2."""

    exit_code = 1


class _Share(click.ParamType[float]):
    """A share as a percentage, such as ``1%``, or as a number from 0 to 1."""

    name = "share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            self.fail(f"{value!r} is no share: write it as 1% or 0.01, from 0 to 100%", param, ctx)
        return share


SHARE = _Share()


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
            return super().invoke(ctx)
        except (ExperimentError, ResultError) as error:
            raise click.UsageError(str(error)) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="hotlap")
def main() -> None:
    """A performance lab for Python web services: serve, verify, load, profile, explain."""


if __name__ == "__main__":
    sys.exit(main())
