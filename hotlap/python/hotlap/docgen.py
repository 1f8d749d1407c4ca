"""The reference pages and the schemas, generated from the code: ``python -m hotlap.docgen``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import msgspec

from hotlap.analysis.rules import rules
from hotlap.cli import main as hotlap
from hotlap.experiment.toml import schema
from hotlap.files import write_whole
from hotlap.run.result import RunResult

EXPERIMENT_SCHEMA = Path(__file__).with_name("experiment.schema.json")
RUN_SCHEMA = Path(__file__).with_name("run.schema.json")
BLANK = "\n\n"
_MADE = "<!-- Made by `make docs` from the code: change it there. -->\n"
_TABLES = (
    ("ExperimentTable", "The experiment", "[tool.hotlap]"),
    ("ScenarioTable", "A scenario", "[tool.hotlap.scenarios.NAME]"),
    (
        "VariantTable",
        "A variant",
        "[tool.hotlap.variants.NAME] or [tool.hotlap.scenarios.NAME.variants.NAME]",
    ),
    ("MixTable", "A mix", "[tool.hotlap.mixes.NAME]"),
    ("LoadTable", "The load", "[tool.hotlap.scenarios.NAME.load]"),
    ("DataTable", "A file of values", "data of a scenario, as a table"),
    ("ExpectTable", "What must be answered", "[tool.hotlap.scenarios.NAME.expect]"),
    ("StepTable", "A step of a flow", "[[tool.hotlap.scenarios.NAME.steps]]"),
    ("WritesTable", "Requests that write", "[tool.hotlap.scenarios.NAME.writes]"),
)


def commands() -> str:
    """The commands, as they help themselves."""
    lines = ["# Commands\n", _MADE]
    lines.append(
        "Exit code 0 is success, 1 a failed measurement or condition, 2 a usage error. Commands that need an "
        "experiment look for it in this folder and those above it.\n"
    )
    context = click.Context(hotlap, info_name="hotlap")
    for name in hotlap.list_commands(context):
        command = hotlap.get_command(context, name)
        assert command is not None
        within = click.Context(
            command,
            parent=context,
            info_name=name,
            max_content_width=100,
            terminal_width=100,
            help_option_names=["-h", "--help"],
        )
        lines.append(f"## hotlap {name}\n\n```text\n{command.get_help(within)}\n```\n")
    return "\n".join(lines)


def keys() -> str:
    """The experiment's keys, from its schema."""
    lines = ["# The experiment's keys\n", _MADE]
    lines.append(
        "An experiment is a `hotlap.toml`, or the table `[tool.hotlap]` of a `pyproject.toml`; in a `hotlap.toml` "
        "leave out `tool.hotlap`. `hotlap init` writes one. Its JSON Schema is shipped with the package as "
        "`hotlap/experiment.schema.json`.\n"
    )
    parts = msgspec.convert(schema()["$defs"], dict[str, _Form])
    for name, title, place in _TABLES:
        lines.append(
            f"## {title}\n\n`{place}`\n\n| key | value | default | means |\n| --- | --- | --- | --- |"
        )
        lines += [_key(key, form) for key, form in sorted(parts[name].properties.items())]
        lines.append("")
    return "\n".join(lines)


class _Form(msgspec.Struct, frozen=True):
    """As much of a JSON Schema as the reference shows."""

    description: str | None = None
    default: object = None
    type: str | None = None
    ref: str | None = msgspec.field(default=None, name="$ref")
    enum: list[str | float] = []
    any_of: list[_Form] = msgspec.field(default=[], name="anyOf")
    items: _Form | bool | None = None
    prefix_items: list[_Form] = msgspec.field(default=[], name="prefixItems")
    additional: _Form | bool | None = msgspec.field(default=None, name="additionalProperties")
    properties: dict[str, _Form] = {}


def _key(key: str, form: _Form) -> str:
    default = form.default
    shown = "" if default in (None, "", [], {}) else f"`{json.dumps(default, ensure_ascii=False)}`"
    means = next(_descriptions(form), "")
    return f"| `{key}` | {_value(form)} | {shown} | {_cell(means)} |"


def _descriptions(form: _Form) -> Iterator[str]:
    if form.description is not None:
        yield form.description
    for inner in form.any_of:
        yield from _descriptions(inner)


def _value(form: _Form) -> str:
    if form.any_of:
        return " or ".join(dict.fromkeys(_value(one) for one in form.any_of if one.type != "null"))
    if form.enum:
        return ", ".join(f"`{one}`" for one in form.enum)
    if form.ref is not None:
        return f"a table, see {form.ref.rpartition('/')[2].removesuffix('Table').lower()}"
    if form.type == "array":
        inner = form.items if isinstance(form.items, _Form) else next(iter(form.prefix_items), None)
        return f"a list of {_value(inner) or 'values'}" if inner is not None else "a list"
    if form.type == "object":
        values = _value(form.additional) if isinstance(form.additional, _Form) else ""
        return f"a table of {values}" if values else "a table"
    return {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}.get(
        form.type or "", ""
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def rule_list() -> str:
    """The rules: verdicts, doubts and findings."""
    lines = ["# Rules\n", _MADE]
    lines.append(
        "Verdicts, doubts about profiles and findings are all made of these. `void`: the lane's figures are not to "
        "be believed. `doubtful`: with care. `finding`: what the run shows. Each rests on evidence that is in "
        "`run.json`, and says nothing where the evidence does not carry it.\n"
    )
    lines.append("| rule | about | severity | says |\n| --- | --- | --- | --- |")
    lines += [
        f"| `{rule.name}` | {rule.scope} | {rule.severity} | {_cell(rule.doc.partition(BLANK)[0])} |"
        for rule in sorted(rules(), key=lambda one: (one.severity, one.name))
    ]
    return "\n".join(lines) + "\n"


PAGES = {"commands.md": commands, "experiment.md": keys, "rules.md": rule_list}


def schema_text(schema: Mapping[str, object]) -> str:
    """A schema as it is shipped."""
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def run_schema() -> dict[str, object]:
    """The JSON Schema of ``run.json``."""
    made = msgspec.json.schema(RunResult)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "hotlap run", **made}


def main(arguments: list[str] | None = None) -> int:
    """Write the pages into a folder, and the schemas into the package; with ``--check`` only say what is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    made = {given.folder / name: page() for name, page in PAGES.items()} | {
        EXPERIMENT_SCHEMA: schema_text(schema()),
        RUN_SCHEMA: schema_text(run_schema()),
    }
    stale = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    if given.check:
        for path in stale:
            print(f"stale: {path}", file=sys.stderr)
        return 1 if stale else 0
    given.folder.mkdir(parents=True, exist_ok=True)
    for path in stale:
        write_whole(path, made[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
