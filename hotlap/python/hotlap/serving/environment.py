"""Where a run was made: the machine, the versions, the builds. What is not known is ``None``."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import psutil

from hotlap.evidence.environment import Environment
from hotlap.experiment import Experiment
from hotlap.experiment.interpreter import ScriptError, path_of, run_inside
from hotlap.serving.ways import environment_of

_PACKAGES = ("hotlap", "granian", "falcon", "uvloop", "locust", "py-spy", "memray")
_ENGINE = "hotlap._engine"


class BuildError(RuntimeError):
    """An extension that must not be measured: the message tells how to make the build that may be."""


class Build(msgspec.Struct, frozen=True):
    """An extension as it was imported."""

    profile: str | None
    """How it says that it was built."""
    file: str


def builds(experiment: Experiment) -> dict[str, Build]:
    """The lab's engine, and the experiment's extensions as the app's interpreter imports them.

    Raises:
        BuildError: an extension cannot be imported.
    """
    server, root = experiment.server, Path(experiment.root)
    found = _imported(sys.executable, [_ENGINE], root, dict(os.environ))
    if experiment.extensions:
        python = path_of(server.python, root)
        env = environment_of(server, root)
        found |= _imported(python, experiment.extensions, root / (server.cwd or "."), env)
    return found


def _imported(python: str, names: Sequence[str], folder: Path, env: Mapping[str, str]) -> dict[str, Build]:
    """Have a fresh interpreter import modules in a folder."""
    try:
        told = run_inside("builds", python, names, timeout_s=60, cwd=folder, env=env)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{', '.join(names)} cannot be imported by {python}: {error}") from None
    except ScriptError as error:
        raise BuildError(
            f"{', '.join(names)} cannot be imported: {error}; build first: maturin develop"
        ) from None
    return msgspec.json.decode(told, type=dict[str, Build])


def build_profiles(experiment: Experiment) -> dict[str, str | None]:
    """How the lab's engine and the experiment's extensions were built.

    Raises:
        BuildError: an extension cannot be imported, or says that it is a debug build.
    """
    profiles = {name: build.profile for name, build in builds(experiment).items()}
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
