"""Signals that end a command: what it has started is ended, and a signal a moment too early loses nothing."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


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
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    raise Ended(number)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back the signals that end a command, where somebody handles them, until the block ends.

    Signals are the main thread's: in any other one nothing is held back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        heard.append(number)

    # What is ignored, or ends the process at once, stays as it is.
    handlers = {number: signal.getsignal(number) for number in ENDING}
    handlers = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in handlers:
        signal.signal(number, hear)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if heard:
            signal.raise_signal(heard[0])
