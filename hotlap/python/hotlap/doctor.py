"""What works on this machine, and what to do about what does not."""

from __future__ import annotations

from collections.abc import Sequence

from hotlap.experiment import Mode

_NEEDS: dict[Mode, str] = {
    "on-cpu": "py-spy, and the right to trace (root, or CAP_SYS_PTRACE)",
}


def needed(modes: Sequence[Mode]) -> list[str]:
    """What each mode of profiling needs, a line each."""
    return [f"{_NEEDS[mode]}, for {mode}" for mode in modes if mode in _NEEDS]
