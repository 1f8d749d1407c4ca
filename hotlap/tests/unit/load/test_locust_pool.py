"""When no Locust is loaded ahead, and what is said where there is none."""

from __future__ import annotations

import pytest

from hotlap.load.locust_pool import LocustPool, NoLocustError


def test_none_is_loaded_ahead_where_that_is_of_no_use() -> None:
    with LocustPool(ahead=False) as pool:
        pool.load_ahead()
        assert pool._spare is None


def test_without_locust_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotlap.load.locust_pool.find_spec", lambda name: None)
    with LocustPool() as pool:
        with pytest.raises(NoLocustError, match="-m pip install locust"), pool.locust():
            pass
        pool.load_ahead()
        assert pool._spare is None
