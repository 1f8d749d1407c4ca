"""Signals that end a command: what it has started is ended, and a signal a moment too early loses nothing."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any


class Ended(KeyboardInterrupt):
    """A signal that ends the command came, which is heard as Ctrl-C is."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        """The signal's."""


ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that end a command: Ctrl-C, whoever manages it, a terminal that closes."""


@contextlib.contextmanager
def endings_heard() -> Iterator[None]:
    """Let each of them unwind the block, so that whatever it holds is closed. What is ignored stays so (nohup).

    Raises:
        Ended: one came.
    """

    def end(number: int, frame: FrameType | None) -> None:
        raise Ended(number)

    with _handled(end, lambda handler: handler is not signal.SIG_IGN):
        yield


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back the signals that end a command, where somebody handles them, until the block ends."""
    heard: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        heard.append(number)

    try:
        # What is ignored, or ends the process at once, stays as it is.
        with _handled(hear, callable):
            yield
    finally:
        if heard:
            signal.raise_signal(heard[0])


@contextlib.contextmanager
def _handled(
    handler: Callable[[int, FrameType | None], None], is_ours: Callable[[object], bool]
) -> Iterator[None]:
    """Handle them so until the block ends, each whose present handler is ours to replace.

    Signals are the main thread's: in any other one nothing is handled otherwise.
    """
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: old for number in ENDING if is_ours(old := signal.getsignal(number))}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
