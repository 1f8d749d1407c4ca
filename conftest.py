"""What holds for every test: those that share something costly run in one process, where several run side by side."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests that use a fixture of their module, so that each process does not make it anew."""
    for item in items:
        used = getattr(item, "_fixtureinfo", None)
        scopes = {one.scope for each in used.name2fixturedefs.values() for one in each} if used else set()
        if scopes & {"module", "class", "package"} and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
