"""Where a run was made."""

from __future__ import annotations

import msgspec

from hotlap.evidence.figures import Amount, Count, CountDifference


class Environment(msgspec.Struct, kw_only=True):
    """The machine, the builds, the commit and the lab's own versions that a run's figures belong to.

    What an app ran in, which may be another interpreter, is said of each lane (``ServedBy``).
    """

    python: str | None = None
    implementation: str | None = None
    platform: str | None = None
    machine: str | None = None
    cpu: str | None = None
    cores: Count | None = None
    cores_usable: Count | None = None
    memory_bytes: Count | None = None
    swap_used_bytes: Count | None = None
    load_average: list[Amount] = []
    file_limit: CountDifference | None = None
    versions: dict[str, str | None] = {}
    builds: dict[str, str | None] = {}
    """How each extension says that it was built."""
    commit: str | None = None
    dirty: bool | None = None

    def title(self) -> str | None:
        """The machine in a few words; ``None`` where nothing is known of it."""
        known = (self.cpu, f"{self.cores} cores" if self.cores else None)
        return ", ".join(part for part in known if part) or None
