"""Locust processes that are loaded before they are needed: loading one takes longer than a quick trial.

A pool loads the next one (``load_ahead``) once a trial is over, while its server ends and the next one starts.
Nothing is measured then, and a trial begins only when its own Locust is loaded.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from hotlap.serving.aftermath import scratch, start
from hotlap.serving.interrupts import uninterrupted
from hotlap.serving.server import stop

SWARM = Path(__file__).parents[1] / "swarm"
"""What runs within the Locust processes: nothing of it is imported here."""


class NoLocustError(RuntimeError):
    """Locust is not there: the message says what to install."""


class Locust:
    """A Locust process with a folder of its own. It waits until it is told what to do."""

    def __init__(self) -> None:
        if find_spec("locust") is None:
            raise NoLocustError(
                "Locust, which makes the load, is not installed beside hotlap: "
                f"{sys.executable} -m pip install locust"
            )
        self._scratch = contextlib.ExitStack()
        self.folder = self._scratch.enter_context(scratch("load"))
        with (self.folder / "locust.log").open("wb") as log:
            self.process = start(
                [sys.executable, "-m", "hotlap.swarm.launch"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def tell(self, args: Sequence[str], env: Mapping[str, str]) -> None:
        """Say what to do; if it has ended, its log says why."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps({"args": list(args), "env": dict(env)}).encode() + b"\n")
            self.process.stdin.close()

    def end(self) -> None:
        """End it, and remove its folder."""
        stop(self.process)
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        self._scratch.close()


class LocustPool:
    """Gives out a Locust for each trial. Use it as a context manager: its end ends what was loaded ahead.

    Args:
        ahead: Whether the next one is loaded ahead; of no use where only one is needed.
    """

    def __init__(self, *, ahead: bool = True) -> None:
        self._ahead = ahead
        self._spare: Locust | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._spare is not None:
            spare, self._spare = self._spare, None
            # It has nothing to finish.
            spare.process.kill()
            spare.end()

    @contextlib.contextmanager
    def locust(self) -> Iterator[Locust]:
        """A Locust that is told once, and ended with the block.

        Raises:
            NoLocustError: it is not installed.
        """
        with contextlib.ExitStack() as ended:
            with uninterrupted():
                own, self._spare = self._spare or Locust(), None
                ended.callback(own.end)
            yield own

    def load_ahead(self) -> None:
        """Start to load the next one, if none is there."""
        if self._ahead and self._spare is None:
            with contextlib.suppress(NoLocustError), uninterrupted():
                self._spare = Locust()
