"""A run: all stages over all lanes, into one folder. What was measured stays, whatever happens next."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from hotlap.analysis import rules
from hotlap.experiment import Experiment, Lane
from hotlap.load.locust_pool import kept, load_ahead
from hotlap.load.trial import LoadError, run_stretch
from hotlap.profiling.probe import probe
from hotlap.profiling.profile import difference, record
from hotlap.profiling.recorders import chosen
from hotlap.profiling.statements import statements
from hotlap.run import result
from hotlap.run.jobs import Options, Task, missing, plan, window_s
from hotlap.run.result import LaneResult, RunResult
from hotlap.serving.environment import environment
from hotlap.serving.locks import Locks, read_locks, since
from hotlap.serving.server import Served, ServeError, served
from hotlap.serving.verify import VerifyError, disagreements, verify


class Progress(Protocol):
    """Who is told how a run gets on."""

    def begin(self, tasks: list[Task]) -> None:
        """The tasks that will be done."""

    def start(self, task: Task) -> None:
        """A task starts."""

    def end(self, task: Task, problem: str | None) -> None:
        """A task has ended; ``problem`` says why it gave nothing."""


def new_run(experiment: Experiment, lanes: Iterable[Lane], options: Options) -> RunResult:
    """A run of which nothing is measured yet.

    Raises:
        BuildError: an extension is missing, or is a debug build.
    """
    return RunResult(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        name=experiment.name,
        environment=environment(experiment),
        settings={
            "options": msgspec.to_builtins(options),
            "baseline": experiment.baseline,
            "candidate": experiment.candidate,
            "fail_if": list(experiment.fail_if),
            "reference": experiment.reference,
            "reference_title": experiment.reference_title,
        },
        lanes=[
            LaneResult(
                scenario=lane.scenario,
                variant=lane.variant,
                path=lane.path,
                suite=lane.suite,
                title=lane.title,
            )
            for lane in lanes
        ],
    )


def options_of(run: RunResult) -> Options:
    """The options that a run was made with, to resume it.

    Raises:
        result.ResultError: the run does not say.
    """
    try:
        return msgspec.convert(run.settings["options"], Options)
    except (KeyError, msgspec.ValidationError) as error:
        raise result.ResultError(
            f"this run cannot be resumed: its options are not readable ({error})"
        ) from None


class Runner:
    """Does a run's tasks, one after the other, and writes ``run.json`` after each."""

    def __init__(self, experiment: Experiment, run: RunResult, folder: Path, progress: Progress) -> None:
        self._experiment = experiment
        self._run = run
        self._folder = folder
        self._progress = progress
        self._options = options_of(run)
        self._lanes = {row.name: self._options.lane_of(experiment.lane(row.name)) for row in run.lanes}

    def go(self) -> None:
        """Do what the run has no result of yet, then judge it. Ctrl-C ends it and keeps what there is."""
        self._run.interrupted = False
        tasks = missing(plan(self._experiment, list(self._lanes.values()), self._options), self._run)
        for name in {task.lane for task in tasks}:
            self._row(name).error = None
        self._progress.begin(tasks)
        try:
            verifying = [task for task in tasks if task.stage == "verify"]
            for task in verifying:
                self._do(task)
            self._compare_variants()
            with kept():
                for task in tasks:
                    if task.stage != "verify":
                        self._do(task)
        except KeyboardInterrupt:
            self._run.interrupted = True
            for name in {task.lane for task in tasks}:
                row = self._row(name)
                if not row.stretches():
                    row.error = row.error or "the run was stopped before this lane was measured"
        rules.apply(self._run)
        result.write(self._run, self._folder)

    def _row(self, name: str) -> LaneResult:
        row = self._run.lane(name)
        assert row is not None
        return row

    def _do(self, task: Task) -> None:
        row, lane = self._row(task.lane), self._lanes[task.lane]
        self._progress.start(task)
        stages: dict[str, Callable[[Task, Lane, LaneResult], str | None]] = {
            "verify": self._verify,
            "load": self._load,
            "profile": self._profile,
            "diff": self._diff,
        }
        problem = row.error if task.stage != "verify" and row.error else stages[task.stage](task, lane, row)
        self._progress.end(task, problem)
        result.write(self._run, self._folder)

    def _verify(self, task: Task, lane: Lane, row: LaneResult) -> str | None:
        try:
            with (
                probe() as own_probe,
                served(self._experiment, lane, env=own_probe.env(statements=True)) as server,
            ):
                row.verified = verify(server, lane)
                if (sent := statements(own_probe, server, lane, self._root(lane))) is not None:
                    row.facts["statements"] = sent
        except (ServeError, VerifyError) as error:
            row.error = str(error)
        return row.error

    def _root(self, lane: Lane) -> Path:
        return Path(self._experiment.root, (lane.server or self._experiment.server).cwd or ".").resolve()

    def _compare_variants(self) -> None:
        verified = {row.name: row.verified for row in self._run.lanes if row.verified is not None}
        for name, sentence in disagreements(list(self._lanes.values()), verified).items():
            self._row(name).error = sentence

    def _load(self, task: Task, lane: Lane, row: LaneResult) -> str | None:
        timing, load = self._options.timing, self._options.load_of(lane)
        answer_s = (row.verified or {}).get("alone_ms", 0.0) / 1000
        stem = "-".join([lane.scenario, lane.variant, task.role.replace("/", ""), str(task.repeat)])
        load_ahead()
        try:
            with served(self._experiment, lane) as server:
                locks = self._locks(server, lane)
                stretch = run_stretch(
                    lane,
                    server,
                    engine="http" if task.role == "stock" else self._options.engine,
                    load=load,
                    time_s=window_s(timing.time_s, load, answer_s),
                    warm_up_s=timing.warm_up_s,
                    out=self._folder / "histograms" / stem,
                    verified=row.verified,
                    role=task.role,
                    repeat=task.repeat,
                )
                if task.role == "measure" and (used := since(locks, self._locks(server, lane))):
                    row.facts["locks"] = used
        except (ServeError, LoadError) as error:
            if task.role == "measure":
                row.error = str(error)
            return str(error)
        row.loads.append(stretch)
        return None

    def _locks(self, server: Served, lane: Lane) -> Locks:
        path = self._experiment.metrics_path
        return read_locks(server.url + path, lane.variant, ca_file=server.ca_file) if path else {}

    def _profile(self, task: Task, lane: Lane, row: LaneResult) -> str | None:
        assert task.mode is not None
        load_ahead()
        measured = row.stretches()
        made = record(
            self._experiment,
            lane,
            mode=task.mode,
            profiler=chosen(task.mode, self._options.profiler or lane.profiler),
            time_s=self._options.timing.profile_s,
            out=self._folder / "profiles" / f"{lane.scenario}-{lane.variant}",
            load=self._options.load_of(lane),
            engine=self._options.engine,
            baseline=measured[-1] if measured else None,
            verified=row.verified,
        )
        row.profiles = [one for one in row.profiles if one.mode != task.mode] + made
        return next((one.error for one in made if one.error), None)

    def _diff(self, task: Task, lane: Lane, row: LaneResult) -> str | None:
        assert task.against is not None
        made = difference(self._run, task.lane, task.against, self._folder)
        if made is None:
            return f"{task.lane} or {task.against} has no profile to compare"
        self._run.diffs.append(made)
        return None
