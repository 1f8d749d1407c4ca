"""Who holds the interpreter, as two recordings see it: pure.

To read native stacks a sampler stops a process, thread by thread. While nobody holds the interpreter, a thread that is
not stopped yet takes it, and is found with it. A recording that stops nobody has no native frames, and not this error.
"""

from __future__ import annotations

import math
import re
from collections import Counter

from hotlap._engine import Stacks
from hotlap.profiling.attribution import lines_of

_PYTHON = re.compile(r"(?P<function>.* \((?:[^()]*\.py|<[^()]*>)):\d+\)$")


def holders(stacks: Stacks) -> Counter[str]:
    """Samples by the innermost function of Python, whatever it calls."""
    found: Counter[str] = Counter()
    for frames, count in lines_of(stacks):
        inner = (match["function"] for frame in reversed(frames) if (match := _PYTHON.match(frame)))
        found[next(inner, "")] += count
    return found


def moved(one: Counter[str], other: Counter[str]) -> float:
    """The share of samples that other functions have in the one than in the other, beyond what chance would do."""
    of_one, of_other = one.total(), other.total()
    if not of_one or not of_other:
        return 0.0
    seen = chance = 0.0
    for name in one.keys() | other.keys():
        seen += abs(one[name] / of_one - other[name] / of_other)
        share = (one[name] + other[name]) / (of_one + of_other)
        # The mean difference of two draws with this share.
        chance += math.sqrt(2 / math.pi * share * (1 - share) * (1 / of_one + 1 / of_other))
    return max(0.0, (seen - chance) / 2)
