"""What a run found: the form of ``run.json``. What was not measured is ``None``, never 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from hotlap.experiment import Mode

SCHEMA = 1

Severity = Literal["void", "doubtful", "finding"]
Scope = Literal["run", "lane", "profile"]
LimitedBy = Literal["server", "machine", "generator", "load"]
Role = Literal["measure", "a/a", "stock", "capacity"]


class ResultError(ValueError):
    """A run folder that cannot be read: the message says which file and why."""


class Spoken(msgspec.Struct, kw_only=True):
    """A rule that spoke."""

    name: str
    scope: Scope
    severity: Severity
    sentence: str
    evidence: dict[str, Any] = {}
    lane: str | None = None
    link: str | None = None
    """Where the evidence is: a fragment of the report (``#lane-cpu-native``) or a file of the run."""
    weight: float = 0.0
    """The weightiest findings come first."""


class Verdict(msgspec.Struct, kw_only=True):
    """Whether a lane's figures may be believed."""

    status: Literal["ok", "void"] = "ok"
    rules: list[Spoken] = []


class Percentiles(msgspec.Struct, kw_only=True):
    """Milliseconds. A percentile q with fewer than 10/(1-q) samples is ``None``."""

    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    p99_9: float | None = None
    max: float | None = None


class Point(msgspec.Struct, kw_only=True):
    """One second of a stretch."""

    t_s: float
    rps: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    in_flight: int | None = None
    failures: int = 0


class Part(msgspec.Struct, kw_only=True):
    """The requests of one name in a stretch: of its whole window, its warm-up included."""

    requests: int
    failures: int
    rps: float
    latency_ms: Percentiles


class Stretch(msgspec.Struct, kw_only=True):
    """One continuous measurement of one lane, on a freshly started server: an element of ``loads``."""

    engine: str
    model: str
    role: Role = "measure"
    repeat: int = 0
    started: str | None = None
    users: int | None = None
    wait_s: tuple[float, float] | None = None
    rate: float | None = None
    arrivals: str | None = None
    duration_s: float | None = None
    requests: int | None = None
    failures: int | None = None
    aborted: int | None = None
    not_offered: int | None = None
    rps: float | None = None
    latency_ms: Percentiles = msgspec.field(default_factory=Percentiles)
    parts: dict[str, Part] = {}
    """Where some requests write: those that read and those that write, each by its name."""
    service_ms: Percentiles | None = None
    connect_ms: Percentiles | None = None
    histogram: str | None = None
    """The response times' ``.hgrm``; the CSV beside it has the same name and ``.csv``."""
    server_cpu_us_per_request: float | None = None
    server_cpu_percent: float | None = None
    server_rss_bytes: int | None = None
    """Resident memory of all its processes when the window ended, still connected."""
    generator_cpu_percent: float | None = None
    limited_by: LimitedBy | None = None
    errors: dict[str, int] = {}
    series: list[Point] = []
    facts: dict[str, Any] = {}
    """Further evidence for rules, by name: generator lag, calibration, Little's law, steady state."""


class Frame(msgspec.Struct, kw_only=True):
    """A function of a profile. ``self_value`` and ``total_value`` are in the profile's unit."""

    name: str
    kind: str
    self_value: float
    total_value: float
    location: str | None = None


class Profile(msgspec.Struct, kw_only=True):
    """One profile of one lane."""

    profiler: str
    mode: Mode
    unit: str = "samples"
    collapsed: str | None = None
    svg: str | None = None
    raw: list[str] = []
    samples: int | None = None
    missed: int | None = None
    errors: int | None = None
    rate_hz: float | None = None
    rate_reached_hz: float | None = None
    duration_s: float | None = None
    requests: int | None = None
    slowdown: float | None = None
    unnamed_share: float | None = None
    probe: bool = False
    error: str | None = None
    """Why there is no profile, and what to do; the rest of the run went on."""
    frames: list[Frame] = []
    facts: dict[str, Any] = {}
    """Further evidence by name, such as the share of time in which the interpreter was held."""
    trust: Verdict = msgspec.field(default_factory=Verdict)


class LaneResult(msgspec.Struct, kw_only=True):
    """A row of the report."""

    scenario: str
    variant: str
    path: str
    suite: str = "default"
    title: str = ""
    error: str | None = None
    """Why the lane was not measured."""
    verified: dict[str, Any] | None = None
    """Status, body size and digest of the answer when it was verified."""
    loads: list[Stretch] = []
    profiles: list[Profile] = []
    facts: dict[str, Any] = {}
    """Further evidence by name. ``locks``: of each lock ``wait`` and ``hold``, each with ``bounds_s`` (upper
    bounds), ``counts`` (one a bucket, and one above the last bound) and ``total_s``. ``capacity``: what the
    search found, with ``rate`` (requests/s, or ``None``) and ``objective``."""
    verdict: Verdict = msgspec.field(default_factory=Verdict)

    @property
    def name(self) -> str:
        """``scenario/variant``."""
        return f"{self.scenario}/{self.variant}"

    def stretches(self, role: Role = "measure") -> list[Stretch]:
        """The stretches of one role."""
        return [stretch for stretch in self.loads if stretch.role == role]


class RunResult(msgspec.Struct, kw_only=True):
    """All stages over all lanes of an experiment."""

    schema: int = SCHEMA
    created: str
    name: str = ""
    environment: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    findings: list[Spoken] = []
    lanes: list[LaneResult] = []
    diffs: list[dict[str, Any]] = []
    """Differential flame graphs: ``a``, ``b``, ``mode``, ``unit``, ``svg``, ``frames`` (name, a, b)."""
    interrupted: bool = False

    def lane(self, name: str) -> LaneResult | None:
        """The lane of that name, or ``None``."""
        return next((lane for lane in self.lanes if lane.name == name), None)


def write(run: RunResult, folder: Path) -> Path:
    """Write ``run.json`` into the run's folder in one step, so that a cut leaves the older one whole."""
    target = folder / "run.json"
    partial = folder / "run.json.part"
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n")
    partial.replace(target)
    return target


def read(folder: Path) -> RunResult:
    """Read a run's folder (or its ``run.json``).

    Raises:
        ResultError: there is no ``run.json``, it is cut or malformed, or of another schema.
    """
    path = folder if folder.is_file() else folder / "run.json"
    try:
        run = msgspec.json.decode(path.read_bytes(), type=RunResult)
    except FileNotFoundError:
        raise ResultError(f"{folder} is not a run: it has no run.json") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise ResultError(f"{path} cannot be read: {error}") from None
    if run.schema != SCHEMA:
        raise ResultError(f"{path} has schema {run.schema}; this hotlap reads {SCHEMA}")
    return run
