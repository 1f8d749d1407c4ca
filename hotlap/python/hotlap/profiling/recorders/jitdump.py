"""Perf's jitdump for Python 3.12, which writes down the names of its trampolines but not how to unwind them.

The format is that of ``tools/perf/Documentation/jitdump-specification.txt`` in Linux; what unwinds is an
``.eh_frame`` as the Linux Standard Base has it. Trampolines lie wall to wall, with no room for a description of
each between them: all of a run are one piece of code to perf, and an address within tells which it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

TRAMPOLINE = bytes.fromhex("4883ec08 ffd1 4883c408 c3")
"""``sub $8, %rsp; call *%rcx; add $8, %rsp; ret``: what CPython 3.12 calls each function through, on x86-64."""

SYMBOL = "py::trampolines"
"""What perf calls a run."""

_LOAD, _UNWINDING = 0, 4
_MAGIC, _VERSION, _X86_64 = 0x4A695444, 1, 62
_TEXT_OFFSET = 0x80
"""Where perf puts the code in the libraries that it makes."""


class Run(NamedTuple):
    """Trampolines wall to wall: where the first is, and the names of the functions that they call."""

    address: int
    names: list[str]

    def name_at(self, address: int) -> str | None:
        """Whose trampoline is there; ``address`` in the process, or in perf's library."""
        begin = self.address if address >= self.address else _TEXT_OFFSET
        index = (address - begin) // len(TRAMPOLINE)
        return self.names[index] if 0 <= index < len(self.names) else None


def runs(perf_map: str) -> list[Run]:
    """What an interpreter's ``perf-PID.map`` tells of the trampolines above: lines of address, size and name."""
    known = {}
    for line in perf_map.splitlines():
        address, _, rest = line.partition(" ")
        size, _, name = rest.partition(" ")
        try:
            if int(size, 16) == len(TRAMPOLINE) and name:
                known[int(address, 16)] = name
        except ValueError:
            # The last line may be cut off where the interpreter still buffers.
            continue
    found: list[Run] = []
    for at in sorted(known):
        if not found or at != found[-1].address + len(found[-1].names) * len(TRAMPOLINE):
            found.append(Run(at, []))
        found[-1].names.append(known[at])
    return found


def object_name(pid: int, index: int) -> str:
    """The name of the library that perf makes of a process's run of that index."""
    return f"jitted-{pid}-{index}.so"


def header(pid: int) -> bytes:
    """The beginning of a dump."""
    return struct.pack("<IIIIIIQQ", _MAGIC, _VERSION, 40, _X86_64, 0, pid, 0, 0)


def records(pid: int, known: Iterable[Run], at_ns: int) -> bytes:
    """What follows: for each run how to unwind it, and then what it is.

    Args:
        pid: the process.
        known: its runs.
        at_ns: since when they have been there, on perf's clock (``-k mono``): before the first sample.
    """
    written = bytearray()
    for index, run in enumerate(known):
        code = TRAMPOLINE * len(run.names)
        written += _record(_UNWINDING, at_ns, _unwinding(run.address, len(code)))
        fixed = struct.pack("<IIQQQQ", pid, pid, run.address, run.address, len(code), index)
        written += _record(_LOAD, at_ns, fixed + SYMBOL.encode() + b"\0" + code)
    return bytes(written)


def _record(kind: int, at_ns: int, body: bytes) -> bytes:
    return struct.pack("<IIQ", kind, 16 + len(body), at_ns) + body


def _unwinding(address: int, size: int) -> bytes:
    """How to find the caller of each trampoline of a run; perf puts it behind the code, at a multiple of 8."""
    code_bytes = -(-size // 8) * 8
    # Version 1, augmented by how addresses are written ("zR"); factors of code 1 and of data -8; the caller's
    # address is column 16; addresses are relative and have 4 bytes. The caller's address is 8 below the frame.
    common = struct.pack("<IB3sBbBBB", 0, 1, b"zR\0", 1, 0x78, 16, 1, 0x1B)
    common = _sized(common + bytes([0x0C, 7, 8, 0x90, 1]))
    place = len(common) + 8
    rule = bytes([0x0F, len(frame := _frame(address))]) + frame
    own = _sized(struct.pack("<IiIB", len(common) + 4, -(code_bytes + place), size, 0) + rule)
    # The index: the frames are before it, one of them, and where its code and its description are.
    at = len(common) + len(own)
    index = struct.pack("<BBBBi", 1, 0x1B, 0x03, 0x3B, -(at + 4))
    index += struct.pack("<Iii", 1, -(at + code_bytes), len(common) - at)
    whole = at + len(index)
    body = struct.pack("<QQQ", whole, len(index), -(-whole // 16) * 16) + common + own + index
    return body + bytes(-len(body) % 8)


def _frame(address: int) -> bytes:
    """Where a frame begins, for DWARF's stack machine.

    It is %rsp + 8, and 8 more between the trampoline's first instruction (4 bytes) and its last but one, which ends
    10 bytes in: ``%rsp + 8 + ((r >= 4) & (r < 10)) * 8`` with ``r = (%rip - address) % 11``.
    """
    rest = bytes([0x80, 0, 0x0E]) + struct.pack("<Q", address) + bytes([0x1C, 0x30 + len(TRAMPOLINE), 0x1D])
    within = bytes([0x12, 0x34, 0x2A, 0x16, 0x3A, 0x2D, 0x1A])
    return bytes([0x77, 8]) + rest + within + bytes([0x33, 0x24, 0x22])


def _sized(entry: bytes) -> bytes:
    """An entry with its length before it, filled up to 8 bytes."""
    entry += bytes(-(len(entry) + 4) % 8)
    return struct.pack("<I", len(entry)) + entry
