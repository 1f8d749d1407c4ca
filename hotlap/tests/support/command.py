"""The lab's command, as a user calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def hotlap(folder: Path, *words: str, timeout_s: float = 240, **env: str) -> subprocess.CompletedProcess[str]:
    """Run it in a folder, with further variables of the environment."""
    return subprocess.run(
        [sys.executable, "-m", "hotlap", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, **env},
    )
