"""The lines on which the functions of a source file begin, for recorders that tell names only."""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from types import CodeType


@lru_cache(maxsize=512)
def first_lines(file: str) -> dict[str, int]:
    """Where each function of a file begins, by its qualified name, as the interpreter counts: with its decorators.

    A name that is defined on several lines is left out: a recorder cannot tell which it was. Of a file that
    cannot be read or is not Python's nothing is known.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(Path(file).read_bytes(), file, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, set[int]] = {}
    left = [code]
    while left:
        one = left.pop()
        found.setdefault(one.co_qualname, set()).add(one.co_firstlineno)
        left += [part for part in one.co_consts if isinstance(part, CodeType)]
    return {name: lines.pop() for name, lines in found.items() if len(lines) == 1}
