"""What each process of a server is for: which of them serve, and which only look after those.

A process that has accepted a connection serves. What started it supervises, the supervisor's other children that
listen serve as well, and what a process that serves has started itself works for it.
"""

from __future__ import annotations

import contextlib
import enum
import re
import socket
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import psutil

_TRACKER = re.compile(r"\bmultiprocessing\.(resource_tracker|semaphore_tracker|forkserver) import main\b")
_ACCEPT_TIMEOUT_S = 2.0
_POLL_S = 0.01
_NEAR = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where one connects to what listens on all addresses."""


class Role(enum.Enum):
    """What a process of a server is for."""

    WORKER = "worker"
    """It answers requests."""
    HELPER = "helper"
    """Its work is the app's, but it answers nobody (yet): most often a worker's pool of processes."""
    SUPERVISOR = "supervisor"
    """It starts workers and looks after them."""
    TRACKER = "tracker"
    """Of multiprocessing's own: it clears up what processes leave behind, or forks others."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What tells the role of a process."""

    pid: int
    parent: int
    command: str = ""
    listens: bool = False
    accepted: bool = False
    """Whether it holds a connection to a port that the server listens on."""


def is_tracker(command: str) -> bool:
    """Whether a process that was started so is multiprocessing's own."""
    return _TRACKER.search(command) is not None


def roles(seen: Sequence[Seen]) -> dict[int, Role]:
    """The role of each process of a server: pure.

    Args:
        seen: The processes, each after its parent; the first is the one that was started.
    """
    if not seen:
        return {}
    known = {one.pid: one for one in seen}

    def above(one: Seen) -> list[Seen]:
        found = []
        while (parent := known.get(one.parent)) is not None:
            found.append(parent)
            one = parent
        return found

    serving = [one for one in seen if one.accepted] or _listening_last(seen)
    # A child that was forked holds what its parent has accepted.
    serving = [one for one in serving if not any(other in serving for other in above(one))] or [seen[0]]
    parents = {one.parent for one in serving if one.parent in known}
    workers = {one.pid for one in serving} | {
        one.pid for one in seen if one.parent in parents and one.listens and not is_tracker(one.command)
    }
    supervisors = {up.pid for one in seen if one.pid in workers for up in above(one)}
    found = {}
    for one in seen:
        if one.pid in workers:
            role = Role.WORKER
        elif one.pid in supervisors:
            role = Role.SUPERVISOR
        elif any(up.pid in workers for up in above(one)):
            role = Role.HELPER
        elif any(is_tracker(up.command) for up in (one, *above(one))):
            role = Role.TRACKER
        else:
            # A worker that has just been started, or something else beside the workers.
            role = Role.WORKER if one.listens else Role.HELPER
        found[one.pid] = role
    return found


def _listening_last(seen: Sequence[Seen]) -> list[Seen]:
    """Those that listen and have no child that does: the likeliest to serve, where none has accepted anything."""
    listening = [one for one in seen if one.listens]
    parents = {one.parent for one in listening}
    return [one for one in listening if one.pid not in parents]


def look(processes: Sequence[psutil.Process]) -> tuple[list[Seen], list[tuple[str, int]]]:
    """What the processes of a server tell now, and the addresses that they listen on.

    Processes that end meanwhile are left out.
    """
    found: list[tuple[psutil.Process, int, str, list[Any]]] = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            ends = [one for one in process.net_connections("tcp") if one.laddr]
            found.append((process, process.ppid(), " ".join(process.cmdline()), ends))
    addresses = {
        (one.laddr.ip, one.laddr.port): None
        for *_, ends in found
        for one in ends
        if one.status == psutil.CONN_LISTEN
    }
    ports = {port for _, port in addresses}
    seen = [
        Seen(
            pid=process.pid,
            parent=parent,
            command=command,
            listens=any(one.status == psutil.CONN_LISTEN for one in ends),
            accepted=any(one.laddr.port in ports and one.status != psutil.CONN_LISTEN for one in ends),
        )
        for process, parent, command, ends in found
    ]
    return seen, list(addresses)


def look_closely(processes: Sequence[psutil.Process]) -> list[Seen]:
    """The same of a server that need not have any connection: one is made, and closed again once it was accepted."""
    seen, addresses = look(processes)
    # Of a process alone nothing is left to tell.
    if len(seen) < 2 or any(one.accepted for one in seen):
        return seen
    for host, port in addresses:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((_NEAR.get(host, host), port), _ACCEPT_TIMEOUT_S),
        ):
            until_s = time.monotonic() + _ACCEPT_TIMEOUT_S
            while not any(one.accepted for one in seen) and time.monotonic() < until_s:
                time.sleep(_POLL_S)
                seen, _ = look(processes)
        if any(one.accepted for one in seen):
            break
    return seen
