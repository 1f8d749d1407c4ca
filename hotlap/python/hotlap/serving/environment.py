"""Where a run was made: the machine, the versions, the builds. What is not known is ``None``."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from hotlap.evidence.environment import Environment
from hotlap.experiment import Experiment

_PACKAGES = ("hotlap", "granian", "falcon", "uvloop", "locust", "py-spy", "memray")
_ASK_BUILD = """
import importlib, json, sys
modules = {name: importlib.import_module(name) for name in sys.argv[1:]}
print(json.dumps({name: getattr(module, "build_profile", None) for name, module in modules.items()}))
"""


class BuildError(RuntimeError):
    """An extension that must not be measured: the message tells how to make the build that may be."""


def build_profiles(experiment: Experiment) -> dict[str, str | None]:
    """How the experiment's extensions were built, asked of a fresh interpreter in the app's folder.

    Raises:
        BuildError: an extension cannot be imported, or says that it is a debug build.
    """
    names = ["hotlap._engine", *experiment.extensions]
    asked = subprocess.run(
        [sys.executable, "-c", _ASK_BUILD, *names],
        cwd=Path(experiment.root, experiment.server.cwd or "."),
        env={**os.environ, **experiment.server.env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if asked.returncode:
        last = (asked.stderr.strip().splitlines() or ["(it printed nothing)"])[-1]
        raise BuildError(f"{', '.join(names)} cannot be imported: {last}; build first: maturin develop")
    profiles: dict[str, str | None] = json.loads(asked.stdout)
    for name, profile in profiles.items():
        if profile == "debug":
            raise BuildError(
                f"{name} is a debug build: its figures would mean nothing. "
                "Make the release build with: maturin develop --release"
            )
    return profiles


def environment(experiment: Experiment) -> Environment:
    """Look at the machine, the versions and the commit.

    Raises:
        BuildError: an extension is missing, or is a debug build.
    """
    root = Path(experiment.root, experiment.server.cwd or ".")
    memory = psutil.virtual_memory()
    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        platform=platform.platform(),
        machine=platform.machine(),
        cpu=_cpu_model(),
        cores=os.cpu_count(),
        cores_usable=len(os.sched_getaffinity(0)),
        memory_bytes=memory.total,
        swap_used_bytes=psutil.swap_memory().used,
        load_average=list(os.getloadavg()),
        file_limit=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        versions={name: _version(name) for name in _PACKAGES},
        builds=build_profiles(experiment),
        commit=_git(root, "rev-parse", "HEAD"),
        dirty=_dirty(root),
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu_model() -> str | None:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or None


def _git(root: Path, *words: str) -> str | None:
    try:
        told = subprocess.run(
            ["git", *words], cwd=root, capture_output=True, text=True, timeout=10, check=False
        )
    except OSError:
        return None
    return told.stdout.strip() if told.returncode == 0 else None


def _dirty(root: Path) -> bool | None:
    told = _git(root, "status", "--porcelain", "--untracked-files=no")
    return None if told is None else bool(told)
