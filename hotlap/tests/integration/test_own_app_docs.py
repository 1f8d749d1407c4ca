"""The page on one's own app: its shop is measured as it is written, and as ``hotlap init`` writes it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from tutorials import asked, write_files

from hotlap.analysis import judge
from hotlap.analysis.judged import JudgedLane

WHO = {**os.environ, "USERNAME": "load", "PASSWORD": "open sesame"}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    assert write_files("own-app.md", tmp_path) == {"shop.py", "reset_data.py", "hotlap.toml"}
    return tmp_path


def measured(folder: Path) -> list[JudgedLane]:
    done = asked(folder, "hotlap", "run", "--out", "run", "--time", "1", "--profiles", "none", env=WHO)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "open sesame" not in (folder / "run" / "run.json").read_text()
    return list(judge.read(folder / "run").lanes)


def test_users_log_in_use_ids_and_send_each_body_once(shop: Path) -> None:
    (lane,) = measured(shop)
    for trial in lane.trials:
        seen = trial.evidence
        assert (seen.failures, seen.flows["order/app"].failures) == (0, 0)
        assert seen.flows["order/app"].requests > 0
        assert {"order", "look"} <= set(seen.by_name)


def test_the_flow_that_init_writes_is_measured_with_the_comments_taken_away(shop: Path) -> None:
    (shop / "hotlap.toml").unlink()
    done = asked(shop, "hotlap", "init", env=WHO)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "GET /orders: it answers 401" in done.stdout
    text = (shop / "hotlap.toml").read_text()
    (comment,) = re.findall(
        r"^# Left out: it answers 401.*\n((?:#.*\n)*?# \[scenarios\.orders\]\n(?:#.*\n)*)", text, re.MULTILINE
    )
    opened = "".join(line.removeprefix("#").removeprefix(" ") for line in comment.splitlines(keepends=True))
    (shop / "hotlap.toml").write_text(text.replace(comment, opened))
    (lane,) = measured(shop)
    assert lane.evidence.scenario == "orders"
    assert [trial.evidence.failures for trial in lane.trials] == [0] * len(lane.trials)
    assert lane.evidence.verified is not None
    assert [step.status for step in lane.evidence.verified.steps or []] == [200, 200]
