"""Stacks as Python sees them: real recordings read, cleaned, compared and exported."""

from __future__ import annotations

import gzip
import json
import sys
import threading
import time
from collections import Counter
from typing import Any

import jsonschema
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st
from places import RECORDINGS, SCHEMAS

from hotlap._engine import OffCpu, Stacks, StacksError


def counts(stacks: Stacks) -> Counter[tuple[str, ...]]:
    """Every stack with its value, by way of the collapsed form."""
    found: Counter[tuple[str, ...]] = Counter()
    for line in stacks.collapsed().splitlines():
        stack, _, value = line.rpartition(" ")
        found[tuple(stack.split(";"))] += int(value)
    return found


@pytest.fixture(scope="module")
def service() -> Stacks:
    """py-spy's recording of ``cpualloc/native`` on the service, cleaned."""
    return Stacks.read(RECORDINGS / "pyspy_service.txt").clean()


def test_a_real_recording_reads_well(service: Stacks) -> None:
    names = {frame.name for frame in service.top(10_000)}
    assert "cpualloc (pyapp/native.py:75)" in names
    assert "<String as Clone>::clone" in names
    assert "[_granian.so]" in names
    for noise in ("0x7", "granian/server", "click/", "_ZN", "_RN", "threading.py", "$LT$", "process "):
        assert not [name for name in names if noise in name], noise
    assert {role for role, _ in service.roots()} == {
        "thread: event loop",
        "thread: thread pool",
        "thread: server runtime",
    }
    assert service.waiting > 0
    loop = service.within(r"^fold_clone")
    assert loop.total / service.total > 0.5
    assert loop.under(r"::clone$|^malloc$|^free$") > 0.5
    assert loop.under("no such frame") == 0


def test_kinds_and_lines_are_told(service: Stacks) -> None:
    frames = {frame.name: frame for frame in service.top(10_000)}
    kinds = {name: frames[name].kind for name in ("malloc", "<String as Clone>::clone", "[event loop]")}
    assert kinds == {"malloc": "c", "<String as Clone>::clone": "rust", "[event loop]": "interpreter"}
    assert frames["cpualloc (pyapp/native.py:75)"].kind == "python"
    clone = frames["<String as Clone>::clone"]
    assert clone.location == "string.rs:2352"
    assert clone.full_name == "<alloc::string::String as core::clone::Clone>::clone"


def test_roles_can_be_given() -> None:
    raw = Stacks.from_counts(
        [(["thread (7): a-1", "f"], 1), (["thread (8): b-2", "f"], 2), (["thread (9)", "f"], 4)]
    )
    cleaned = raw.clean(roles=[("^a", "first")], tids={8: "second"})
    assert cleaned.roots() == [("thread: unnamed", 4), ("thread: second", 2), ("thread: first", 1)]
    assert raw.clean(threads=False).roots() == [("f", 7)]
    with pytest.raises(StacksError, match="regular expression"):
        raw.clean(roles=[("(", "broken")])


def test_merging_adds_up(service: Stacks) -> None:
    merged = service.merge([service, Stacks.from_counts([(["alone"], 5)])])
    assert merged.total == 2 * service.total + 5
    assert counts(merged) == counts(service) + counts(service) + Counter({("alone",): 5})
    assert service.below_role("worker").roots() == [("thread: worker", service.total)]


def test_a_difference_has_both_values(service: Stacks) -> None:
    other = Stacks.from_counts(
        [(["thread: thread pool", "[thread pool]", "cpualloc (pyapp/native.py:80)"], 10)]
    )
    diff = service.diff(other, scale=(2.0, 3.0), unit="µs per request", names=("alloc", "plain"))
    assert diff.total == (2.0 * service.total, 30.0)
    changed = {frame.name: frame for frame in diff.top(10_000)}
    python = changed["cpualloc (pyapp/native.py)"]
    assert python.total_b == 30.0
    assert python.total_a > 0, "the line must not hide the match"
    assert changed["malloc"].total_b == 0
    assert "less in plain" in diff.svg("alloc to plain")
    with pytest.raises(StacksError, match="no samples"):
        service.diff(Stacks.from_counts([]))


def test_perf_and_the_scheduler_are_read() -> None:
    perf = Stacks.read(RECORDINGS / "perf_oncpu.txt", "perf")
    assert perf.total > 5
    assert perf.skipped == {}
    assert perf.clean(drop_waiting=False).under(r"^fold_clone") > 0.5
    off = OffCpu.read(RECORDINGS / "perf_sched.txt")
    assert off.switches > off.unpaired
    assert 0 < off.waiting.total < off.span_us * 20
    assert off.waiting.clean(drop_waiting=False).under("epoll_wait|futex") > 0.9
    with pytest.raises(StacksError, match="collapsed, perf or guess"):
        Stacks.from_bytes(b"", "xml")
    with pytest.raises(FileNotFoundError):
        Stacks.read(RECORDINGS / "no such file")


def test_speedscope_follows_its_schema(service: Stacks) -> None:
    found = json.loads(service.speedscope("cpualloc <native>"))
    schema = json.loads((SCHEMAS / "speedscope.schema.json").read_text())
    jsonschema.validate(found, schema)
    frames = [frame["name"] for frame in found["shared"]["frames"]]
    (profile,) = found["profiles"]
    read = Counter[tuple[str, ...]]()
    for sample, weight in zip(profile["samples"], profile["weights"], strict=True):
        read[tuple(frames[frame] for frame in sample)] += weight
    assert read == counts(service)
    assert profile["endValue"] == service.total
    assert json.loads(service.speedscope("t", unit="µs"))["profiles"][0]["unit"] == "microseconds"


