"""A run's folder: the one place that knows what its files are called."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from hotlap.evidence.load import Role
from hotlap.experiment import Lane
from hotlap.files import UNFINISHED, naming, try_folder


class FolderInUseError(ValueError):
    """Another run writes to the folder: the message says which process, and what to do."""


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Make the folder, and keep other runs out of it until the block ends.

        Raises:
            FolderInUseError: another process has it.
            OSError: it cannot be made or written to.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try_folder(self.path)
        file = self.path / ".lock"
        lock = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = os.read(lock, 20).decode(errors="replace")
                raise FolderInUseError(
                    f"process {pid} measures into {self.path}: wait for it, or give another --out"
                ) from None
            with naming(file):
                os.truncate(lock, 0)
                os.write(lock, str(os.getpid()).encode())
            # Of a run that was killed while it wrote one of its files.
            for left in self.path.rglob(f"{UNFINISHED}*"):
                left.unlink(missing_ok=True)
            yield
        finally:
            os.close(lock)

    @property
    def run_json(self) -> Path:
        """What was measured."""
        return self.path / "run.json"

    @property
    def report(self) -> Path:
        """The page that shows it."""
        return self.path / "report.html"

    def histogram(self, lane: Lane, role: Role, number: int) -> Path:
        """The response times of one trial of a lane."""
        return self.path / "histograms" / f"{_slug(lane)}-{role.replace('/', '')}-{number}.hgrm"

    def profiles(self, lane: Lane) -> Path:
        """Where a lane's recordings and graphs are."""
        return self.path / "profiles" / _slug(lane)

    def diff(self, before: str, after: str) -> Path:
        """The differential flame graph of two lanes."""
        return self.path / "profiles" / quote(f"diff-{before}-{after}.svg".replace("/", "_"), safe="")

    def relative(self, path: Path) -> str:
        """A path as ``run.json`` names it."""
        return str(path.relative_to(self.path))


def _slug(lane: Lane) -> str:
    # A Python object may name its lanes as it likes, with slashes too.
    return quote(f"{lane.scenario}-{lane.variant}", safe="")
