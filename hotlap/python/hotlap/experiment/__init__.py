"""What is measured: the experiment as a value, and the ways to write one down."""

from hotlap.experiment.model import (
    Arrivals,
    Engine,
    Expect,
    Experiment,
    ExperimentError,
    Interface,
    Lane,
    Load,
    Mode,
    Model,
    Profiler,
    Server,
    Writes,
)

__all__ = [
    "Arrivals",
    "Engine",
    "Expect",
    "Experiment",
    "ExperimentError",
    "Interface",
    "Lane",
    "Load",
    "Mode",
    "Model",
    "Profiler",
    "Server",
    "Writes",
]
