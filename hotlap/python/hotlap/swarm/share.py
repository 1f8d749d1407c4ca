"""Which positions of a sequence of values a process of a swarm has, so that no two send the same."""

from __future__ import annotations

from collections.abc import Sequence

from locust.env import Environment
from locust.runners import WorkerRunner

from hotlap._engine import Request

first = 0
"""The position from which on they are this swarm's."""


class ShareError(RuntimeError):
    """Nobody knows how many processes there are: the message says what to give."""


def share_of(environment: Environment, requests: Sequence[Request]) -> tuple[int, int]:
    """The first position, and how many further on each next one is.

    Raises:
        ShareError: values that go out once cannot be shared, since the master was not told how many workers it has.
    """
    runner, options = environment.runner, environment.parsed_options
    if not isinstance(runner, WorkerRunner):
        return first, 1
    # A worker has the options of its master.
    workers = int(getattr(options, "processes", None) or getattr(options, "expect_workers", None) or 1)
    index = runner.worker_index
    if index < workers:
        return first + index, workers
    if any(request.has_unique for request in requests):
        raise ShareError(
            f"this is worker {index + 1} of {workers} that its master expects, so that no row or number is left for "
            "it: tell the master with --expect-workers how many there are"
        )
    # Rows may be sent by several: each worker begins elsewhere.
    return first + index * _APART, 1


_APART = 7919
