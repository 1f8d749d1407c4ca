"""Which objects of a folder look like an app, by their source alone."""

from __future__ import annotations

from pathlib import Path

from hotlap.experiment import discover

STARLETTE = "from starlette.applications import Starlette\napp = Starlette()\n"


def test_the_likeliest_app_comes_first(tmp_path: Path) -> None:
    package = tmp_path / "src" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "main.py").write_text(STARLETTE)
    (package / "other.py").write_text(STARLETTE)
    (tmp_path / "broken.py").write_text("def (")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "app.py").write_text(STARLETTE)
    assert discover.objects(tmp_path) == ["shop.main:app", "shop.other:app"]
