"""Wheels and sdists of all packages, installed elsewhere: the wheels without a Rust toolchain.

The lab's wheel alone, with an app that is not ours, gets to a report in two commands.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent


def run(*words: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    # A program's name alone is looked for where the variables say, not where this process does.
    program = shutil.which(str(words[0]), path=env["PATH"]) if env else None
    done = subprocess.run(
        [program or str(words[0]), *map(str, words[1:])],
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
    """All wheels and sdists, made as a release makes them."""
    out = tmp_path_factory.mktemp("dist")
    maturin = (sys.executable, "-m", "maturin")
    run(sys.executable, "-m", "hatchling", "build", "--directory", out, cwd=ROOT / "falcon_rsgi")
    for which in ((), ("-m", "hotlap/Cargo.toml"), ("-m", "ladder/Cargo.toml")):
        # Not in one step: that would build from the sdist, which holds fewer crates than are locked.
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


APP = """
import json

from fastapi import FastAPI

app = FastAPI()
LINES = [{"sku": f"sku-{number}", "price": number / 7} for number in range(500)]


@app.get("/lines/{last}")
async def lines(last: int) -> dict[str, int]:
    return {"bytes": len(json.dumps(LINES * last))}


@app.post("/lines")
async def add(line: dict[str, str]) -> None:
    LINES.append(line)
"""


@pytest.fixture(scope="module")
def elsewhere(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], Path]:
    """The interpreter of an environment that has the lab's wheel and FastAPI alone, its variables, a folder."""
    folder = tmp_path_factory.mktemp("elsewhere")
    python, env = without_rust(folder)
    (wheel,) = dist.glob("hotlap-*.whl")
    run(python, "-m", "pip", "install", "-q", wheel, "fastapi", env=env, cwd=folder)
    return python, env, folder


# It measures nothing, but shares its environment with the next, which does.
@pytest.mark.measures
def test_hotlap_wheel_alone_without_a_toolchain(elsewhere: tuple[Path, dict[str, str], Path]) -> None:
    python, env, folder = elsewhere
    profile = run(python, "-c", "import hotlap._engine as e; print(e.build_profile)", env=env, cwd=folder)
    assert profile.strip() == "release"
    assert "flame" in run(python.parent / "hotlap", "--help", env=env, cwd=folder)
    listed = subprocess.run(
        [python.parent / "hotlap", "list"], capture_output=True, text=True, env=env, cwd=folder, check=False
    )
    assert listed.returncode == 2
    assert "hotlap init" in listed.stderr
    run(python, "-c", "import importlib.util as u; assert u.find_spec('pyapp') is None", env=env, cwd=folder)


@pytest.mark.measures
def test_from_the_wheel_to_a_report_in_two_commands(
    elsewhere: tuple[Path, dict[str, str], Path], tmp_path: Path
) -> None:
    """``hotlap init``, ``hotlap run``: an app of somebody else's, no toolchain, no service, no repo."""
    _, env, _ = elsewhere
    assert not [which for which in ("cargo", "rustc") if shutil.which(which, path=env["PATH"])]
    (tmp_path / "main.py").write_text(APP)
    told = run("hotlap", "init", env=env, cwd=tmp_path)
    assert "main:app: fastapi, asgi; 1 of 2 routes" in told
    # With --quick, since the suite has to end; without it the same happens for longer.
    told = run("hotlap", "run", "--quick", env=env, cwd=tmp_path)
    [report] = tmp_path.glob("runs/*/report.html")
    assert str(report) in told
    assert "/lines/1" in report.read_text()
    written = json.loads(report.with_name("run.json").read_text())
    [lane] = written["lanes"]
    assert (lane["scenario"], lane["variant"], lane["error"]) == ("lines-last", "app", None)
    verdict = written["judgement"]["lanes"]["lines-last/app"]["verdict"]
    assert verdict["status"] == "ok", verdict
    assert lane["trials"][0]["requests"] > 0
    assert lane["trials"][0]["failures"] == 0
    [profile] = lane["profiles"]
    if os.geteuid() == 0:
        assert profile["error"] is None
        assert (report.parent / profile["svg"]).stat().st_size > 0
    else:
        assert "CAP_SYS_PTRACE" in profile["error"]


def test_service_wheel_without_a_toolchain(dist: Path, tmp_path: Path) -> None:
    python, env = without_rust(tmp_path)
    wheels = [next(dist.glob(f"{package}-*.whl")) for package in ("falcon_rsgi", "pyapp")]
    run(python, "-m", "pip", "install", "-q", *wheels, env=env, cwd=tmp_path)
    asked = "import pyapp._core as c; from pyapp.app import create_app; create_app(); print(c.build_profile)"
    assert run(python, "-c", asked, env=env, cwd=tmp_path).strip() == "release"
    # The ladder is nothing of the service's, and comes on top of it.
    run(
        python,
        "-c",
        "import importlib.util as u; assert u.find_spec('ladder') is None",
        env=env,
        cwd=tmp_path,
    )
    (wheel,) = dist.glob("pyapp_ladder-*.whl")
    run(python, "-m", "pip", "install", "-q", "--no-deps", wheel, env=env, cwd=tmp_path)
    asked = (
        "import ladder._rungs as r; from ladder.app import create_app; create_app(); print(r.build_profile)"
    )
    assert run(python, "-c", asked, env=env, cwd=tmp_path).strip() == "release"


def test_falcon_over_rsgi_comes_alone(dist: Path, tmp_path: Path) -> None:
    python, env = without_rust(tmp_path)
    (wheel,) = dist.glob("falcon_rsgi-*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    run(python, "-m", "pip", "install", "-q", wheel, env=env, cwd=tmp_path)
    asked = "import falcon_rsgi, importlib.util as u; falcon_rsgi.App(); assert u.find_spec('pyapp') is None"
    run(python, "-c", asked, env=env, cwd=tmp_path)


@pytest.mark.parametrize(
    ("package", "module"),
    [("pyapp", "pyapp._core"), ("hotlap", "hotlap._engine"), ("pyapp_ladder", "ladder._rungs")],
)
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
        assert any(name.endswith("licenses/LICENSE") for name in names), wheel.name
        if "none-any" not in wheel.name:
            assert any(name.endswith(".pyi") for name in names), wheel.name
            assert any(name.endswith("licenses/THIRD_PARTY.md") for name in names), wheel.name
    for sdist in dist.glob("*.tar.gz"):
        with tarfile.open(sdist) as archive:
            names = archive.getnames()
        assert any(name.endswith("/LICENSE") for name in names), sdist.name
        locked = any(name.endswith("Cargo.lock") for name in names)
        assert any(name.endswith("/THIRD_PARTY.md") for name in names) == locked, sdist.name
        assert locked == (not sdist.name.startswith("falcon_rsgi-")), sdist.name
        assert not [name for name in names if "/target/" in name or name.endswith(".so")], sdist.name
