"""The rungs as an experiment."""

from __future__ import annotations

from ladder.scenarios import SCENARIOS
from pyapp.experiment import create_experiment, settings

experiment = create_experiment(
    SCENARIOS, settings(), app="ladder.app:create_app", extensions=("pyapp._core", "ladder._rungs")
)
