"""What evidence has to say of itself, in words: for graphs, pages and terminals alike."""

from __future__ import annotations

from collections.abc import Sequence

from hotlap.evidence.profile import Apart, ApartKind, OffCpuTimes, Profile, PythonFrames
from hotlap.evidence.service import Verified

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


_APART = {
    ApartKind.SUPERVISOR: ("the supervisor", "supervisors"),
    ApartKind.TRACKER: ("multiprocessing's tracker", "multiprocessing's trackers"),
}


def apart(beside: Sequence[Apart]) -> str | None:
    """What was left out of a profile since it serves nobody; ``None``: nothing."""
    if not beside:
        return None
    told = [f"{one.samples:,} of {_APART[one.kind][one.processes > 1]}" for one in beside]
    return f"not in it are samples of processes that serve nobody: {', '.join(told)}"


def short_notes(
    python_frames: PythonFrames | None, off_cpu: OffCpuTimes | None, beside: Sequence[Apart]
) -> list[str]:
    """What a graph says of itself besides its figures."""
    notes = [PYTHON_FRAMES[python_frames][0]] if python_frames in PYTHON_FRAMES else []
    left_out = throughout(off_cpu) if off_cpu is not None else None
    return [*notes, *filter(None, [left_out, apart(beside)])]


def notes(profile: Profile) -> list[str]:
    """What a page says of a profile besides its figures, in whole sentences."""
    frames = profile.python_frames
    found = [": ".join(PYTHON_FRAMES[frames])] if frames in PYTHON_FRAMES else []
    left_out = throughout(profile.off_cpu) if profile.off_cpu is not None else None
    return [*found, *filter(None, [left_out, apart(profile.apart)])]


def held(verified: Verified) -> str:
    """What each answer under load is held against, and why no more is."""
    if verified.parts is not None:
        return "; ".join(f"{name}: {held(part)}" for name, part in verified.parts.items())
    match verified.held:
        case "given":
            return "each answer's status and body are held against what the experiment gives"
        case "expected":
            return (
                "each answer's status is held against what was verified, and its body and headers against what the "
                f"experiment expects in them; not the whole body: {_why(verified)}"
            )
        case "body" if verified.holds_port:
            return "each answer's status and body are held against what was verified, the server's own port put in"
        case "body":
            return "each answer's status and body are held against what was verified"
        case None:
            return "the run does not say what its answers were held against"
    return f"each answer's status alone is held against what was verified: {_why(verified)}"


def _why(verified: Verified) -> str:
    if verified.stream:
        return "of a stream no body is the whole"
    if verified.steps is not None:
        return "the steps of a flow depend on each other"
    if verified.rows is not None:
        return "requests differ"
    if verified.once:
        return "the request is answered so only once, and then refused"
    if verified.varies is None:
        return (
            "the experiment expects any body"
            if verified.constant
            else "one answer does not tell what is constant"
        )
    between = {
        "requests": "from request to request",
        "servers": "between two servers, or with the time",
    }[verified.varies]
    found = verified.difference
    place = (
        f', first after {found.equal_bytes} equal bytes: "{found.one}" and "{found.other}"' if found else ""
    )
    return f"the body differs {between}{place}"
