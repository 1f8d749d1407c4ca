"""A flow as an experiment that is written has it: found in recorded traffic."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec


class SeenStep(msgspec.Struct, frozen=True, kw_only=True):
    """A request of a flow; its texts are as an experiment has them."""

    name: str
    method: str
    path: str
    headers: dict[str, str] = {}
    body: str | None = None
    status: int = 200
    capture: dict[str, str] = {}
    once: bool = False
    follow: bool = False
    notes: list[str] = []
    """What was made up, or is to be looked at."""


class SeenFlow(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that one user sent one after the other."""

    name: str
    count: int
    """How often it was recorded."""
    steps: list[SeenStep]
    again_on: list[int] = []
    columns: list[str] = []
    rows: list[tuple[str, ...]] = []
    """The values in which its recordings differ."""


Text = Callable[[str], str]
"""Writes a text as TOML."""


def lines(
    flow: SeenFlow,
    prefix: str,
    modes: str,
    file: str,
    *,
    text: Text,
    literal: Text,
    table: Callable[[Mapping[str, str]], str],
) -> list[str]:
    """A scenario with steps, in TOML.

    Args:
        flow: What is written.
        prefix: What comes before each table's name.
        modes: Its profiles.
        file: Where its values are.
        text: Writes a string, likewise ``literal`` a body and ``table`` an inline table.
        literal: See there.
        table: See there.
    """
    times = "once" if flow.count == 1 else f"{flow.count} times"
    made = [
        f"# A flow, recorded {times}: {' → '.join(step.name for step in flow.steps if not step.once)}",
        f"[{prefix}scenarios.{flow.name}]",
    ]
    made += [f"data = {text(file)}"] if flow.columns else []
    if flow.again_on:
        made += [f"again_on = {flow.again_on}  # a user who is answered so logs in again"]
    made += ["load = { users = 8 }", f"profiles = {modes}"]
    for step in flow.steps:
        made += ["", *(f"# {' '.join(note.split())}" for note in step.notes)]
        made += [f"[[{prefix}scenarios.{flow.name}.steps]]", f"name = {text(step.name)}"]
        made += ["once = true  # by each user, when it begins"] if step.once else []
        made += [f"method = {text(step.method)}"] if step.method != "GET" else []
        made += [f"path = {text(step.path)}"]
        made += [f"headers = {table(step.headers)}"] if step.headers else []
        made += [f"body = {literal(step.body)}"] if step.body is not None else []
        made += ["follow = true"] if step.follow else []
        made += [f"expect = {{ status = {step.status} }}"] if step.status != 200 else []
        made += [f"capture = {table(step.capture)}"] if step.capture else []
    return made
