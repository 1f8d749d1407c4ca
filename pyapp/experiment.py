"""The registry as an experiment: the one file here that imports hotlap."""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

from hotlap.experiment import Expect, Experiment, ExperimentError, Lane, Load, Mode, Server
from pyapp.scenarios import DEFAULT_VARIANT, SCENARIOS, Scenario, lanes
from pyapp.settings import Settings, SettingsError, load


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


def _settings() -> Settings:
    try:
        return load(os.environ)
    except SettingsError as error:
        raise ExperimentError(str(error)) from error


experiment = create_experiment(settings=_settings())
"""The experiment with the environment's settings: with ``PYAPP_ITERATIONS=1000`` it iterates, and expects
the answer of, a thousand iterations."""
