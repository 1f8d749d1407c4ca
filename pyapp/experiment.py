"""The registry as an experiment: the one file here that imports hotlap."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import msgspec

from hotlap.experiment import Expect, Experiment, ExperimentError, Lane, Load, Mode, Server, Writes
from pyapp.scenarios import DEFAULT_VARIANT, SCENARIOS, Scenario, lanes
from pyapp.settings import Settings, SettingsError, load


def create_experiment(
    scenarios: Sequence[Scenario[Any, Any]] = SCENARIOS,
    given: Settings | None = None,
    *,
    app: str = "pyapp.app:create_app",
    extensions: tuple[str, ...] = ("pyapp._core",),
) -> Experiment:
    """The experiment that loads and profiles these scenarios, served by an app that has them."""
    settings = given or Settings()
    connections = str(settings.connections)
    return Experiment(
        name=app.partition(".")[0],
        server=Server(
            app=app,
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
                writes=_writes(scenario, variant, settings),
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
        extensions=extensions,
        reference={scenario.name: scenario.reference for scenario in scenarios if scenario.reference},
        reference_title="the article",
    )


def _writes(scenario: Scenario[Any, Any], variant: str, settings: Settings) -> Writes | None:
    """A write answers with the number that a read does, so that it is held against the same."""
    if scenario.writes is None or variant not in scenario.writing or settings.read_only:
        return None
    return Writes(share=scenario.writes.share, expect=Expect(body=scenario.expected(settings)))


def settings() -> Settings:
    """The environment's settings.

    Raises:
        ExperimentError: one of them cannot be.
    """
    try:
        return load(os.environ)
    except SettingsError as error:
        raise ExperimentError(str(error)) from error


experiment = create_experiment(SCENARIOS, settings())
"""The experiment with the environment's settings: with ``PYAPP_ITERATIONS=1000`` it iterates, and expects
the answer of, a thousand iterations."""
