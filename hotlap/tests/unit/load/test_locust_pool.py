"""When no Locust is loaded ahead, and what is said where there is none."""

from __future__ import annotations

import pytest

from hotlap.load import locust_pool as ready
from hotlap.load.locust_pool import NoLocustError, kept, load_ahead, locust


def test_none_is_loaded_ahead_unless_it_is_kept() -> None:
    load_ahead()
    assert ready._spare is None


def test_without_locust_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotlap.load.locust_pool.find_spec", lambda name: None)
    with pytest.raises(NoLocustError, match="-m pip install locust"), locust():
        pass
    with kept():
        load_ahead()
    assert ready._spare is None
