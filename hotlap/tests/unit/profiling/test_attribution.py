"""Whose work a native stack is: the app's own Rust is found, and a closure goes by its function's name."""

from __future__ import annotations

from pathlib import Path

from hotlap.profiling.attribution import _innermost, crates


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
