"""Whose work a native stack is: the app's own Rust is found, and a closure goes by its function's name."""

from __future__ import annotations

from pathlib import Path

from hotlap._engine import Stacks
from hotlap.evidence.profile import WorkKind, WorkShare
from hotlap.profiling.attribution import _innermost, crates, lines_of, of_stacks, owner


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


def work(root: Path, *stacks: tuple[str, int]) -> dict[WorkKind, WorkShare]:
    """The kinds of work of recorded stacks; ``shop.py`` is the app's."""
    (root / "shop.py").write_text("")
    recorded = root / "recorded.txt"
    recorded.write_text("".join(f"{frames.replace('ROOT', str(root))} {count}\n" for frames, count in stacks))
    return {one.kind: one for one in of_stacks(Stacks.read(recorded).clean(), root).kinds}


SITE = "/venv/lib/python3.11/site-packages"
RENDER = f"page (ROOT/shop.py:9);Template.render ({SITE}/django/template/base.py:171)"


def test_what_a_template_asks_for_is_not_the_templates(tmp_path: Path) -> None:
    found = work(
        tmp_path,
        (f"{RENDER};QuerySet.__iter__ ({SITE}/django/db/models/query.py:400)", 80),
        (f"{RENDER};Node.render ({SITE}/django/template/base.py:1000)", 15),
        (f"{RENDER};copy (/usr/lib/python3.11/copy.py:66)", 5),
    )
    templates, sql = found[WorkKind.TEMPLATES], found[WorkKind.SQL]
    assert (templates.share, templates.alone) == (1.0, 0.2)
    assert (sql.share, sql.alone) == (0.8, 0.8)


def test_who_asks_for_json(tmp_path: Path) -> None:
    loads = "loads (/usr/lib/python3.11/json/__init__.py:346)"
    found = work(
        tmp_path,
        (f"page (ROOT/shop.py:9);{loads};JSONDecoder.decode (/usr/lib/python3.11/json/decoder.py:337)", 10),
        (f"page (ROOT/shop.py:9);DefaultJSONProvider.dumps ({SITE}/flask/json/provider.py:179);{loads}", 20),
        (
            f"page (ROOT/shop.py:9);JSONFileLoader.load_file ({SITE}/botocore/loaders.py:180);"
            f"helped (/usr/lib/python3.11/functools.py:3);{loads}",
            65,
        ),
        (f"JSONFileLoader.other ({SITE}/botocore/loaders.py:190);{loads}", 5),
    )
    told = [(one.library, one.function, round(one.share, 2)) for one in found[WorkKind.JSON].callers]
    assert told == [
        ("botocore", "JSONFileLoader.load_file (botocore/loaders.py:180)", 0.7),
        ("flask", "DefaultJSONProvider.dumps (flask/json/provider.py:179)", 0.2),
        (None, "page (shop.py:9)", 0.1),
    ]
