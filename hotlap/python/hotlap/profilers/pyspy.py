"""py-spy: samples Python and native frames from outside, worker processes included."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from hotlap._engine import Stacks
from hotlap.experiment import Mode
from hotlap.profilers import ProfileError, Recording
from hotlap.serve import Served

RATE_HZ = 100
_END_TIMEOUT_S = 60.0
_REMEDY = {
    "Permission Denied": "it needs root or CAP_SYS_PTRACE: run it with sudo, or see `hotlap doctor`",
    "Operation not permitted": "it needs root or CAP_SYS_PTRACE: run it with sudo, or see `hotlap doctor`",
    "No such process": "the server ended before it could be sampled",
}


def program() -> str:
    """Where py-spy is.

    Raises:
        ProfileError: it is not installed.
    """
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise ProfileError("py-spy is not installed: pip install py-spy")
    return found


def record(served: Served, mode: Mode, time_s: float, folder: Path) -> Recording:
    """Sample the server's processes with ``py-spy record --native --subprocesses``."""
    seconds = max(1, round(time_s))
    raw = folder / f"pyspy-{mode}.txt"
    words = [
        *(program(), "record", "--native", "--subprocesses", "--threads", "--full-filenames"),
        *("--format", "raw", "--rate", str(RATE_HZ), "--duration", str(seconds)),
        *("--output", str(raw), "--pid", str(served.pid)),
    ]
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds + _END_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProfileError(f"py-spy did not end within {_END_TIMEOUT_S:g} s after its {seconds} s") from None
    said = done.stdout + done.stderr
    if done.returncode or not raw.exists():
        last = (said.strip().splitlines() or ["it printed nothing"])[-1]
        remedy = next((text for words_, text in _REMEDY.items() if words_ in said), "see `hotlap doctor`")
        raise ProfileError(f"py-spy gave no profile: {last.strip()}; {remedy}")
    counted = re.search(r"Samples: (\d+) Errors: (\d+)", said)
    samples = int(counted[1]) if counted else None
    errors = int(counted[2]) if counted else None
    behind = re.search(r"([\d.]+)s behind in sampling", said)
    return Recording(
        profiler="py-spy",
        stacks=Stacks.read(raw),
        raw=[raw],
        samples=samples,
        errors=errors,
        missed=round(float(behind[1]) * RATE_HZ) if behind else 0,
        rate_hz=float(RATE_HZ),
    )
