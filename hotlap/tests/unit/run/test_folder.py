"""A run's folder belongs to one run at a time, which clears away what a killed one had not finished."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotlap.files import UNFINISHED
from hotlap.run.folder import FolderInUseError, RunFolder


def test_what_a_killed_run_had_not_finished_is_removed(tmp_path: Path) -> None:
    (tmp_path / "histograms").mkdir()
    unfinished = [tmp_path / f"{UNFINISHED}0123", tmp_path / "histograms" / f"{UNFINISHED}4567"]
    kept = [tmp_path / "run.json", tmp_path / "histograms" / "a-b-measure-0.hgrm"]
    for file in (*unfinished, *kept):
        file.write_text("{}")
    with RunFolder(tmp_path).owned():
        assert [file.exists() for file in (*unfinished, *kept)] == [False, False, True, True]


def test_what_another_run_is_writing_is_left_alone(tmp_path: Path) -> None:
    with RunFolder(tmp_path).owned():
        (tmp_path / f"{UNFINISHED}0123").write_text("half")
        with pytest.raises(FolderInUseError), RunFolder(tmp_path).owned():
            pass
        assert (tmp_path / f"{UNFINISHED}0123").exists()
