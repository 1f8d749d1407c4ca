"""A run's folder: the one place that knows what its files are called."""

from __future__ import annotations

from pathlib import Path

from hotlap.evidence.load import Role
from hotlap.experiment import Lane


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

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
        return self.path / "profiles" / f"diff-{before}-{after}.svg".replace("/", "_")

    def relative(self, path: Path) -> str:
        """A path as ``run.json`` names it."""
        return str(path.relative_to(self.path))


def _slug(lane: Lane) -> str:
    return f"{lane.scenario}-{lane.variant}"
