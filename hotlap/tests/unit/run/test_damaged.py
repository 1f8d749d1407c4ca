"""A ``run.json`` with anything in it: either it is read, or one sentence says what is wrong with it."""

from __future__ import annotations

import gzip
import json
import os
import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from damage import WRONG, filled, places, put, without
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from places import RUNS

from hotlap.analysis import history, judge
from hotlap.analysis.compare import CompareError, compare_runs, compare_variants
from hotlap.analysis.comparison import Side
from hotlap.analysis.gate import hold, parse
from hotlap.cli import main
from hotlap.report import ci_summary, render, render_comparison
from hotlap.report.html.trends import render_history
from hotlap.run import result

SOURCES: dict[str, dict[str, Any]] = {
    "first": json.loads((RUNS / "schema1.json").read_text()),
    "filled": filled(),
}
SIDES = (Side(name="a"), Side(name="b"))
CONDITIONS = [parse(text) for text in ("* p99 > 1.10x", "* failures > 1%", "* cpu > 5us", "* allocated > 1x")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


def use(document: object, folder: Path) -> str | None:
    """Do with a run all that the lab does with one; the sentence that refuses it, or ``None``."""
    run_json = folder / "run.json"
    run_json.write_text(json.dumps(document))
    try:
        run = judge.read(folder)
    except result.ResultError as error:
        return str(error)
    page = render(run, folder)
    # What browsers read there is JSON, which has no infinity. A run without lanes has no charts.
    for charts in re.findall('id="charts-packed">(.*?)</script>', page.read_text("utf-8")):
        unpacked = gzip.decompress(b64decode(charts))
        json.loads(unpacked, parse_constant=lambda name: pytest.fail(f"{name} in a chart"))
    for compared in (
        lambda: compare_runs(run, run, SIDES, force=True),
        lambda: compare_variants(run, run.evidence.settings.baseline, run.evidence.settings.candidate, SIDES),
    ):
        try:
            found = compared()
        except CompareError:
            continue
        ci_summary.markdown(hold(CONDITIONS, run, found), found)
        render_comparison(found, folder / "compare.html")
    judge.write(run, folder)
    render_history(history.read(folder), folder / "index.html")
    # What the lab writes it also reads.
    assert judge.read(folder).judgement() == run.judgement()
    return None


def refused(said: str | None, folder: Path) -> bool:
    """Whether it was refused, and so that a person knows where and what to do."""
    if said is None:
        return False
    assert said.startswith(f"{folder / 'run.json'}")
    assert "\n" not in said
    return True


def damaged(source: dict[str, Any]) -> Iterator[tuple[object, object]]:
    for at in places(source):
        if at:
            yield at, without(source, at)
        for wrong in WRONG:
            yield (at, wrong), put(source, at, wrong)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("every", [61, pytest.param(7, marks=pytest.mark.slow)], ids=["sample", "more"])
def test_each_value_may_be_anything(name: str, every: int, folder: Path) -> None:
    assert use(SOURCES[name], folder) is None
    counts = {True: 0, False: 0}
    for number, (what, document) in enumerate(damaged(SOURCES[name])):
        # A prime: each kind of damage comes to be done somewhere.
        if number % every:
            continue
        try:
            counts[refused(use(document, folder), folder)] += 1
        except Exception as error:
            raise AssertionError(f"{what}: {error!r}") from error
    assert min(counts.values()) > 50


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    name=some.sampled_from(sorted(SOURCES)),
    damage=some.lists(some.tuples(some.integers(0, 10**6), JSON), min_size=1, max_size=4),
)
def test_several_values_may_be_anything(name: str, damage: list[tuple[int, object]], folder: Path) -> None:
    document: Any = SOURCES[name]
    for number, new in damage:
        all_places = list(places(document))[1:]
        if all_places:
            document = put(document, all_places[number % len(all_places)], new)
    refused(use(document, folder), folder)


WHOLE = json.dumps(SOURCES["filled"]).encode()