def pprof_message() -> Any:
    """pprof's ``Profile``, from the numbers of its published ``profile.proto`` (package perftools.profiles)."""
    fields = {
        "ValueType": {"type": (1, "int64"), "unit": (2, "int64")},
        "Sample": {"location_id": (1, "*uint64"), "value": (2, "*int64")},
        "Location": {"id": (1, "uint64"), "mapping_id": (2, "uint64"), "line": (4, "*Line")},
        "Line": {"function_id": (1, "uint64"), "line": (2, "int64")},
        "Function": {
            "id": (1, "uint64"),
            "name": (2, "int64"),
            "system_name": (3, "int64"),
            "filename": (4, "int64"),
        },
        "Profile": {
            "sample_type": (1, "*ValueType"),
            "sample": (2, "*Sample"),
            "location": (4, "*Location"),
            "function": (5, "*Function"),
            "string_table": (6, "*string"),
            "comment": (13, "*int64"),
        },
    }
    field_type = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="profile.proto", package="perftools.profiles", syntax="proto3"
    )
    for name, members in fields.items():
        message = file.message_type.add(name=name)
        for member, (number, kind) in members.items():
            bare = kind.lstrip("*")
            field = message.field.add(name=member, number=number)
            field.label = field_type.LABEL_REPEATED if kind.startswith("*") else field_type.LABEL_OPTIONAL
            if bare in fields:
                field.type = field_type.TYPE_MESSAGE
                field.type_name = f".perftools.profiles.{bare}"
            else:
                field.type = field_type.Type.Value(f"TYPE_{bare.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("perftools.profiles.Profile"))()


def test_pprof_is_read_back_by_its_schema(service: Stacks) -> None:
    profile = pprof_message()
    profile.ParseFromString(gzip.decompress(service.pprof("cpualloc/native")))
    strings = profile.string_table
    assert strings[0] == ""
    assert [(strings[kind.type], strings[kind.unit]) for kind in profile.sample_type] == [
        ("samples", "count")
    ]
    assert [strings[comment] for comment in profile.comment] == ["cpualloc/native"]
    functions = {function.id: function for function in profile.function}
    names = {
        location.id: strings[functions[location.line[0].function_id].name] for location in profile.location
    }
    assert 0 not in functions, "ids must not be 0"
    assert 0 not in names, "ids must not be 0"
    read = Counter[tuple[str, ...]]()
    for sample in profile.sample:
        (value,) = sample.value
        read[tuple(names[location] for location in reversed(sample.location_id))] += value
    assert read == counts(service)
    clone = next(f for f in profile.function if strings[f.name] == "<String as Clone>::clone")
    assert strings[clone.filename] == "string.rs"
    assert strings[clone.system_name].startswith("<alloc::string::String")


def test_what_cannot_be_read_is_counted() -> None:
    data = b"a;b 3\nno count\na\x00b 1\n\xff 1\na 99999999999999999999\n" + b"x" * (1 << 20) + b" 1\na;b 4\n"
    stacks = Stacks.from_bytes(data)
    assert stacks.total == 7
    assert stacks.skipped == {"no_count": 1, "nul": 1, "not_utf8": 1, "overflow": 1, "too_long": 1}
    assert stacks.unnamed_share == 0
    assert Stacks.from_bytes(b"main;0x7f00 (libfoo.so) 1\nmain 3\n").unnamed_share == 0.25


@given(
    st.lists(
        st.tuples(st.lists(st.text(), min_size=1), st.integers(min_value=1, max_value=2**40)), max_size=20
    )
)
def test_any_names_survive_cleaning_and_drawing(given_counts: list[tuple[list[str], int]]) -> None:
    stacks = Stacks.from_counts(given_counts)
    cleaned = stacks.clean()
    assert stacks.total == sum(value for _, value in given_counts)
    assert cleaned.total + cleaned.waiting == stacks.total
    again = Stacks.from_bytes(cleaned.collapsed().encode())
    assert (again.total, again.skipped) == (cleaned.total, {})
    if cleaned.total:
        assert cleaned.svg("any").endswith("</svg>\n")


@pytest.mark.measures
def test_other_threads_run_meanwhile() -> None:
    """With the interpreter's own switching off, another thread only runs while the engine is detached."""
    data = b"".join(b"main;f%d;g%d %d\n" % (at % 100, at, at + 1) for at in range(20_000))
    ticks = 0
    stop = threading.Event()

    def count() -> None:
        nonlocal ticks
        while not stop.is_set():
            ticks += 1
            time.sleep(0)  # gives the interpreter back

    interval = sys.getswitchinterval()
    thread = threading.Thread(target=count)
    thread.start()
    try:
        sys.setswitchinterval(1000.0)
        before = ticks
        stacks = Stacks.from_bytes(data)
        assert ticks > before
        before = ticks
        stacks.clean().svg("meanwhile")
        assert ticks > before
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        thread.join()
    assert len(stacks) == 20_000
