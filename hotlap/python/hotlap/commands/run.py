"""``hotlap run``: measure and profile every lane, and write the report."""

from __future__ import annotations

import datetime
import random
import time
from itertools import chain, count
from pathlib import Path
from typing import get_args

import click
import msgspec
from rich.table import Table

from hotlap.analysis import judge
from hotlap.analysis.gate import hold, parse
from hotlap.experiment import Engine, Experiment, Lane, Mode, Profiler
from hotlap.experiment.config import load_experiment
from hotlap.files import try_folder
from hotlap.profiling.doctor import needed
from hotlap.report import ci_summary, render
from hotlap.report.terminal import Bar, show
from hotlap.run import result
from hotlap.run.folder import RunFolder
from hotlap.run.jobs import Measure, plan
from hotlap.run.options import ARTICLE_LOAD, TIMINGS, Options
from hotlap.run.preflight import PreflightError, look, said
from hotlap.run.runner import Runner, look_again, new_run, options_of
from hotlap.serving.environment import BuildError
from hotlap.serving.server import raise_file_limit
from hotlap.terminal import FAILED_GATE, PASSED_GATE, Terminal
from hotlap.usage import SHARE, LabError, Number


def _modes(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[Mode, ...] | None:
    if value is None:
        return None
    names = [name.strip() for name in value.split(",") if name.strip() not in ("", "none")]
    try:
        return msgspec.convert(names, tuple[Mode, ...])
    except msgspec.ValidationError:
        raise click.BadParameter(f"{value!r}: give some of {', '.join(get_args(Mode))}, or none") from None


@click.command
@click.argument("patterns", metavar="[LANE ...]", nargs=-1)
@click.option("--suite", help="The suite whose lanes are measured; without it, the first one.")
@click.option(
    "--quick",
    is_flag=True,
    help="A look, not figures to rely on: short trials, and profiles of the candidate's lanes only.",
)
@click.option("--preset", type=click.Choice(["article"]), help="The article's own load: 3000 users.")
@click.option("--profiles", metavar="MODE,...", callback=_modes, help="Instead of each lane's own; or: none.")
@click.option(
    "--profiler",
    type=click.Choice(get_args(Profiler)),
    help="Records the modes that it can, instead of each mode's own: perf sees all threads and the kernel.",
)
@click.option("--engine", type=click.Choice(get_args(Engine)), default="native", show_default=True)
@click.option("--repeat", type=click.IntRange(1, 1000), default=1, show_default=True)
@click.option(
    "--writes", type=SHARE, help="The share of writers in lanes that have some, such as 1%; 0% for none."
)
@click.option(
    "--time",
    "time_s",
    type=Number(0.1, 3600),
    metavar="S",
    help="How long each trial is measured, in seconds, instead of what fits the options above.",
)
@click.option(
    "--warm-up",
    "warm_up_s",
    type=Number(0, 3600),
    metavar="S",
    help="How long each lane is loaded, in seconds, before a trial is measured.",
)
@click.option("--seed", type=int, help="Of the order of repeated trials; drawn and recorded if not given.")
@click.option(
    "--allow-remote", is_flag=True, help="Load a server that is not on this machine: it must be yours."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, how long it takes and what it needs.")
@click.option("--resume", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
def command(
    patterns: tuple[str, ...],
    suite: str | None,
    quick: bool,
    preset: str | None,
    profiles: tuple[Mode, ...] | None,
    profiler: Profiler | None,
    engine: Engine,
    repeat: int,
    writes: float | None,
    time_s: float | None,
    warm_up_s: float | None,
    seed: int | None,
    allow_remote: bool,
    dry_run: bool,
    resume: Path | None,
    out: Path | None,
) -> None:
    """Measure and profile the lanes (all of a suite, or those that a pattern such as 'cpu/*' matches)."""
    if quick and preset:
        raise click.UsageError("--quick and --preset exclude each other")
    console = Terminal()
    experiment, root = load_experiment()
    if allow_remote:
        experiment = msgspec.structs.replace(experiment, allow_remote=True)
    conditions = [parse(text) for text in experiment.fail_if]
    raise_file_limit()
    if resume is not None:
        if any(
            (
                patterns,
                suite,
                quick,
                preset,
                profiles is not None,
                profiler,
                repeat > 1,
                time_s,
                warm_up_s is not None,
                writes is not None,
                out,
            )
        ):
            raise click.UsageError("--resume goes on with the run's own lanes and options: give it alone")
        folder, run = resume, result.read(resume)
        options = options_of(run)
        lanes = [experiment.lane(row.name) for row in run.lanes]
        if not dry_run:
            try:
                look_again(experiment, run, lanes)
            except PreflightError as error:
                raise LabError(str(error)) from None
    else:
        lanes = experiment.select(patterns, suite)
        timing = TIMINGS["quick" if quick else preset or "default"]
        options = Options(
            timing=msgspec.structs.replace(
                timing,
                time_s=time_s or timing.time_s,
                warm_up_s=timing.warm_up_s if warm_up_s is None else warm_up_s,
            ),
            engine=engine,
            load=ARTICLE_LOAD if preset == "article" else None,
            profiles=("on-cpu",) if quick and profiles is None else profiles,
            profiler=profiler,
            profile_variant=experiment.candidate if quick and profiles is None else None,
            repeat=repeat,
            writes=writes,
            seed=random.SystemRandom().randrange(2**31) if seed is None else seed,
            stock=preset == "article",
            noise=not quick,
        )
        if dry_run:
            _show_plan(console, experiment, lanes, options)
            return
        folder = out or _fresh(root / "runs")
        if RunFolder(folder).run_json.exists():
            raise click.UsageError(f"{folder} has a run already: give another --out, or go on with --resume")
        try_folder(folder)
        try:
            run = new_run(experiment, lanes, options)
        except (BuildError, PreflightError) as error:
            raise LabError(str(error)) from None
    if dry_run:
        _show_plan(console, experiment, lanes, options)
        return
    for line in said({row.name: row.served for row in run.lanes if row.served is not None}):
        console.print(line, soft_wrap=True)
    started = time.monotonic()
    with RunFolder(folder).owned():
        unwritten: OSError | None = None
        try:
            with Bar(console).shown() as bar:
                Runner(experiment, run, folder, bar).go()
        except OSError as error:
            unwritten = error
        judged = judge.judge(run)
        # What was measured is shown whatever can be written of it.
        show(judged, console)
        if unwritten is not None:
            raise unwritten
        judge.write(judged, folder)
        page = render(judged, folder)
    console.print(f"{time.monotonic() - started:.0f} s; the report: {page}", soft_wrap=True)
    if run.interrupted:
        raise LabError(f"stopped; what was measured is kept, go on with: hotlap run --resume {folder}")
    if not any(lane.trials for lane in run.lanes):
        raise LabError("no lane could be measured; the table has the reasons")
    gates = hold(conditions, judged, None)
    for gate in gates:
        console.print(PASSED_GATE if gate.passed else FAILED_GATE, f"{gate.condition}: {gate.sentence}")
    if gates:
        ci_summary.publish(ci_summary.markdown(gates, title=f"{run.name}, {run.created}"), None)
    if failed := [gate.condition for gate in gates if not gate.passed]:
        raise LabError("; ".join(failed))


def _fresh(runs: Path) -> Path:
    """A folder of the present second's name, that no run has yet."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    names = chain([stamp], (f"{stamp}-{again}" for again in count(2)))
    return next(folder for name in names if not (folder := runs / name).exists())


def _show_plan(console: Terminal, experiment: Experiment, lanes: list[Lane], options: Options) -> None:
    jobs = plan(experiment, lanes, options)
    made = Table(title=f"{experiment.name}: {len(lanes)} lanes", title_justify="left")
    for title in ("lane", "load", "trials", "profiles"):
        made.add_column(title)
    for lane in lanes:
        load = options.load_of(lane)
        if load.model == "open":
            offered = f"{load.rate:g} requests/s"
        else:
            offered = f"{load.users} users, wait {load.wait_s[0]:g}–{load.wait_s[1]:g} s"
        trials = sum(isinstance(job, Measure) and job.lane.name == lane.name for job in jobs)
        shown = ", ".join(options.profiles_of(lane)) or "—"
        made.add_row(lane.name, f"{load.model}: {offered}", str(trials), shown)
    console.print(made)
    minutes, seconds = divmod(round(sum(job.estimate_s for job in jobs)), 60)
    console.print(f"takes about {minutes}:{seconds:02d} min; engine {options.engine}; seed {options.seed}")
    try:
        for line in said(look(experiment, lanes, options)):
            console.print(line, soft_wrap=True)
    except PreflightError as error:
        console.print(f"missing: {error}", style="red", soft_wrap=True)
    modes = sorted({mode for lane in lanes for mode in options.profiles_of(lane)})
    for line in needed(modes):
        console.print(f"needs {line}")
    console.print(f"settings: {msgspec.json.encode(options).decode()}", style="dim", soft_wrap=True)
