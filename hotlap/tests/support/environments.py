"""Virtual environments of other Pythons, with other packages than the lab's."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from places import ROOT

Need = Callable[[bool, str], None]

OWN = "{}.{}".format(*sys.version_info[:2])
"""The lab's version of Python."""
_TEST_VERSIONS = runpy.run_path(str(ROOT / "scripts" / "test-versions"))


def at_hand(*versions: str) -> list[str]:
    """Those versions that this machine has; the others are passed over, as by `make test-versions`."""
    return [version for version in versions if version == OWN or _TEST_VERSIONS["candidates"](version)]


def python_of(version: str) -> str | None:
    """An interpreter of that version (``3.9``) on this machine, outside of any environment."""
    if version == OWN:
        return sys.executable
    found: list[str] = _TEST_VERSIONS["candidates"](version)
    return next((python for python in found if _TEST_VERSIONS["works"](python, version)), None)


def make(folder: Path, version: str, packages: list[str], need: Need, *, pip: bool = False) -> Path:
    """Make an environment with these packages; its interpreter. ``pip``: whether it has one itself."""
    python = python_of(version)
    need(python is not None, f"no Python {version} on this machine")
    words = [str(python), "-m", "venv", *([] if pip else ["--without-pip"]), str(folder)]
    subprocess.run(words, check=True, capture_output=True)
    own = folder / "bin" / "python"
    if packages:
        install(own, packages, need)
    return own


def install(python: Path, packages: list[str], need: Need) -> None:
    """Install packages into an environment, with the lab's pip."""
    words = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", *packages]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    need(
        done.returncode == 0, f"{', '.join(packages)} cannot be installed here: {done.stderr.strip()[-300:]}"
    )
