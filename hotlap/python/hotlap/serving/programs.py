"""What a command line runs: pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

_PYTHON = re.compile(r"(python|pypy)[\d.]*t?d?")
TAKES_A_WORD = ("-W", "-X", "--check-hash-based-pycs")
"""Options of the interpreter whose value may be the next word."""


def is_python(program: str) -> bool:
    """Whether a program of that name is an interpreter of Python."""
    return _PYTHON.fullmatch(program) is not None


def program_of(words: Sequence[str]) -> tuple[str, list[str]]:
    """The module or script that an interpreter runs, by its name, and its words.

    Args:
        words: The interpreter's arguments.

    Returns:
        No name where it is ``-c``, or nothing.
    """
    at = 0
    while at < len(words) and words[at].startswith("-"):
        if words[at] == "-m" and at + 1 < len(words):
            return words[at + 1].removesuffix(".__main__"), list(words[at + 2 :])
        if words[at] == "-c":
            return "", []
        at += 2 if words[at] in TAKES_A_WORD else 1
    if at == len(words):
        return "", []
    return PurePath(words[at]).name.removesuffix(".py"), list(words[at + 1 :])


def title_of(name: str, words: Sequence[str]) -> str:
    """What a process is called: its name, and of Python what it runs. Other words may hold secrets."""
    runs = program_of(words[1:])[0] if is_python(name) else ""
    return f"{name} {runs}" if runs else name
