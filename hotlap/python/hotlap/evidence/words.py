"""What a profile has to say of its own recording, in words: for graphs and pages alike."""

from __future__ import annotations

from hotlap.evidence.profile import OffCpuTimes, Profile, PythonFrames

PYTHON_FRAMES = {
    PythonFrames.MISSING: (
        "Python frames are missing",
        "an interpreter names them for perf from 3.12 on, and whole stacks of them from 3.13 on, when it is "
        "started for it; py-spy has them on any",
    ),
    PythonFrames.INNERMOST: (
        "Python stacks are cut off",
        "of each stack only the innermost Python function shows, since perf cannot unwind the trampolines of "
        "Python 3.12 in a server that runs already; one that hotlap starts gives whole stacks, and so do 3.13 "
        "and py-spy",
    ),
}
"""In short, and in full; whole stacks need no words."""


def throughout(times: OffCpuTimes) -> str | None:
    """What was left out of the graph of time off the processor; ``None``: nothing."""
    if times.throughout_svg is None:
        return None
    return (
        f"left out of the graph: {times.throughout_us / 1e6:.1f} s of threads that were blocked throughout, "
        f"drawn in {times.throughout_svg}"
    )


def short_notes(python_frames: PythonFrames | None, off_cpu: OffCpuTimes | None) -> list[str]:
    """What a graph says of itself besides its figures."""
    notes = [PYTHON_FRAMES[python_frames][0]] if python_frames in PYTHON_FRAMES else []
    left_out = throughout(off_cpu) if off_cpu is not None else None
    return [*notes, left_out] if left_out else notes


def notes(profile: Profile) -> list[str]:
    """What a page says of a profile besides its figures, in whole sentences."""
    frames = profile.python_frames
    found = [": ".join(PYTHON_FRAMES[frames])] if frames in PYTHON_FRAMES else []
    left_out = throughout(profile.off_cpu) if profile.off_cpu is not None else None
    return [*found, left_out] if left_out else found
