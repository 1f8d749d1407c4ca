"""The registry as an experiment: the one file here that imports hotlap."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from hotlap.experiment import Expect, Experiment, ExperimentError, Lane, Load, Mode, Server, Writes
from pyapp.scenarios import DEFAULT_VARIANT, SCENARIOS, Scenario, lanes
from pyapp.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from hotlap.users import NativeUser

USER_WAIT_S = 0.5
"""How long a Locust user waits between an answer and the next request, as the article's users do."""

USER_TIMEOUT_S = 300.0
"""How long a Locust user waits for an answer: `/read` makes each of 3000 wait for the others."""


def create_experiment(
    scenarios: Sequence[Scenario] = SCENARIOS, settings: Settings | None = None
) -> Experiment:
    """The experiment that loads and profiles these scenarios."""
    settings = settings or Settings()
    connections = str(settings.connections)
    return Experiment(
        name="pyapp",
        server=Server(
            app="pyapp.app:create_app",
            factory=True,
            interface=settings.interface,
            env=settings.environment(),
            granian_args=("--loop", "uvloop", "--backlog", connections, "--backpressure", connections),
            ready_path="/healthz",
        ),
        lanes=tuple(
            Lane(
                scenario=scenario.name,
                variant=variant,
                path=scenario.path(variant),
                suite=scenario.suite,
                title=scenario.title,
                expect=Expect(body=scenario.expected(settings)),
                load=Load(users=scenario.users),
                writes=_writes(scenario, settings),
                profiles=msgspec.convert(scenario.profiles, tuple[Mode, ...]),
            )
            for scenario, variant in lanes(scenarios)
        ),
        diffs=tuple(
            (f"{scenario.differs_from}/{DEFAULT_VARIANT}", f"{scenario.name}/{DEFAULT_VARIANT}")
            for scenario in scenarios
            if scenario.differs_from
        ),
        metrics_path="/metrics",
        extensions=("pyapp._core",),
        reference={scenario.name: scenario.reference for scenario in scenarios if scenario.reference},
        reference_title="the article",
    )


def _writes(scenario: Scenario, settings: Settings) -> Writes | None:
    """A write answers with the number that a read does, so that it is held against the same."""
    if not scenario.writes or settings.read_only:
        return None
    return Writes(share=scenario.writes, expect=Expect(body=scenario.expected(settings)))


def user_of(path: str) -> type[NativeUser]:
    """A Locust user that asks for a path as the article's users do."""
    # Locust patches the interpreter that imports it: only one that is to be Locust's may do so.
    from hotlap.users import NativeUser, Request

    name = re.sub(r"[^A-Za-z0-9]", "", path.title())
    declared = {
        "requests": [Request("GET", path)],
        "wait": (USER_WAIT_S, USER_WAIT_S),
        "timeout_s": USER_TIMEOUT_S,
    }
    return type(name, (NativeUser,), declared)


def users(scenarios: Sequence[Scenario] = SCENARIOS) -> dict[str, type[NativeUser]]:
    """A Locust user for each lane, by its class's name."""
    each = [user_of(scenario.path(variant)) for scenario, variant in lanes(scenarios)]
    return {one.__name__: one for one in each}


def _settings() -> Settings:
    try:
        return load(os.environ)
    except SettingsError as error:
        raise ExperimentError(str(error)) from error


experiment = create_experiment(settings=_settings())
"""The experiment with the environment's settings: with ``PYAPP_ITERATIONS=1000`` it iterates, and expects
the answer of, a thousand iterations."""
