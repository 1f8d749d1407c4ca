"""What py-spy takes for running though it waits, and what serves nobody."""

from __future__ import annotations

import pytest

from hotlap._engine import Stacks
from hotlap.evidence.profile import Apart, ApartKind, Profile
from hotlap.evidence.words import notes
from hotlap.profiling.idle import told_apart, waits
from hotlap.serving.roles import Role

LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"
READS = f"Connection._recv (/usr/lib/python3.12/multiprocessing/connection.py:395);os_read (/lib/libpython3.12.so);read ({LIBC})"


@pytest.mark.parametrize(
    "stack",
    [
        READS,
        "pong (/v/site-packages/uvicorn/supervisors/multiprocess.py:60)",
        "main (/usr/lib/python3.12/multiprocessing/resource_tracker.py:240)",
        f"Popen.poll (/lib/python3.12/multiprocessing/popen_fork.py:27);os_waitpid (python3.12);wait4 ({LIBC})",
        f"SyncWorker.accept (/v/gunicorn/workers/sync.py:30);sock_accept (s.c:1);sock_call_ex (s.c:2);accept4 ({LIBC})",
        f"SocketIO.readinto (/lib/python3.12/socket.py:706);sock_recv_into (s.c:1);sock_call_ex (s.c:9);recv ({LIBC})",
        f"f (/app/main.py:3);0x55aa (/usr/bin/python3.12);read ({LIBC})",
        f"f (/app/main.py:3);0x7f01 ({LIBC});0x7f02 ({LIBC})",
        'process 1:"python -m granian";thread (494)',
    ],
)
def test_known_waits_are_idle(stack: str) -> None:
    assert waits(stack.split(";"))


@pytest.mark.parametrize(
    "stack",
    [
        "f (/app/main.py:3)",
        f"f (/app/main.py:3);memmove ({LIBC})",
        f"f (/app/main.py:3);0x7f01 ({LIBC})",
        f"f (/app/main.py:3);malloc ({LIBC});0x7f01 ({LIBC});0x7f02 ({LIBC})",
        # Of a file: the kernel copies.
        f"Path.read_bytes (/lib/python3.12/pathlib.py:1019);_io_FileIO_readall_impl (f.c:3);_Py_read (f.c:2);read ({LIBC})",
        # What is asked only once it has something.
        f"_read_ready__data_received (/lib/python3.12/asyncio/selector_events.py:1);sock_recv (s.c:1);recv ({LIBC})",
        f"run (/lib/python3.12/asyncio/runners.py:1);uv__read (stream.c:1050);read ({LIBC})",
        f"f (/app/main.py:3);pqReadData (/v/libpq.so);recv ({LIBC})",
    ],
)
def test_what_works_is_not(stack: str) -> None:
    assert not waits(stack.split(";"))


RECORDED = f"""\
process 1:"uvicorn";thread (1): MainThread;Multiprocess.run (/v/uvicorn/supervisors/multiprocess.py:150) 3
process 1:"uvicorn";thread (1): MainThread;f (/a/b.py:1);0x1 ({LIBC});epoll_wait ({LIBC}) 2
process 1:"uvicorn";process 2:"python -c from multiprocessing.resource_tracker import main;main(6)";thread (2);g (/t.py:1) 1
process 1:"uvicorn";process 3:"python -c spawn_main()";thread (3): MainThread;work (/app/main.py:3) 70
process 1:"uvicorn";process 3:"python -c spawn_main()";thread (4);{READS} 20
process 1:"uvicorn";process 9:"python -c spawn_main()";thread (9): MainThread;work (/app/main.py:3) 7
"""


def test_a_supervisors_samples_and_waits_are_told_apart() -> None:
    told = told_apart(
        Stacks.from_bytes(RECORDED.encode()), {1: Role.SUPERVISOR, 2: Role.TRACKER, 3: Role.WORKER}
    )
    # A worker that was started meanwhile counts.
    assert told.stacks.clean().total == 77
    assert told.waiting == 20 + 2
    assert told.apart == [
        Apart(kind=ApartKind.SUPERVISOR, samples=3, processes=1),
        Apart(kind=ApartKind.TRACKER, samples=1, processes=1),
    ]
    (said,) = notes(Profile(profiler="py-spy", mode="on-cpu", apart=told.apart))
    assert said == (
        "not in it are samples of processes that serve nobody: 3 of the supervisor, 1 of multiprocessing's tracker"
    )


def test_processes_that_are_not_known_are_kept() -> None:
    told = told_apart(Stacks.from_bytes(b"work (/app/main.py:3) 7\n"), {})
    assert (told.stacks.total, told.waiting, told.apart) == (7, 0, [])
