"""The native module: as its stub says, detached while it works, whole after a panic, with honest loops."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from serving import ROOT, need, serve

from pyapp import _core

MODULES = {
    "pyapp._core": ROOT / "pyapp/_core.pyi",
    "ladder._rungs": ROOT / "ladder/python/ladder/_rungs.pyi",
    "hotlap._engine": ROOT / "hotlap/python/hotlap/_engine.pyi",
}


@pytest.mark.parametrize("module", MODULES)
def test_the_stub_is_what_the_module_has(module: str, tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    # PyO3 lists all that a module adds; a stub lists it by having it.
    allowed.write_text(r".*\.__all__" + "\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy.stubtest",
            module,
            "--allowlist",
            str(allowed),
            "--ignore-unused-allowlist",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", MODULES)
def test_the_stub_documents_all_of_it(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text())
    bare = []

    def look(node: ast.Module | ast.ClassDef, prefix: str) -> None:
        if not ast.get_docstring(node):
            bare.append(prefix)
        for child in node.body:
            if isinstance(child, ast.ClassDef):
                look(child, f"{prefix}.{child.name}")
            elif isinstance(child, ast.FunctionDef) and not (
                # How one is made may be said by its class.
                child.name == "__new__" or ast.get_docstring(child)
            ):
                bare.append(f"{prefix}.{child.name}")

    look(tree, module)
    assert bare == []


def test_the_module_is_built_as_it_ships() -> None:
    assert _core.build_profile == "release", "build it with `make build` or `maturin develop`"


def test_an_id_that_is_no_number_is_an_error_that_names_it() -> None:
    ids = _core.Ids(["1", "x" * 1000])
    for call in (ids.sum, lambda: ids.fold(1), lambda: ids.fold_clone(1)):
        with pytest.raises(ValueError, match=r'x{40}" is no number from 0 to 4294967295$'):
            call()
    assert ids.fold(0) == 0


@pytest.mark.parametrize(
    ("iterations", "error"), [(-1, OverflowError), (2**32, OverflowError), (2**21 + 1, ValueError)]
)
def test_iterations_are_bounded(iterations: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        _core.Ids(["1"]).fold(iterations)


def test_a_client_is_checked_and_compared_by_value() -> None:
    client = _core.Client(1, ["a"])
    assert client == _core.Client(1, ["a"])
    assert client != _core.Client(1, ["b"])
    assert repr(client) == 'Client(user_id=1, subscribed_topics=["a"])'
    client.subscribed_topics.append("b")
    assert client.subscribed_topics == ["a"]
    for user_id in (-1, 2**32):
        with pytest.raises(OverflowError):
            _core.Client(user_id, [])
    with pytest.raises(TypeError):
        _core.Client("1", [])  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        client.user_id = 2  # type: ignore[misc]


def test_a_full_map_is_an_error_and_stays_as_it_is() -> None:
    core = _core.ClientMap(1)
    assert core.limit == 1
    assert core.put("a", _core.Client(1, []))
    with pytest.raises(_core.FullError, match="takes 1 clients"):
        core.put("b", _core.Client(2, []))
    assert core.items() == [("a", _core.Client(1, []))]


def test_a_histogram_counts_seconds() -> None:
    times = _core.Histogram()
    assert len(times.bounds) == 24
    assert times.bounds == sorted(times.bounds)
    for seconds in (0, 1e-6, 0.05, 1000.0):
        times.observe(seconds)
    counts, total = times.snapshot()
    assert (counts[0], counts[times.bounds.index(0.05)], counts[-1]) == (2, 1, 1)
    assert total == pytest.approx(1000.050001)
    for bad in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="cannot be observed"):
            times.observe(bad)


@pytest.mark.measures
@pytest.mark.parametrize("rung", ["fold", "fold_clone"])
def test_the_loops_let_other_threads_run(rung: str) -> None:
    """A Python thread runs while the core folds; were the core attached, it would have to wait."""
    ids = _core.Ids(["1", "2", "3"] * 20)
    go, counted = threading.Event(), 0

    def count() -> None:
        nonlocal counted
        go.wait()
        counted += 1

    thread = threading.Thread(target=count)
    thread.start()
    interval = sys.getswitchinterval()
    # Nobody is made to give the interpreter up within so long a turn: it must be given freely.
    sys.setswitchinterval(30)
    try:
        go.set()
        assert counted == 0
        getattr(ids, rung)(1_000_000)
        assert counted == 1
    finally:
        sys.setswitchinterval(interval)
        thread.join()


def test_a_panic_is_an_error_like_others() -> None:
    with pytest.raises(_core.PanicError, match=r"^the core panicked: oh no$"):
        _core._panic("oh no")
    assert issubclass(_core.PanicError, Exception)


def test_a_panic_is_one_failed_request_and_the_service_lives() -> None:
    with serve(command=("tests/apps/panicking.py", "{port}")) as service:
        before = service.get("/native/fast")
        for _ in range(3):
            response = service.client.get("/native/panicking")
            assert response.status_code == 500
            assert response.headers["content-type"] == "application/problem+json"
            assert "panick" not in response.json()["detail"]
        assert service.get("/native/fast") == before
        put = service.client.put("/native/clients/x", json={"user_id": 1, "subscribed_topics": []})
        assert put.status_code == 201
        assert service.get("/read") == "7"
        assert service.metric("pyapp_request_failures_total", scenario="panicking", variant="native") == 3
        assert "PanicError: the core panicked: on purpose" in service.log()


@pytest.mark.slow
def test_the_clone_is_made_and_no_loop_is_folded_away() -> None:
    need(shutil.which("valgrind"), "valgrind is not installed")
    need(shutil.which("cargo"), "cargo is not installed")
    done = subprocess.run(
        [sys.executable, "scripts/callgrind", "--json"], cwd=ROOT, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    each = {}
    for rung, (first, second, third) in json.loads(done.stdout)["instructions"].items():
        # Each iteration costs the same: nothing was computed ahead or in closed form.
        assert third - second == pytest.approx(second - first, rel=0.01)
        each[rung] = (second - first) / 1000
    # Three ids an iteration: parsing one takes some ten instructions at least, allocating and freeing
    # a copy a hundred more.
    assert 30 < each["borrow"] < 300
    assert each["clone"] > each["borrow"] + 3 * 60