def spoiled(at: str, new: object) -> bytes:
    path = tuple(int(part) if part.isdigit() else part for part in at.split("."))
    return json.dumps(put(SOURCES["filled"], path, new)).encode()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (WHOLE[:1000], "is cut off, or not JSON"),
        (b"", "is cut off, or not JSON"),
        (bytes(range(256)), "is cut off, or not JSON"),
        (b'{"schema": 2, "x": ' + b"[" * 100_000, "is cut off, or not JSON"),
        (b'{"schema": 2, "created": "\xff"}', "is cut off, or not JSON"),
        (WHOLE.replace(b'"rps": 2.5', b'"rps": NaN', 1), "is cut off, or not JSON"),
        (b"[1]", "expected `object`, got `array`"),
        (b'{"schema": 1, "lanes": [{"loads": [{"facts": 1}]}]}', "lanes[0].loads[0].facts: expected `object"),
        (
            b'{"schema": 1, "created": "", "lanes": [{"scenario": "a", "variant": "b", "path": "/", "loads": [{}]}]}',
            "lanes[0].loads[0]: object missing required field `engine`",
        ),
        (spoiled("created", 1), "created: expected `str`, got `int`"),
        (spoiled("lanes.0.trials.1.requests", -1), "lanes[0].trials[1].requests: expected `int` >= 0"),
        (spoiled("lanes.0.trials.1.requests", 10**30), "lanes[0].trials[1].requests: "),
        (
            spoiled("lanes.0.trials.0.rps", 1e300),
            "lanes[0].trials[0].rps is 1e+300: expected 0, or a figure from",
        ),
        (spoiled("lanes.0.trials.0.slices.0.length_s", 0), "slices[0].length_s: expected `float` > 0"),
        (
            spoiled("lanes.0.trials.0.wait_s", [1]),
            "lanes[0].trials[0].wait_s: expected `array` of length 2",
        ),
        (
            spoiled("lanes.0.locks.name.wait.counts", [1]),
            "lanes[0].locks['name'].wait.counts has 1 values: expected 3",
        ),
        (
            spoiled("lanes.0.locks.name.wait.bounds_s", [1, 1]),
            "lanes[0].locks['name'].wait.bounds_s does not ascend",
        ),
        (spoiled("lanes.0.profiles.0.svg", "\0"), "lanes[0].profiles[0].svg: expected `str` matching"),
        (
            spoiled("lanes.0.profiles.0.mode", "sleeping"),
            "lanes[0].profiles[0].mode: invalid enum value 'sleeping'",
        ),
    ],
)
def test_commands_say_what_is_wrong_with_a_run(content: bytes, told: str, tmp_path: Path) -> None:
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    for each, what in ((broken, content), (whole, WHOLE)):
        each.mkdir()
        (each / "run.json").write_bytes(what)
    (tmp_path / "hotlap.toml").write_text('url = "http://127.0.0.1:1"\n[scenarios.name]\npath = "/"\n')
    for words in (
        ("report", broken),
        ("report", broken / "run.json"),
        ("compare", broken),
        ("compare", whole, broken),
        ("diff", f"{broken}:name/name", f"{whole}:name/name", "-o", tmp_path / "diff.svg"),
        ("run", "--resume", broken),
    ):
        here = Path.cwd()
        os.chdir(tmp_path)
        try:
            done = CliRunner().invoke(main, [str(word) for word in words])
        finally:
            os.chdir(here)
        assert done.exit_code == 2, (words, done.output, done.exception)
        assert f"{broken / 'run.json'}" in done.output
        assert told in done.output
        assert "restore the file from where it came, or measure anew with `hotlap run`" in done.output
    done = CliRunner().invoke(main, ["history", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert told in done.output
    assert sorted(each.name for each in broken.iterdir()) == ["run.json"]


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "folder" / "run.json").mkdir(parents=True)
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "run.json")
    (tmp_path / "nothing").mkdir()
    for name, told in {
        "folder": "run.json is not a file",
        "pipe": "run.json is not a file",
        "nothing": "is not a run: it has no run.json",
    }.items():
        done = CliRunner().invoke(main, ["report", str(tmp_path / name)])
        assert done.exit_code == 2
        assert told in done.output
