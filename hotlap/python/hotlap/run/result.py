"""What a run saw, and how it was judged when it was written: the form of ``run.json``.

What was not measured is ``None``, never 0. Reading a run gives the evidence; what it means is judged anew
(``hotlap.analysis.judge``), so that an old run is judged by today's rules.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from hotlap.evidence.debugging import DebugSetting
from hotlap.evidence.environment import Environment
from hotlap.evidence.figures import Amount, Difference
from hotlap.evidence.load import Role, Trial
from hotlap.evidence.profile import Profile, ProfileDiff
from hotlap.evidence.service import LockTimes, ServedBy, StatementCounts, Verified
from hotlap.experiment import Arrivals
from hotlap.files import write_whole
from hotlap.run import schema1
from hotlap.run.checks import problems
from hotlap.run.folder import RunFolder
from hotlap.run.options import Options

SCHEMA = 2

Severity = Literal["void", "doubtful", "finding"]
Scope = Literal["run", "lane", "profile"]
LimitedBy = Literal["server", "machine", "generator", "load"]
Scalar = float | int | str | bool | None
RuleEvidence = dict[str, Scalar | dict[str, Scalar]]
"""The figures that a rule rests on, by name with the unit in it."""


class ResultError(ValueError):
    """A run folder that cannot be read: the message says which file and why."""


class RuleHit(msgspec.Struct, kw_only=True):
    """A rule that had something to say."""

    name: str
    scope: Scope
    severity: Severity
    sentence: str
    evidence: RuleEvidence = {}
    lane: str | None = None
    link: str | None = None
    """Where the evidence is: a fragment of the report (``#lane-cpu-native``) or a file of the run."""
    lanes: list[str] = []
    """Of what is said once for the run: the lanes that it is about."""
    weight: Difference = 0.0
    """The weightiest findings come first."""
    cause: str | None = None
    """What it comes down to, in words that hold for other lanes too."""


class Verdict(msgspec.Struct, kw_only=True):
    """Whether a lane's figures, or a profile, may be believed."""

    status: Literal["ok", "void"] = "ok"
    rules: list[RuleHit] = []


class LaneJudgement(msgspec.Struct, kw_only=True):
    """A lane as it was judged: what limited each trial, and which profiles may be believed, both in order."""

    verdict: Verdict
    limited_by: list[LimitedBy | None] = []
    profiles: list[Verdict] = []


class Judgement(msgspec.Struct, kw_only=True):
    """A run as it was judged when it was written, for other readers of ``run.json``: the lab judges anew."""

    doubts: list[RuleHit] = []
    """About several lanes."""
    findings: list[RuleHit] = []
    lanes: dict[str, LaneJudgement] = {}


class TriedRate(msgspec.Struct, frozen=True, kw_only=True):
    """A rate of arrivals that a search for the capacity tried."""

    rate: Amount
    met: bool
    misses: list[str] = []
    """Which terms of the objective were missed."""
    rps: Amount | None = None
    p50_ms: Amount | None = None
    p99_ms: Amount | None = None


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """What a search for a lane's capacity found."""

    objective: str
    arrivals: Arrivals | None = None
    rate: Amount | None = None
    """The highest that met the objective; ``None``: even the lowest that was tried missed it."""
    limited: str | None = None
    """Why the search ended short of a rate that misses."""
    knee: Amount | None = None
    """The rate beyond which latency leaves its floor."""
    tried: list[TriedRate] = []


class LaneResult(msgspec.Struct, kw_only=True):
    """What was seen of one lane."""

    scenario: str
    variant: str
    path: str
    suite: str = "default"
    title: str = ""
    error: str | None = None
    """Why the lane was not measured."""
    served: ServedBy | None = None
    """By which server, on which interpreter."""
    verified: Verified | None = None
    trials: list[Trial] = []
    profiles: list[Profile] = []
    locks: dict[str, LockTimes] = {}
    """By the lock's name."""
    statements: StatementCounts | None = None
    debug_settings: list[DebugSetting] | None = None
    """For development, that were on while it was verified; ``None`` where nobody could look."""
    capacity: Capacity | None = None

    @property
    def name(self) -> str:
        """``scenario/variant``."""
        return f"{self.scenario}/{self.variant}"

    def of_role(self, role: Role = "measure") -> list[Trial]:
        """The trials of one role."""
        return [trial for trial in self.trials if trial.role == role]


class Settings(msgspec.Struct, kw_only=True):
    """What a run was told: by its command, and by its experiment."""

    options: Options | None = None
    """``None`` in a run that no command made."""
    baseline: str = "python"
    candidate: str = "native"
    fail_if: list[str] = []
    reference: dict[str, dict[str, Difference | str]] = {}
    reference_title: str = ""


class RunResult(msgspec.Struct, kw_only=True):
    """What was seen of all lanes of an experiment."""

    schema: int = SCHEMA
    created: str
    """UTC, ISO 8601."""
    name: str = ""
    environment: Environment = msgspec.field(default_factory=Environment)
    settings: Settings = msgspec.field(default_factory=Settings)
    lanes: list[LaneResult] = []
    diffs: list[ProfileDiff] = []
    interrupted: bool = False
    judgement: Judgement | None = None

    def lane(self, name: str) -> LaneResult | None:
        """The lane of that name, or ``None``."""
        return next((lane for lane in self.lanes if lane.name == name), None)


def write(run: RunResult, folder: Path) -> Path:
    """Write ``run.json`` into the run's folder in one step, so that a cut leaves the older one whole."""
    target = RunFolder(folder).run_json
    write_whole(target, msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n")
    return target


class _AnySchema(msgspec.Struct):
    schema: int = 1


_REMEDY = "restore the file from where it came, or measure anew with `hotlap run`"


def read(folder: Path) -> RunResult:
    """Read a run's folder (or its ``run.json``), of this schema or the first.

    Raises:
        ResultError: there is no ``run.json``, it is cut or malformed, of another schema, or holds what no run has.
    """
    path = folder if folder.is_file() else RunFolder(folder).run_json
    try:
        if path.exists() and not path.is_file():
            raise ResultError(f"{path} is not a file: {_REMEDY}")
        text = path.read_bytes()
    except FileNotFoundError:
        raise ResultError(f"{folder} is not a run: it has no run.json") from None
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error.strerror}") from None
    try:
        run = _decoded(text, path)
    except msgspec.ValidationError as error:
        raise ResultError(f"{path}: {_said(error)}; {_REMEDY}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ResultError(f"{path} is cut off, or not JSON: {error}; {_REMEDY}") from None
    # A judgement holds what was made of the figures, of whatever size; it is made anew.
    seen = msgspec.structs.replace(run, judgement=None)
    if (problem := next(problems(seen), None)) is not None:
        raise ResultError(f"{path}: {problem}; {_REMEDY}")
    return run


def _decoded(text: bytes, path: Path) -> RunResult:
    schema = msgspec.json.decode(text, type=_AnySchema).schema
    if schema == schema1.SCHEMA:
        try:
            return msgspec.convert(schema1.converted(text), RunResult)
        except msgspec.ValidationError as error:
            # As the file itself calls them.
            raise msgspec.ValidationError(str(error).replace(".trials[", ".loads[")) from None
    if schema != SCHEMA:
        raise ResultError(f"{path} has schema {schema}; this hotlap reads {schema1.SCHEMA} and {SCHEMA}")
    return msgspec.json.decode(text, type=RunResult)


def _said(error: msgspec.ValidationError) -> str:
    """``lanes[0].trials[0].rps: expected `float`, got `str```."""
    why, _, place = str(error).partition(" - at `$")
    why = f"{why[0].lower()}{why[1:]}"
    return f"{place.rstrip('`').removeprefix('.')}: {why}" if place else why
