"""The forms in which stacks are written: a function for each, by its name on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from hotlap._engine import Stacks
from hotlap.files import write_whole


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """What an export says of itself."""

    title: str
    subtitle: str
    unit: str


def _svg(stacks: Stacks, path: Path, labels: Labels) -> None:
    write_whole(path, stacks.svg(labels.title, subtitle=labels.subtitle, unit=labels.unit))


def _collapsed(stacks: Stacks, path: Path, labels: Labels) -> None:
    write_whole(path, stacks.collapsed())


def _speedscope(stacks: Stacks, path: Path, labels: Labels) -> None:
    write_whole(path, stacks.speedscope(labels.title, unit=labels.unit))


def _pprof(stacks: Stacks, path: Path, labels: Labels) -> None:
    write_whole(path, stacks.pprof(labels.title, unit=labels.unit))


EXPORTS: dict[str, Callable[[Stacks, Path, Labels], None]] = {
    "svg": _svg,
    "collapsed": _collapsed,
    "speedscope": _speedscope,
    "pprof": _pprof,
}
"""Writes cleaned stacks into a file."""
