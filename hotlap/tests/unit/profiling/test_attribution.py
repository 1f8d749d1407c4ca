"""Whose work a native stack is: the app's own Rust is found, and a closure goes by its function's name."""

from __future__ import annotations

from pathlib import Path

from hotlap._engine import Stacks
from hotlap.profiling.attribution import _innermost, crates, lines_of, owner


def test_a_closure_goes_by_the_function_that_it_is_written_in() -> None:
    places = [
        ("cpualloc", "native.py:104"),
        ("fold_clone", "src/fold.rs:65"),
        ("fold_with<…>", "src/fold.rs:133"),
        ("{closure#0}<…> in fold.rs", "src/fold.rs:134"),
        None,
        ("{closure#0} in fold.rs", "src/fold.rs:68"),
        None,
    ]
    assert _innermost(places) == ("fold_clone", "src/fold.rs:68")
    assert _innermost(places[:4]) == ("fold_with<…>", "src/fold.rs:134")
    assert _innermost(places[:1]) == ("cpualloc", "native.py:104")
    assert _innermost([None]) is None
    alone = ("{closure#0} in fold.rs", "src/fold.rs:68")
    assert _innermost([alone]) == alone


def test_crates_of_an_app_are_found_but_not_those_of_packages(tmp_path: Path) -> None:
    for folder in ("core", "native/inner", ".venv/lib/python3.11/site-packages/other", "a/b/c"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "Cargo.toml").write_text("")
    assert crates(tmp_path) == (tmp_path / "core", tmp_path / "native" / "inner")


def test_glue_and_core_of_one_name_each_have_their_place(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text("")
    for file in ("src/python/glue.rs", "src/fold.rs"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("")
    recorded = tmp_path / "recorded.txt"
    outer, inner = (f"fold ({tmp_path}/src/{file})" for file in ("python/glue.rs:9", "fold.rs:3"))
    recorded.write_text(f"{outer};{inner} 5\n")
    stacks = Stacks.read(recorded).clean()
    ((frames, _),) = lines_of(stacks)
    assert [owner(stacks, tmp_path)(frame) for frame in frames] == [
        ("fold", "src/python/glue.rs:9"),
        ("fold", "src/fold.rs:3"),
    ]
