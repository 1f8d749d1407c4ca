"""What runs in the app's interpreter needs its standard library alone, and is written for older Pythons."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotlap.experiment.interpreter import INSIDE, OLDEST
from hotlap.profiling import probe

SITE = Path(probe.__file__).with_name("site")
FILES = sorted([*INSIDE.glob("*.py"), *SITE.glob("*.py")])
BESIDE = {
    "allocations": {"memray"},
    "hotlap_probe": {"hotlap_routes", "hotlap_settings", "hotlap_statements"},
}
"""What a file imports beside the standard library when it is loaded: its own kind, or what it is there for."""


def imported(tree: ast.Module) -> Iterator[str]:
    """The packages that a module imports when it is loaded, not those within a function."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_needs_the_standard_library_alone(file: Path) -> None:
    tree = ast.parse(file.read_text(), str(file), feature_version=OLDEST)
    assert set(imported(tree)) - sys.stdlib_module_names - {"__future__"} <= BESIDE.get(file.stem, set())


def test_no_script_hides_a_module_of_the_standard_library() -> None:
    """A script's folder comes first on the path while it starts."""
    assert not {file.stem for file in FILES} & sys.stdlib_module_names
