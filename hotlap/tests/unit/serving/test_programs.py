"""What processes are called by what they run."""

from __future__ import annotations

import pytest

from hotlap.serving.programs import title_of


@pytest.mark.parametrize(
    ("name", "line", "title"),
    [
        ("python3.12", "python3.12 -X utf8 manage.py runserver --token secret", "python3.12 manage"),
        ("python", "python -m http.server 80", "python http.server"),
        ("python", "python -c pass", "python"),
        ("python", "python", "python"),
        ("node", "node server.js", "node"),
        ("kworker/0:1", "", "kworker/0:1"),
    ],
)
def test_a_process_is_called_by_what_it_runs(name: str, line: str, title: str) -> None:
    assert title_of(name, line.split()) == title
