"""The threads that compute, so that the event loop never does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pyapp.disconnect import Receive, until_gone


class ComputePool:
    """As many threads as there are cores; a middleware, to end with the app."""

    def __init__(self) -> None:
        self._width = len(os.sched_getaffinity(0))
        self._executor = self._threads()
        self._begun = 0

    def _threads(self) -> ThreadPoolExecutor:
        # It starts no thread before there is something to compute.
        return ThreadPoolExecutor(self._width, thread_name_prefix="compute")

    async def run(self, receive: Receive | None, function: Callable[..., int], *arguments: Any) -> int:
        """Computes in one of the threads, as soon as one is free.

        Args:
            receive: the request's ASGI events, if it is to be given up when its client has gone before
                a thread is free.
            function: what computes.
            arguments: what it is given.

        Raises:
            ClientGoneError: the client has gone.
        """
        waits = self._begun >= self._width
        self._begun += 1
        try:
            computing = asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)
            # What is computed already cannot be stopped, so it is not worth the watching.
            return await (until_gone(computing, receive) if waits and receive else computing)
        finally:
            self._begun -= 1

    async def process_shutdown(self, scope: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        """Lets go of the threads; what has not begun yet is not begun any more."""
        executor, self._executor = self._executor, self._threads()
        executor.shutdown(wait=False, cancel_futures=True)
