"""The jitdump that the lab writes for Python 3.12. That perf unwinds with it is tested on the service."""

from __future__ import annotations

import struct

from hotlap._engine import Stacks
from hotlap.profiling.recorders import jitdump, pyframes

MAP = """\
7f00000b b py::outer.<locals>.inner:/app/some shop.py
7f000000 b py::outer:/app/shop.py
7f000100 1c0 something else
7f000016 b
nonsense
7f000021 b py::cut of"""

FIRST, SECOND = "py::outer:/app/shop.py", "py::outer.<locals>.inner:/app/some shop.py"


def test_the_trampolines_of_a_map_are_found_by_address() -> None:
    found = jitdump.runs(MAP)
    assert found == [(0x7F000000, [FIRST, SECOND]), (0x7F000021, ["py::cut of"])]
    run = found[0]
    assert [run.name_at(run.address + at) for at in (0, 6, 10, 11, 17, 21)] == [FIRST] * 3 + [SECOND] * 3
    assert [run.name_at(0x80 + at) for at in (6, 17)] == [FIRST, SECOND]
    assert run.name_at(run.address + 22) is None
    assert run.name_at(0x7F) is None


def test_a_dump_holds_each_run_after_what_unwinds_it() -> None:
    known = jitdump.runs(MAP)
    dump = jitdump.header(77) + jitdump.records(77, known, at_ns=5)
    magic, _, at, *_, pid, _, _ = struct.unpack_from("<IIIIIIQQ", dump)
    assert (magic, pid) == (0x4A695444, 77)
    seen = []
    while at < len(dump):
        kind, size, time_ns = struct.unpack_from("<IIQ", dump, at)
        assert time_ns == 5
        seen.append((kind, dump[at + 16 : at + size]))
        at += size
    assert at == len(dump)
    assert [kind for kind, _ in seen] == [4, 0] * len(known)
    for index, (run, (_, body)) in enumerate(zip(known, seen[1::2], strict=True)):
        owner, _, address, _, code_bytes, number = struct.unpack_from("<IIQQQQ", body)
        assert (owner, address, number) == (77, run.address, index)
        name, code = body[40:].split(b"\0", 1)
        assert name.decode() == jitdump.SYMBOL
        assert code == jitdump.TRAMPOLINE * len(run.names)
        assert len(code) == code_bytes


def test_perfs_one_name_for_all_becomes_each_functions() -> None:
    described = {jitdump.object_name(77, index): run for index, run in enumerate(jitdump.runs(MAP))}
    event = "python 77/77 1.0: 1 cpu-clock: \n"
    calls = ["    1 malloc (/usr/lib/libc.so.6)", "   91 py::trampolines (/tmp/jitted-77-0.so)"]
    calls += ["   86 py::trampolines (/tmp/jitted-77-0.so)", "  186 py::trampolines (/tmp/jitted-9-0.so)"]
    recorded = Stacks.from_bytes((event + "\n".join(calls) + "\n\n").encode(), "perf")
    named = pyframes.with_lines(recorded, described)
    assert named.total == recorded.total == 1
    _, *frames = named.collapsed().rpartition(" ")[0].split(";")
    assert frames[-3:] == [FIRST, SECOND, "malloc (libc.so.6)"]
    assert "trampolines" in frames[-4], "what is not known stays as it is"
