"""Which recorder a mode gets."""

from __future__ import annotations

import pytest

from hotlap.profiling.recorders import PROFILERS, ProfileError, recorder


def test_every_mode_has_a_recorder_and_others_are_refused() -> None:
    for modes in PROFILERS.values():
        for mode in modes:
            assert recorder(mode, None) is not None
    with pytest.raises(
        ProfileError, match="perf does not record memory; that mode can be had from: allocations"
    ):
        recorder("memory", "perf")
