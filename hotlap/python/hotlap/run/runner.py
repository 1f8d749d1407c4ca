"""A run: all jobs over all lanes, into one folder. What was measured stays, whatever happens next."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from hotlap._engine import Stacks
from hotlap.evidence.profile import Profile, ProfileDiff
from hotlap.experiment import Experiment, Lane
from hotlap.files import write_whole
from hotlap.load.locust_pool import LocustPool
from hotlap.load.trial import LoadError, Offered, Timing, measure, write_histogram
from hotlap.profiling.debugging import debug_settings
from hotlap.profiling.probe import probe
from hotlap.profiling.profile import Shot, compare, diff_frames, record
from hotlap.profiling.recorders import chosen
from hotlap.profiling.statements import statements
from hotlap.run import result
from hotlap.run.folder import RunFolder
from hotlap.run.jobs import Compare, Job, Measure, Record, Verify, missing, plan, window_s
from hotlap.run.options import Options
from hotlap.run.preflight import look
from hotlap.run.result import LaneResult, RunResult, Settings
from hotlap.serving.answers import ROWS, Answers, ask_again
from hotlap.serving.environment import environment
from hotlap.serving.locks import Locks, read_locks, since
from hotlap.serving.request import as_sent
from hotlap.serving.server import Served, served
from hotlap.serving.verify import VerifyError, disagreements
from hotlap.serving.ways import ServeError

_DIFF_FRAMES = 20


class Progress(Protocol):
    """Who is told how a run gets on."""

    def begin(self, jobs: Sequence[Job]) -> None:
        """The jobs that will be done."""

    def start(self, job: Job) -> None:
        """A job starts."""

    def end(self, job: Job, problem: str | None) -> None:
        """A job has ended; ``problem`` says why it gave nothing."""


def new_run(experiment: Experiment, lanes: Iterable[Lane], options: Options) -> RunResult:
    """A run of which nothing is measured yet.

    Raises:
        BuildError: an extension is missing, or is a debug build.
        PreflightError: what is to serve a lane, or to profile it, is missing.
    """
    lanes = list(lanes)
    served = look(experiment, lanes, options)
    return RunResult(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        name=experiment.name,
        environment=environment(experiment),
        settings=Settings(
            options=options,
            baseline=experiment.baseline,
            candidate=experiment.candidate,
            fail_if=list(experiment.fail_if),
            reference=experiment.reference,
            reference_title=experiment.reference_title,
        ),
        lanes=[
            LaneResult(
                scenario=lane.scenario,
                variant=lane.variant,
                path=lane.hide(lane.asks),
                suite=lane.suite,
                title=lane.title,
                served=served[lane.name],
            )
            for lane in lanes
        ],
    )


def look_again(experiment: Experiment, run: RunResult, lanes: Iterable[Lane]) -> None:
    """Find out once more what serves the lanes of a run that is to be resumed.

    Raises:
        PreflightError: what is to serve a lane, or to profile it, is missing.
        result.ResultError: the run does not hold its options.
    """
    served = look(experiment, lanes, options_of(run))
    for row in run.lanes:
        if row.served is None or not row.trials:
            row.served = served[row.name]


def options_of(run: RunResult) -> Options:
    """The options that a run was made with, to resume it.

    Raises:
        result.ResultError: the run does not say.
    """
    if run.settings.options is None:
        raise result.ResultError("this run cannot be resumed: it does not hold its options")
    return run.settings.options


class Runner:
    """Does a run's jobs, one after the other, and writes ``run.json`` after each."""

    def __init__(self, experiment: Experiment, run: RunResult, folder: Path, progress: Progress) -> None:
        self._experiment = experiment
        self._run = run
        self._folder = RunFolder(folder)
        self._progress = progress
        self._options = options_of(run)
        lanes = [self._options.lane_of(experiment.lane(row.name)) for row in run.lanes]
        self._lanes = [as_sent(lane, self._options.engine) for lane in lanes]
        self._answers: dict[str, Answers] = {}
        """What the lanes that were verified answer, by their names."""

    def go(self) -> None:
        """Do what the run has no result of yet. Ctrl-C ends it and keeps what there is.

        Raises:
            OSError: a file of the run cannot be written; what was measured until then is in the run.
        """
        self._run.interrupted = False
        jobs = missing(plan(self._experiment, self._lanes, self._options), self._run)
        for job in jobs:
            self._row(job.lane).error = None
        self._progress.begin(jobs)
        try:
            with LocustPool() as pool:
                for job in jobs:
                    if isinstance(job, Verify):
                        self._do(job, pool)
                self._verify_again()
                self._compare_variants()
                for job in jobs:
                    if not isinstance(job, Verify):
                        self._do(job, pool)
        except KeyboardInterrupt:
            self._stopped(jobs)
        except OSError:
            self._stopped(jobs)
            raise
        result.write(self._run, self._folder.path)

    def _stopped(self, jobs: Sequence[Job]) -> None:
        self._run.interrupted = True
        for job in jobs:
            row = self._row(job.lane)
            if not row.of_role():
                row.error = row.error or "the run was stopped before this lane was measured"

    def _row(self, lane: Lane) -> LaneResult:
        row = self._run.lane(lane.name)
        assert row is not None
        return row

    def _do(self, job: Job, pool: LocustPool) -> None:
        row = self._row(job.lane)
        self._progress.start(job)
        problem = row.error if not isinstance(job, Verify) and row.error else self._done(job, row, pool)
        self._progress.end(job, problem)
        result.write(self._run, self._folder.path)

    def _done(self, job: Job, row: LaneResult, pool: LocustPool) -> str | None:
        """Do a job; why it gave nothing, if so."""
        match job:
            case Verify():
                return self._verify(job, row)
            case Measure():
                return self._measure(job, row, pool)
            case Record():
                return self._record(job, row, pool)
            case Compare():
                return self._compare(job)

    def _verify(self, job: Verify, row: LaneResult) -> str | None:
        lane = job.lane
        try:
            with (
                probe() as own_probe,
                served(self._experiment, lane, env=own_probe.env(watch=True)) as server,
            ):
                answers = Answers(lane)
                counted = statements(own_probe, server, answers, self._root(lane))
                row.verified, row.statements = answers.verified, counted
                row.debug_settings = debug_settings(own_probe, server)
                self._answers[lane.name] = answers
        except (ServeError, VerifyError) as error:
            row.error = lane.hide(str(error))
        return row.error

    def _verify_again(self) -> None:
        """Ask servers of their own ports, later, so that what differs with these is not held against an answer."""

        def serve(lane: Lane, port: int | None) -> AbstractContextManager[Served]:
            return served(self._experiment, lane, port=port)

        problems = ask_again(list(self._answers.values()), serve)
        for name, answers in self._answers.items():
            row = self._row(answers.lane)
            row.verified = answers.verified
            row.error = problems.get(name)

    def _root(self, lane: Lane) -> Path:
        return Path(self._experiment.root, (lane.server or self._experiment.server).cwd or ".").resolve()

    def _compare_variants(self) -> None:
        verified = {row.name: row.verified for row in self._run.lanes if row.verified is not None}
        differing = disagreements(self._lanes, verified)
        for lane in self._lanes:
            if lane.name in differing:
                self._row(lane).error = differing[lane.name]

    def _measure(self, job: Measure, row: LaneResult, pool: LocustPool) -> str | None:
        lane, verified = job.lane, row.verified
        answer_s = verified.alone_ms / 1000 if verified else 0.0
        histogram = self._folder.histogram(lane, job.role, job.repeat)
        pool.load_ahead()
        try:
            with served(self._experiment, lane) as server:
                locks = self._locks(server, lane)
                measured = measure(
                    Offered(
                        lane=self._answers[lane.name].lane_at(server),
                        load=job.load,
                        engine=job.engine,
                        verified=verified,
                        body=self._answers[lane.name].body_at(server),
                        sample=self._answers[lane.name].sample(),
                        first=self._first(lane, row),
                    ),
                    server,
                    Timing(time_s=window_s(job.time_s, job.load, answer_s), warm_up_s=job.warm_up_s),
                    pool=pool,
                )
                if job.role == "measure":
                    row.locks = since(locks, self._locks(server, lane)) or row.locks
        except (ServeError, LoadError) as error:
            problem = lane.hide(str(error))
            if job.role == "measure":
                row.error = problem
            return problem
        row.trials.append(
            msgspec.structs.replace(
                measured.trial,
                role=job.role,
                repeat=job.repeat,
                histogram=self._folder.relative(histogram),
            )
        )
        write_histogram(measured.response, histogram)
        return None

    def _first(self, lane: Lane, row: LaneResult) -> int:
        """From where on values are taken: a server that runs on has seen those that came before."""
        if (lane.server or self._experiment.server).url is None:
            return 0
        drawn = [trial.drawn or 0 for trial in row.trials]
        # What a profile's load took is not counted: about as many as a trial's.
        return ROWS + sum(drawn) + len(row.profiles) * max(drawn, default=0)

    def _locks(self, server: Served, lane: Lane) -> Locks:
        path = self._experiment.metrics_path
        return read_locks(server.url, path, lane.variant, ca_file=server.ca_file) if path else {}

    def _record(self, job: Record, row: LaneResult, pool: LocustPool) -> str | None:
        pool.load_ahead()
        made = record(
            self._experiment,
            Offered(
                lane=job.lane,
                load=job.load,
                engine=job.engine,
                verified=row.verified,
                first=self._first(job.lane, row),
            ),
            Shot(
                mode=job.mode,
                profiler=chosen(job.mode, job.profiler),
                time_s=job.time_s,
                folder=self._folder.profiles(job.lane),
            ),
            pool,
            self._folder.path,
        )
        if made.error is not None:
            made = msgspec.structs.replace(made, error=job.lane.hide(made.error))
        row.profiles = [*(one for one in row.profiles if one.mode != job.mode), made]
        return made.error

    def _compare(self, job: Compare) -> str | None:
        made = difference(self._run, job.lane.name, job.after.name, self._folder)
        if made is None:
            return f"{job.lane.name} or {job.after.name} has no profile to compare"
        self._run.diffs.append(made)
        return None


