"""A small part of ``make abuse``: the whole of it, and its table, are in docs/reliability.md."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from serving import ROOT
from swarming import until

from hotlap.serving.watcher import owned

sys.path.append(str(ROOT / "scripts"))
from abusing import malformed, tables

pytestmark = pytest.mark.slow


def abuse(*words: str) -> str:
    """The tables of some of it, of which all must be clean."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "abuse", "--seed", "20", *words],
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_malformed_requests_are_no_5xx_and_change_nothing() -> None:
    rows = re.findall(r"^\| (rsgi|asgi) \| 300 \| (\d+) \| (\d+) \| 0 \|", abuse("--requests", "600"), re.M)
    assert [row[0] for row in rows] == ["rsgi", "asgi"]
    # They come as far as the app, and do not all end at its server.
    assert all(int(well) > 20 and int(refused) > 100 for _, well, refused in rows)


def test_runs_that_are_stopped_and_killed_leave_nothing_and_go_on() -> None:
    said = abuse("--stopped", "3", "--killed", "1")
    assert re.search(r"^\| stopped by a signal \| 3 \| 0 \| 0 \| 0 \| 0 \| \d \| 0 \|", said, re.M), said
    assert re.search(r"^\| killed \| 1 \| 0 \| 0 \| 0 \| 0 \| \d \| 0 \|", said, re.M), said


def test_accounts_of_swarms_that_are_stopped_are_exact() -> None:
    said = abuse("--swarms", "3")
    rows = re.findall(r"^\| the s.* \| (\d) \| (\d+) \| 0 \| 0 \| 0 \| 0 \|$", said, re.M)
    assert [row[0] for row in rows] == ["2", "1"]
    assert all(int(started) > 0 for _, started in rows)


def test_malformed_requests_are_of_every_kind_and_the_same_for_a_seed() -> None:
    once, again = (list(malformed.requests(random.Random(7), 400)) for _ in range(2))
    assert once == again
    assert {kind for kind, _ in once} == set(malformed.KINDS)


def test_a_table_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{tables.BEGIN}\n\nold\n\n{tables.END}\n\nafter\n")
    for text in ("new", "newer"):
        tables.write(page, text)
        assert page.read_text() == f"before\n\n{tables.BEGIN}\n\n{text}\n\n{tables.END}\n\nafter\n"
    page.write_text("none")
    with pytest.raises(ValueError, match="has no lines"):
        tables.write(page, "new")


def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path), "ABUSE_TESTED": str(tmp_path)}
    words = [sys.executable, ROOT / "scripts" / "abuse", "--stopped", "1"]
    process = subprocess.Popen(words, env=env, start_new_session=True)
    try:
        until("a run is under way", lambda: len(owned("ABUSE_TESTED", str(tmp_path))) > 3)
        process.terminate()
        assert process.wait(60) == 128 + signal.SIGTERM
        until(
            "nothing is left",
            lambda: not owned("ABUSE_TESTED", str(tmp_path)) and not list(tmp_path.iterdir()),
        )
    finally:
        process.kill()
