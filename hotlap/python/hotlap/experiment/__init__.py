"""What is measured: the experiment as a value, and the ways to write one down."""

from hotlap.experiment.model import (
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
