"""What holds for every test: on a busy machine none fails for being slow, and those that share a fixture stay together."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests that use a fixture of their module: of several processes, one makes it."""
    for item in items:
        used = getattr(item, "_fixtureinfo", None)
        scopes = {one.scope for each in used.name2fixturedefs.values() for one in each} if used else set()
        if scopes & {"module", "class", "package"} and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
