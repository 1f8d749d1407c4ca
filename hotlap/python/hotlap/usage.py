"""What the commands share: the exit code of a failed measurement, and types of options."""

from __future__ import annotations

import math
from typing import Any

import click


class LabError(click.ClickException):
    """A measurement or gate that failed: exit code 1. What the user got wrong is ``click.UsageError``: 2."""

    exit_code = 1


class Number(click.FloatRange):
    """A number within its bounds, which ``nan`` is not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not a number", param, ctx)
        return number


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
