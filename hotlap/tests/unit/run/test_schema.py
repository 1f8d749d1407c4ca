"""The form of ``run.json``: what is written fits the schema that is shipped, and the first schema is still read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import made_run
import pytest
from places import RUNS

from hotlap.analysis.judge import judge
from hotlap.docgen import RUN_SCHEMA
from hotlap.evidence.profile import WaitKind, WorkKind
from hotlap.run import result

FIRST = RUNS / "schema1.json"


def test_what_is_written_fits_the_schema_that_is_shipped(tmp_path: Path) -> None:
    made_run.write(tmp_path)
    schema = json.loads(RUN_SCHEMA.read_text())
    jsonschema.validate(json.loads((tmp_path / "run.json").read_text()), schema)


def test_a_run_of_the_first_schema_is_judged_as_it_was() -> None:
    old: dict[str, Any] = json.loads(FIRST.read_text())
    run = judge(result.read(FIRST))
    assert [one.name for one in run.findings] == [one["name"] for one in old["findings"]]
    assert len(run.findings) >= 5
    for lane, before in zip(run.lanes, old["lanes"], strict=True):
        assert lane.verdict.status == before["verdict"]["status"]
        assert [one.name for one in lane.verdict.rules] == [one["name"] for one in before["verdict"]["rules"]]
        assert [one.limited_by for one in lane.trials] == [one["limited_by"] for one in before["loads"]]
        assert [one.slowdown for one in lane.profiles] == [
            pytest.approx(one["slowdown"]) if one["slowdown"] is not None else None
            for one in before["profiles"]
        ]
        assert lane.trials[0].evidence.rps == before["loads"][0]["rps"]
        assert lane.evidence.verified is not None
        assert lane.evidence.verified.sha256 == before["verified"]["sha256"]


def test_a_run_of_the_first_schema_is_written_in_the_second(tmp_path: Path) -> None:
    run = result.read(FIRST)
    result.write(run, tmp_path)
    assert result.read(tmp_path) == run
    assert json.loads((tmp_path / "run.json").read_text())["schema"] == result.SCHEMA
    kinds = {
        wait.kind for lane in run.lanes for one in lane.profiles if one.tasks for wait in one.tasks.waits
    }
    assert {WaitKind.LOCK, WaitKind.THREAD_POOL} <= kinds
    work = {
        share.kind
        for lane in run.lanes
        for one in lane.profiles
        if one.attribution
        for share in one.attribution.kinds
    }
    assert WorkKind.ALLOCATION in work


@pytest.mark.parametrize("schema", [0, 3])
def test_a_schema_that_is_not_known_is_refused(tmp_path: Path, schema: int) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"schema": schema, "created": ""}))
    with pytest.raises(result.ResultError, match=f"has schema {schema}; this hotlap reads 1 and 2"):
        result.read(tmp_path)
