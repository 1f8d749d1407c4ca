"""Locust processes that are loaded before they are needed: loading one takes longer than a quick stretch.

While ``kept`` is in force, the next one is loaded (``load_ahead``) once a stretch is over, while its server ends
and the next one starts. Nothing is measured then, and a stretch begins only when its own Locust is loaded.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

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
        self._scratch = tempfile.TemporaryDirectory(prefix="hotlap-load-")
        self.folder = Path(self._scratch.name)
        with (self.folder / "locust.log").open("wb") as log:
            self.process = subprocess.Popen(
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
        self._scratch.cleanup()


_spare: Locust | None = None
_keeping = 0


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Have one loaded ahead, as long as the block runs; what is left over at its end is ended."""
    global _keeping
    _keeping += 1
    try:
        yield
    finally:
        _keeping -= 1
        if not _keeping:
            _discard()


@contextlib.contextmanager
def locust() -> Iterator[Locust]:
    """A Locust that is told once, and ended with the block.

    Raises:
        NoLocustError: it is not installed.
    """
    global _spare
    own, _spare = _spare or Locust(), None
    try:
        yield own
    finally:
        own.end()


def load_ahead() -> None:
    """Start to load the next one, if that is kept and none is there."""
    global _spare
    if _keeping and _spare is None:
        with contextlib.suppress(NoLocustError):
            _spare = Locust()


def _discard() -> None:
    global _spare
    if _spare is not None:
        spare, _spare = _spare, None
        # It has nothing to finish.
        spare.process.kill()
        spare.end()
