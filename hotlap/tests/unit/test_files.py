"""Files are written whole, beside whatever is there; places are tried before they are needed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from hotlap.cli import main
from hotlap.files import append, copy_folder, try_file, try_folder, write_whole
from hotlap.run import result
from hotlap.run.result import RunResult
from hotlap.usage import LabError


def test_a_file_is_replaced_and_no_link_is_followed(tmp_path: Path) -> None:
    target, other = tmp_path / "page.html", tmp_path / "other"
    other.write_text("precious")
    target.symlink_to(other)
    for name in ("page.html.part", ".page.html.part"):
        (tmp_path / name).symlink_to(other)
    write_whole(target, "new")
    assert (target.read_text(), other.read_text(), target.is_symlink()) == ("new", "precious", False)
    mask = os.umask(0)
    os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask


def test_what_was_there_survives_a_write_that_fails(tmp_path: Path) -> None:
    target = tmp_path / "run.json"
    target.mkdir()
    with pytest.raises(OSError, match=r"run\.json"):
        write_whole(target, "new")
    assert list(tmp_path.iterdir()) == [target]


def test_places_are_tried_and_left_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("kept")
    try_file(file)
    try_file(tmp_path / "new")
    try_folder(tmp_path / "a" / "b")
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["file"]
    assert file.read_text() == "kept"
    for nowhere in (file / "below", tmp_path / "missing" / "file", tmp_path):
        with pytest.raises(OSError):  # noqa: PT011  # which one depends on the place
            try_file(nowhere)
    with pytest.raises(OSError, match="file"):
        try_folder(file / "below")


def test_reports_do_not_write_through_links(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("as it was")
    run = tmp_path / "run"
    run.mkdir()
    for name in ("run.json.part", "report.html.part", "report.html"):
        (run / name).symlink_to(precious)
    result.write(RunResult(created="2026-01-01T00:00:00+00:00"), run)
    done = CliRunner().invoke(main, ["report", str(run)])
    assert done.exit_code == 0, done.output
    assert precious.read_text() == "as it was"


EXPERIMENT = """\
command = "python -m http.server {port}"
[scenarios.one]
path = "/"
"""


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--time", "nan"),
        ("swarm", "one/app", "--users", "100000000"),
        ("swarm", "one/app", "--rate", "inf"),
        ("swarm", "one/app", "--wait", "nan"),
        ("capacity", "one/app", "--slo", "p99 < 1 ms", "--highest", "inf"),
    ],
)
def test_numbers_without_bounds_are_refused(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hotlap.toml").write_text(EXPERIMENT)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, list(words))
    assert done.exit_code == 2, done.output
    assert f"'{words[-2]}'" in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "--quick", "--out", "file/below"), "Not a directory"),
        (("capacity", "one/app", "--slo", "p99 < 1 ms", "--out", "file/below"), "Not a directory"),
        (("swarm", "one/app", "--headless", "--json", "missing/out.json"), "No such file or directory"),
        (("flame", "one/app", "-o", "missing/flame.svg"), "No such file or directory"),
        (("diff", "one/app", "one/app", "-o", "file/below.svg"), "Not a directory"),
    ],
)
def test_a_place_that_takes_no_file_is_said_before_anything_is_started(
    words: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hotlap.toml").write_text(EXPERIMENT)
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, list(words))
    assert done.exit_code == 1, done.output
    assert told in done.output
    assert "Traceback" not in done.output


def test_what_is_no_file_is_written_to_and_stays_what_it_is(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        for place in (pipe, link):
            try_file(place)
            write_whole(place, "new")
            assert os.read(reader, 10) == b"new"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert link.is_symlink()
    null = Path(os.devnull)
    try_file(null)
    write_whole(null, "gone")
    assert null.is_char_device()


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text("old")
    file.chmod(0o640)
    write_whole(file, "new")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o640)


@pytest.mark.parametrize("name", ["missing/file", "file/below", "x" * 300])
def test_what_cannot_be_written_is_named_as_it_was_asked_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("kept")
    for write in (lambda path: write_whole(path, "new"), lambda path: append(path, "new"), try_file):
        if write is try_file and len(name) > 255:
            continue  # Only the file itself could tell.
        with pytest.raises(OSError) as caught:  # noqa: PT011  # which one depends on the place
            write(tmp_path / name)
        assert caught.value.filename == str(tmp_path / name)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file"]


def test_a_folder_that_cannot_be_copied_names_where_it_should_go(tmp_path: Path) -> None:
    (tmp_path / "from" / "a").mkdir(parents=True)
    (tmp_path / "from" / "a" / "b").write_text("b")
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "a").write_text("in the way")
    with pytest.raises(OSError, match="a") as caught:
        copy_folder(tmp_path / "from", tmp_path / "to")
    assert caught.value.filename == str(tmp_path / "to")
    (tmp_path / "to" / "a").unlink()
    copy_folder(tmp_path / "from", tmp_path / "to")
    assert (tmp_path / "to" / "a" / "b").read_text() == "b"


def test_a_full_standard_output_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result.write(RunResult(created="2026-01-01T00:00:00+00:00"), tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("hotlap.commands.report.click.echo", full)
    with pytest.raises(LabError, match="the output: No space left on device; make room there"):
        main.main(["report", str(tmp_path)], standalone_mode=False)
