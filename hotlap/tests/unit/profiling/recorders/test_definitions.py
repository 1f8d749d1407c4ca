"""The lines of Python's functions, for perf, which knows their names and files."""

from __future__ import annotations

from pathlib import Path

from hotlap._engine import Stacks
from hotlap.profiling.recorders import pyframes
from hotlap.profiling.recorders.definitions import first_lines

SOURCE = """\
import functools


def outer(values):
    def inner():
        return (value for value in values)

    return inner


class Shop:
    @property
    @functools.cache
    def total(self):
        return lambda: 1


if functools:
    def twice(): ...
else:
    def twice(): ...
"""


def test_each_function_has_the_line_on_which_it_begins(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_text(SOURCE)
    lines = first_lines(str(file))
    assert lines["<module>"] == 1
    assert lines["outer"] == 4
    assert lines["outer.<locals>.inner"] == 5
    assert lines["outer.<locals>.inner.<locals>.<genexpr>"] == 6
    assert lines["Shop.total"] == 12, "the first decorator's, as the interpreter counts"
    assert lines["Shop.total.<locals>.<lambda>"] == 15
    assert "twice" not in lines, "which of the two it was is not known"


def test_of_what_is_no_source_nothing_is_known(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_bytes(b"def broken(:\n")
    nul = tmp_path / "nul.py"
    nul.write_bytes(b"x = 1\0")
    for file in (broken, nul, tmp_path / "missing.py", tmp_path, Path("<string>")):
        assert first_lines(str(file)) == {}


def test_perfs_python_frames_get_lines_and_keep_their_counts(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_text(SOURCE)
    known, unknown = f"py::outer.<locals>.inner:{file}", f"py::elsewhere:{tmp_path / 'missing.py'}"
    recorded = Stacks.from_counts(
        [(["main (app)", known, "malloc (libc.so.6)"], 5), (["main (app)", unknown], 2), ([known], 1)]
    )
    lined = pyframes.with_lines(recorded, {})
    assert lined.total == recorded.total == 8
    assert set(lined.texts()) == {
        *("main (app)", "malloc (libc.so.6)", unknown),
        f"outer.<locals>.inner ({file}:5)",
    }
    difference = recorded.clean().diff(lined.clean())
    assert all(one.total_a == one.total_b for one in difference.top(50))