def difference(run: RunResult, before: str, after: str, folder: RunFolder) -> ProfileDiff | None:
    """Draw what changed between the on-CPU profiles of two lanes of a run; ``None`` where one has none.

    Widths are microseconds of the server's CPU per request where both lanes have that figure, shares otherwise.
    """
    sides = [_on_cpu(run, name) for name in (before, after)]
    stacks = [Stacks.read(folder.path / side.collapsed) for side in sides if side and side.collapsed]
    if len(stacks) != 2:
        return None
    svg = folder.diff(before, after)
    made, unit = compare(
        stacks[0], stacks[1], [_cost_us(run, name) for name in (before, after)], (before, after)
    )
    svg.parent.mkdir(parents=True, exist_ok=True)
    write_whole(svg, made.svg(f"{before} → {after}", subtitle=unit))
    return ProfileDiff(
        a=before, b=after, unit=unit, svg=folder.relative(svg), frames=diff_frames(made, _DIFF_FRAMES)
    )


def _on_cpu(run: RunResult, name: str) -> Profile | None:
    lane = run.lane(name)
    profiles = lane.profiles if lane else []
    return next((one for one in profiles if one.mode == "on-cpu" and not one.error), None)


def _cost_us(run: RunResult, name: str) -> float | None:
    lane = run.lane(name)
    measured = lane.of_role() if lane else []
    return measured[-1].server_cpu_us_per_request if measured else None
