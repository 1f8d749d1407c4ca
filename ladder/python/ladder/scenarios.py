"""The rungs: two suites of scenarios, each beside the service's own.

``ladder`` goes from the widest lock to none, and from a loop that copies to a formula; ``boundary`` asks where
and how attached to the interpreter the same loop is best computed.
"""

from __future__ import annotations

from collections.abc import Sequence

from ladder import native, python
from pyapp import native as service
from pyapp import python as service_python
from pyapp.scenarios import Scenario, Work, Writes, sum_of_folds, sum_of_ids

Rung = Scenario[python.Store, native.Store]

WRITES = 0.01
"""The share of writers on a rung of locks."""


def _lock(
    name: str,
    title: str,
    summary: str,
    *,
    read: tuple[Work[python.Store] | None, Work[native.Store]],
    write: tuple[Work[python.Store] | None, Work[native.Store]],
) -> Rung:
    """A rung of the ladder of locks: readers who wait, and one writer in a hundred; (Python, native)."""
    return Scenario(
        name=f"lock-{name}",
        title=title,
        summary=summary,
        answer=sum_of_ids,
        python=read[0],
        native=read[1],
        suite="ladder",
        users=50,
        cancel_on_disconnect=True,
        writes=Writes(share=WRITES, python=write[0], native=write[1]),
        profiles=("await",),
    )


def _loop(
    suite: str, name: str, title: str, summary: str, of: Work[python.Store] | None, to: Work[native.Store]
) -> Rung:
    """The folds of the service's ``/cpu``, done one way or another, in Python and natively."""
    return Scenario(
        name=name,
        title=title,
        summary=summary,
        answer=sum_of_folds,
        python=of,
        native=to,
        suite=suite,
        users=4,
    )


SCENARIOS: Sequence[Rung] = [
    _lock(
        "exclusive-held",
        "Exclusive lock, held over the wait",
        "waits with an exclusive lock held",
        read=(python.lock_exclusive_held, native.lock_exclusive_held),
        write=(python.lock_exclusive_write, native.lock_exclusive_write),
    ),
    _lock(
        "exclusive-released",
        "Exclusive lock, let go before",
        "lets an exclusive lock go before it waits",
        read=(python.lock_exclusive_released, native.lock_exclusive_released),
        write=(python.lock_exclusive_write, native.lock_exclusive_write),
    ),
    _lock(
        "rw-held",
        "Read-write lock, held over the wait",
        "waits with the read side of a lock held",
        read=(python.lock_rw_held, native.lock_rw_held),
        write=(python.lock_rw_write, native.lock_rw_write),
    ),
    _lock(
        "rw-released",
        "Read-write lock, let go before",
        "lets the read side of a lock go before it waits",
        read=(python.lock_rw_released, native.lock_rw_released),
        write=(python.lock_rw_write, native.lock_rw_write),
    ),
    _lock(
        "sharded",
        "Sharded map",
        "reads a map whose shards have a lock each, then waits",
        read=(None, native.lock_sharded),
        write=(None, native.lock_sharded_write),
    ),
    _lock(
        "snapshot",
        "Snapshot, no lock",
        "reads the map of the moment, which writers replace, then waits",
        read=(python.lock_snapshot, native.lock_snapshot),
        write=(python.lock_snapshot_write, native.lock_snapshot_write),
    ),
    _loop(
        *("ladder", "loop-clone", "Loop, each string copied", "copies and parses each id a million times"),
        service_python.cpualloc,
        service.cpualloc,
    ),
    _loop(
        *("ladder", "loop-borrow", "Loop, nothing copied", "parses each id a million times"),
        service_python.cpu,
        service.cpu,
    ),
    _loop(
        *("ladder", "loop-parse-once", "Loop, parsed before", "parses each id once, adds it a million times"),
        python.loop_parse_once,
        native.loop_parse_once,
    ),
    _loop(
        *("ladder", "loop-closed-form", "No loop", "computes the loop's sum by its formula"),
        python.loop_closed_form,
        native.loop_closed_form,
    ),
    _loop(
        *("boundary", "loop-attached", "Loop, attached", "folds while no other Python thread can run"),
        service_python.cpu,
        native.loop_attached,
    ),
    _loop(
        *("boundary", "loop-detached", "Loop, detached", "folds while other Python threads run"),
        None,
        service.cpu,
    ),
    _loop(
        *("boundary", "where-loop", "On the event loop", "folds on the thread that serves all"),
        None,
        native.where_loop,
    ),
    _loop(
        *("boundary", "where-wide-pool", "In 64 threads", "folds in one of many threads"),
        None,
        native.where_wide_pool,
    ),
    _loop(
        *("boundary", "where-pool", "In as many threads as cores", "folds in one of a few threads"),
        None,
        service.cpualloc,
    ),
    _loop(
        *("boundary", "where-rust-pool", "In Rust's own pool", "folds in a thread of Rust's, awaited"),
        None,
        native.where_rust_pool,
    ),
]
