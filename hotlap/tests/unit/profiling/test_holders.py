"""Who holds the interpreter, and how much two recordings disagree on it."""

from __future__ import annotations

from collections import Counter

import pytest

from hotlap._engine import Stacks
from hotlap.profiling.holders import holders, moved


def test_a_holder_is_the_innermost_function_of_python() -> None:
    stacks = Stacks.from_bytes(
        b"run (/a/b.py:1);holds (/a/b.py:7);sum (libpython3.12.so) 3\n"
        b"run (/a/b.py:1);holds (/a/b.py:8) 2\n"
        b"start (libpython3.12.so) 1\n"
    )
    assert holders(stacks) == {"holds (/a/b.py": 5, "": 1}


def test_what_chance_does_is_not_moved() -> None:
    assert moved(Counter(holds=97, hashes=3), Counter(holds=50, hashes=0)) < 0.02
    assert moved(Counter(), Counter(holds=3)) == 0.0
    many = Counter({str(number): 1 for number in range(100)})
    assert moved(many, Counter({str(number): 1 for number in range(50, 150)})) < 0.2


def test_what_other_holders_have_is() -> None:
    # As py-spy read a known 100/0.
    assert moved(Counter(holds=660, hashes=250), Counter(holds=450, hashes=5)) == pytest.approx(
        0.27, abs=0.03
    )
