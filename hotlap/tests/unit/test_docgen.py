"""The reference and the shipped schema are what the code says."""

from __future__ import annotations

import json
from importlib.resources import files

from places import ROOT

from hotlap import docgen as reference
from hotlap.experiment.toml import schema

DOCS = ROOT / "docs" / "reference"


def test_the_reference_is_up_to_date() -> None:
    assert reference.main([str(DOCS), "--check"]) == 0, "make it anew with: make docs"


def test_the_schema_is_shipped() -> None:
    assert json.loads(files("hotlap").joinpath("experiment.schema.json").read_text()) == json.loads(
        json.dumps(schema())
    )


def test_each_key_and_rule_says_what_it_means() -> None:
    for page in (reference.keys(), reference.rule_list()):
        rows = [line for line in page.splitlines() if line.startswith("| `")]
        assert rows
        assert [row for row in rows if row.rstrip().endswith("|  |")] == []
