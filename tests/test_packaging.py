"""Wheels and sdists of both packages, installed elsewhere: the wheels without a Rust toolchain."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*words: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        env=env,
        cwd=cwd,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both wheels and both sdists, made as a release makes them."""
    out = tmp_path_factory.mktemp("dist")
    maturin = (sys.executable, "-m", "maturin")
    for which in ((), ("-m", "hotlap/Cargo.toml")):
        # Not in one step: that would build from the sdist, which holds one crate of the two that are locked.
        run(*maturin, "sdist", "--out", out, *which, cwd=ROOT)
        run(*maturin, "build", "-q", "--locked", "--out", out, *which, cwd=ROOT)
    return out


def without_rust(folder: Path) -> tuple[Path, dict[str, str]]:
    """A new virtual environment, and variables under which no cargo is found."""
    venv.create(folder / "venv", with_pip=True)
    binaries = folder / "venv" / "bin"
    own = ("CARGO", "RUST", "PYTHON", "VIRTUAL")
    env = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    env["PATH"] = os.pathsep.join([str(binaries), "/usr/bin", "/bin"])
    env["HOME"] = str(folder)
    return binaries / "python", env


def test_hotlap_wheel_alone_without_a_toolchain(dist: Path, tmp_path: Path) -> None:
    python, env = without_rust(tmp_path)
    (wheel,) = dist.glob("hotlap-*.whl")
    run(python, "-m", "pip", "install", "-q", wheel, env=env, cwd=tmp_path)
    profile = run(python, "-c", "import hotlap._engine as e; print(e.build_profile)", env=env, cwd=tmp_path)
    assert profile.strip() == "release"
    assert "flame" in run(python.parent / "hotlap", "--help", env=env, cwd=tmp_path)
    listed = subprocess.run(
        [python.parent / "hotlap", "list"], capture_output=True, text=True, env=env, cwd=tmp_path, check=False
    )
    assert listed.returncode == 2
    assert "hotlap init" in listed.stderr
    run(
        python, "-c", "import importlib.util as u; assert u.find_spec('pyapp') is None", env=env, cwd=tmp_path
    )


def test_service_wheel_without_a_toolchain(dist: Path, tmp_path: Path) -> None:
    python, env = without_rust(tmp_path)
    (wheel,) = dist.glob("pyapp-*.whl")
    run(python, "-m", "pip", "install", "-q", wheel, env=env, cwd=tmp_path)
    asked = "import pyapp._core as c; from pyapp.app import create_app; create_app(); print(c.build_profile)"
    assert run(python, "-c", asked, env=env, cwd=tmp_path).strip() == "release"


@pytest.mark.parametrize(("package", "module"), [("pyapp", "pyapp._core"), ("hotlap", "hotlap._engine")])
def test_sdist_builds_elsewhere(dist: Path, tmp_path: Path, package: str, module: str) -> None:
    (sdist,) = dist.glob(f"{package}-*.tar.gz")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    target = ROOT / "target" / "sdist"
    env = {**os.environ, "VIRTUAL_ENV": str(tmp_path / "venv"), "CARGO_TARGET_DIR": str(target)}
    run(python, "-m", "pip", "install", "-q", "--no-deps", sdist, env=env, cwd=tmp_path)
    asked = f"import {module} as m; print(m.build_profile)"
    assert run(python, "-P", "-c", asked, env=env, cwd=tmp_path).strip() == "release"


def test_archives_hold_what_they_must_and_nothing_else(dist: Path) -> None:
    for wheel in dist.glob("*.whl"):
        names = zipfile.ZipFile(wheel).namelist()
        assert not [name for name in names if "tests/" in name or name.endswith((".rs", ".pyc"))], wheel.name
        assert any(name.endswith("py.typed") for name in names), wheel.name
        assert any(name.endswith(".pyi") for name in names), wheel.name
    for sdist in dist.glob("*.tar.gz"):
        with tarfile.open(sdist) as archive:
            names = archive.getnames()
        assert any(name.endswith("Cargo.lock") for name in names), sdist.name
        assert not [name for name in names if "/target/" in name or name.endswith(".so")], sdist.name
