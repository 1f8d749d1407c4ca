"""Locust users, one for each scenario and lane, derived from the registry.

For the files in ``locust/``; Locust itself is no dependency of the service.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from locust import FastHttpUser, constant, task

from pyapp.scenarios import SCENARIOS, Scenario, lanes

WAIT_S = 0.5
"""How long a user waits between an answer and the next request, as the article's users do."""


def user_of(path: str) -> type[FastHttpUser]:
    """A user that asks for a path again and again."""

    class LaneUser(FastHttpUser):
        wait_time = constant(WAIT_S)

        @task
        def ask(self) -> None:
            self.client.get(path)

    LaneUser.__name__ = LaneUser.__qualname__ = re.sub(r"[^A-Za-z0-9]", "", path.title())
    return LaneUser


def user(name: str) -> type[FastHttpUser]:
    """The user of the scenario of that name, at the address that the article prints: ``/NAME``."""
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
    return user_of(f"/{scenario.name}")


def users(scenarios: Sequence[Scenario] = SCENARIOS) -> dict[str, type[FastHttpUser]]:
    """A user for each lane, by its class's name."""
    each = [user_of(scenario.path(variant)) for scenario, variant in lanes(scenarios)]
    return {one.__name__: one for one in each}
