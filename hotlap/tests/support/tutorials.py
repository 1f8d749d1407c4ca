"""The files that a page of the docs shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def write_files(page: str, folder: Path) -> set[str]:
    """Write the files that a page shows with a title; their names."""
    found = re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', (DOCS / page).read_text(), re.DOTALL)
    for name, text in found:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(text)
    return {name for name, _ in found}


def asked(folder: Path, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Have Python run a module in a folder, as the page says."""
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env=env,
    )
