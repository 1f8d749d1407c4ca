"""Disks that are full, or may only be read: small ones in memory, which only the command on them sees."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Need = Callable[[bool, str], None]

# $0: its options, $1: where it is put, $2: what is copied there first, or nothing.
_MOUNT = """
mount -t tmpfs -o "$0" tmpfs "$1" || exit 99
[ -z "$2" ] || cp -r "$2"/. "$1" || exit 99
[ "$3" != ro ] || mount -o remount,ro "$1" || exit 99
folder="$1"; shift 3
"$@"; code=$?
for file in $(ls -A "$folder"); do echo "left: $file" >&2; done
exit $code
"""


def can_mount() -> bool:
    """Whether this process may make a mount that nobody else sees."""
    if shutil.which("unshare") is None:
        return False
    words = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(words, capture_output=True, timeout=30, check=False).returncode == 0


def on_disk(
    need: Need,
    folder: Path,
    *words: str,
    size: str = "1m",
    read_only: bool = False,
    holds: Path | None = None,
    cwd: Path,
) -> subprocess.CompletedProcess[str]:
    """A command of the lab while ``folder`` is a disk of that size; what is left on it is said at the end."""
    need(can_mount(), "no mount namespaces here: run as root, with CAP_SYS_ADMIN")
    folder.mkdir(exist_ok=True)
    access = "ro" if read_only else "rw"
    mount = ["unshare", "--mount", "sh", "-c", _MOUNT, f"size={size}", str(folder), str(holds or ""), access]
    done = subprocess.run(
        [*mount, sys.executable, "-m", "hotlap.cli", *words],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode != 99, done.stderr
    assert not list(folder.iterdir()), "the mount was seen by others"
    return done
