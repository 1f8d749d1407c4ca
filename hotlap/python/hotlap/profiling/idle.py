"""What py-spy counts as running though it waits: known reads that block, and processes that serve nobody.

py-spy asks the system which threads run. Each of its looks stops them all, and on a busy machine one that waited in a
read is still about to wait again when the next look comes: it seems to run. The recording keeps what was seen; stacks
for a reader are without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from hotlap._engine import Stacks
from hotlap.evidence.profile import Apart, ApartKind
from hotlap.serving.roles import Role, is_tracker

_PYTHON = re.compile(r"(?P<name>.*) \((?P<file>[^()]*\.py|<[^()]*>):\d+\)$")
_NATIVE = re.compile(r"(?P<name>.*?)(?: \((?P<place>.*)\))?$")
_PROCESS = re.compile(r'process (?P<pid>\d+):"(?P<command>.*)"$', re.DOTALL)

_HEADING = re.compile(r'process \d+:"|thread \(')
_BLOCKING = re.compile(
    r"_*(read|readv|recv|recvfrom|recvmsg|recvmmsg|accept|accept4|wait4|waitpid|waitid|poll|ppoll|select|pselect|"
    r"epoll_p?wait2?|nanosleep|clock_nanosleep)(@.*)?"
)
"""What the C library calls the calls that wait for others."""
_DOOR = re.compile(r"_*(os|posix|sock|socket|select|time|internal|Py)_?\w*|pysleep|cfunction\w*|method\w*")
"""The interpreter's own functions between Python and such a call; those of files are not among them."""
_LIBC_INSIDE = re.compile(r"0x[0-9a-f]+ \(\S*/libc[.-]\S*\)$")
_WAITS_FROM = 2
"""So many frames of the C library's insides right below the interpreter are its mutex, taken anew after a wait: what
else the interpreter calls there has a name."""
_NEVER_BLOCK = ("/asyncio/", "/gevent/", "/eventlet/", "/trio/", "/curio/", "/tornado/", "/twisted/")
"""Whose sockets are asked only once they have something: what such a read takes is work."""
_WAITING: tuple[tuple[str, frozenset[str]], ...] = (
    ("multiprocessing/connection.py", frozenset({"_recv", "_poll", "poll", "wait", "accept"})),
    ("multiprocessing/resource_tracker.py", frozenset({"main"})),
    ("multiprocessing/forkserver.py", frozenset({"main"})),
    ("multiprocessing/popen_fork.py", frozenset({"poll", "wait"})),
    ("multiprocessing/popen_spawn_posix.py", frozenset({"poll", "wait"})),
    ("concurrent/futures/thread.py", frozenset({"_worker"})),
    ("selectors.py", frozenset({"select"})),
    ("socket.py", frozenset({"accept", "readinto"})),
    ("socketserver.py", frozenset({"serve_forever"})),
    ("subprocess.py", frozenset({"_try_wait"})),
    ("threading.py", frozenset({"wait", "join", "_wait_for_tstate_lock"})),
    ("uvicorn/supervisors/multiprocess.py", frozenset({"pong", "always_pong", "keep_subprocess_alive"})),
    ("uvicorn/supervisors/basereload.py", frozenset({"run", "pause"})),
    ("gunicorn/arbiter.py", frozenset({"sleep", "wait_for_signals"})),
    ("gunicorn/workers/sync.py", frozenset({"wait", "accept"})),
    ("granian/server/common.py", frozenset({"serve", "_serve_loop"})),
)
"""Functions of Python that wait wherever they are innermost, by the end of their file: where native frames are missing."""


class Told(msgspec.Struct, frozen=True):
    """Stacks of what runs and serves, and what was left out of them."""

    stacks: Stacks
    waiting: int
    """The value of known waits, of all processes."""
    apart: list[Apart]


def told_apart(stacks: Stacks, roles: Mapping[int, Role]) -> Told:
    """Take what is known to wait, and what serves nobody, out of a recording of threads that run.

    Args:
        stacks: As py-spy records them, with its headings.
        roles: What each process is for, by its id; one that is not known counts as a worker's.
    """
    kept: list[tuple[list[str], int]] = []
    others: dict[ApartKind, list[tuple[list[str], int]]] = {}
    seen: dict[ApartKind, set[str]] = {}
    waiting = 0
    for line in stacks.collapsed().splitlines():
        joined, _, count = line.rpartition(" ")
        if not joined:
            continue
        frames, value = joined.split(";"), int(count)
        kind, process = _apart(frames, roles)
        if waits(frames):
            waiting += value
        elif kind is None:
            kept.append((frames, value))
        else:
            others.setdefault(kind, []).append((frames, value))
            seen.setdefault(kind, set()).add(process)
    apart = []
    for kind in ApartKind:
        cleaned = Stacks.from_counts(others[kind]).clean() if kind in others else None
        waiting += cleaned.waiting if cleaned is not None else 0
        if cleaned is not None and cleaned.total:
            apart.append(Apart(kind=kind, samples=cleaned.total, processes=len(seen[kind])))
    return Told(Stacks.from_counts(kept), waiting, apart)


def _apart(frames: Sequence[str], roles: Mapping[int, Role]) -> tuple[ApartKind | None, str]:
    """What the process of a stack is instead of a worker, and the process: the innermost that the stack names."""
    own = None
    for frame in frames:
        found = _PROCESS.match(frame)
        if found is None:
            break
        own = found
    if own is None:
        return None, ""
    role = roles.get(int(own["pid"]))
    if role is Role.TRACKER or (role is None and is_tracker(own["command"])):
        return ApartKind.TRACKER, own["pid"]
    return (ApartKind.SUPERVISOR if role is Role.SUPERVISOR else None), own["pid"]


def waits(frames: Sequence[str]) -> bool:
    """Whether a stack, the outermost frame first, ends where it is known to wait."""
    native: list[str] = []
    for frame in reversed(frames):
        found = _PYTHON.match(frame)
        if found is not None:
            return _waits_below(found["name"], found["file"], native)
        native.append(frame)
    # Of a native thread that is between two calls of Python there is not a frame where native ones are not recorded.
    return all(_HEADING.match(frame) for frame in native)


def _waits_below(name: str, file: str, native: Sequence[str]) -> bool:
    """Whether a Python function that calls these native ones, the innermost first, waits."""
    if not native:
        short = name.rpartition(".")[2]
        return any(short in functions and file.endswith(end) for end, functions in _WAITING)
    inside = next((at for at, frame in enumerate(native) if _LIBC_INSIDE.match(frame) is None), len(native))
    names = [found["name"] for frame in native[inside:] if (found := _NATIVE.match(frame)) is not None]
    if not all(one.startswith("0x") or _DOOR.fullmatch(one) for one in names[1:]):
        return False
    if inside >= _WAITS_FROM and (not names or _DOOR.fullmatch(names[0]) is not None):
        return True
    if not names or any(part in file for part in _NEVER_BLOCK):
        return False
    return _BLOCKING.fullmatch(names[0]) is not None
