"""What py-spy says of its own work, read from its output."""

from __future__ import annotations

from pathlib import Path

from hotlap.profiling.recorders import pyspy

SAID = """\
[2026-01-01T00:00:00Z WARN  py_spy::sampler] Failed to profile python from process 12: {why}
py-spy> Sampling process 100 times a second for 2 seconds. Press Control-C to exit.
py-spy> 1.50s behind in sampling, results may be inaccurate. Try reducing the sampling rate
py-spy> 2.00s behind in sampling, results may be inaccurate. Try reducing the sampling rate
[2026-01-01T00:00:00Z WARN  py_spy] Failed to get stack trace from 13: Failed to merge native and python frames
[2026-01-01T00:00:00Z WARN  py_spy] Failed to get stack trace from 13: Failed to merge native and python frames
[2026-01-01T00:00:00Z WARN  py_spy] Failed to get stack trace from 14: Failed to merge native and python frames
py-spy> Wrote raw flamegraph data to 'x'. Samples: 640 Errors: 3
"""


def test_what_py_spy_says_of_its_looks() -> None:
    found = pyspy._looks(
        SAID.format(why="Failed to merge native and python frames (Have 1 native and 2 python)")
    )
    assert found == pyspy._Looks(samples=640, errors=2, behind_s=2.0, not_followed=frozenset([12]))
    assert not pyspy._looks(SAID.format(why="Failed to find a python interpreter")).not_followed


def test_a_command_of_several_lines_is_one_heading(tmp_path: Path) -> None:
    raw = tmp_path / "raw.txt"
    command = 'process 7:"python -c \nimport time\nprint("a")\nvalue = 2 % 7\n"'
    raw.write_text(
        f"{command};thread (7);f (/a/b.py:3) 5\n"
        f'{command};process 8:"sh";thread (8);g (/a/b.py:4) 6\n'
        'process 9:"python";thread (9);h (/a/b.py:5) 4\n'
    )
    stacks = pyspy.read(raw)
    assert (stacks.total, len(stacks), stacks.skipped) == (15, 3, {})
    assert stacks.under("^f ") == 5 / 15
