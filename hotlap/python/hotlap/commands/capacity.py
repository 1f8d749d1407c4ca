"""``hotlap capacity``: the highest rate of arrivals at which a lane meets an objective."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Literal

import click
import msgspec
from rich.table import Table

from hotlap.analysis import capacity, judge
from hotlap.analysis.judged import JudgedTrial
from hotlap.analysis.trials import judged_trial
from hotlap.experiment import Load
from hotlap.experiment.config import load_experiment
from hotlap.experiment.model import MOST_A_SECOND, MOST_USERS
from hotlap.files import try_folder
from hotlap.load.locust_pool import LocustPool
from hotlap.load.trial import LoadError, Offered, Timing, measure, write_histogram
from hotlap.report import render
from hotlap.run import result
from hotlap.run.folder import RunFolder
from hotlap.run.options import TIMINGS, Options
from hotlap.run.preflight import PreflightError
from hotlap.run.result import Capacity, TriedRate
from hotlap.run.runner import new_run
from hotlap.serving.answers import Answers, learn
from hotlap.serving.environment import BuildError
from hotlap.serving.server import raise_file_limit, served
from hotlap.serving.verify import VerifyError
from hotlap.serving.ways import ServeError
from hotlap.terminal import Terminal
from hotlap.usage import LabError, Number

_WARM_UP_S = 1.0
_LONGEST_S = 120.0
_SPARE = 2.0
"""A slow rate is measured for longer than asked, so that the objective's percentile has samples enough."""


@click.command
@click.argument("name", metavar="LANE")
@click.option("--slo", required=True, help="Such as 'p99 < 100 ms, failures < 0.1%'.")
@click.option(
    "--arrivals", type=click.Choice(["even", "exponential"]), default="exponential", show_default=True
)
@click.option("--start", type=Number(0, MOST_A_SECOND, min_open=True), default=10.0, show_default=True)
@click.option("--highest", type=Number(0, MOST_A_SECOND, min_open=True), default=100_000.0, show_default=True)
@click.option("--time", "time_s", type=Number(1, 3600), default=10.0, show_default=True)
@click.option("--precision", type=Number(0.001, 0.5), default=0.03, show_default=True)
@click.option("--repeats", type=click.IntRange(1, 20), default=2, show_default=True, help="At the edge.")
@click.option("--max-in-flight", type=click.IntRange(1, MOST_USERS), default=2000, show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
def command(
    name: str,
    slo: str,
    arrivals: Literal["even", "exponential"],
    start: float,
    highest: float,
    time_s: float,
    precision: float,
    repeats: int,
    max_in_flight: int,
    out: Path | None,
) -> None:
    """Search the highest arrival rate at which LANE meets the objective, and draw latency over rate."""
    console = Terminal()
    try:
        objective = capacity.Objective.parse(slo)
    except capacity.ObjectiveError as error:
        raise click.UsageError(str(error)) from None
    experiment, root = load_experiment()
    lane = experiment.lane(name)
    raise_file_limit()
    folder = out or root / "runs" / datetime.datetime.now().strftime("%Y%m%d-%H%M%S-capacity")
    if RunFolder(folder).run_json.exists():
        raise click.UsageError(f"{folder} has a run already: give another --out")
    try_folder(folder)
    options = Options(timing=TIMINGS["default"], engine="native", profiles=(), noise=False)
    try:
        run = new_run(experiment, [lane], options)
    except (BuildError, PreflightError) as error:
        raise LabError(str(error)) from None
    row = run.lanes[0]

    files = RunFolder(folder)
    answers: Answers | None = None

    def measure_at(rate: float, pool: LocustPool) -> JudgedTrial:
        load = Load(
            model="open",
            rate=rate,
            arrivals=arrivals,
            max_in_flight=max_in_flight,
            timeout_s=lane.load.timeout_s,
        )
        number = len(row.trials)
        histogram = files.histogram(lane, "capacity", number)
        pool.load_ahead()
        assert answers is not None
        with served(experiment, lane) as server:
            measured = measure(
                Offered(
                    lane=lane,
                    load=load,
                    engine="native",
                    verified=row.verified,
                    body=answers.body_at(server),
                    sample=answers.sample(),
                ),
                server,
                Timing(
                    time_s=min(
                        max(time_s, _SPARE * objective.needs_requests() / rate), max(time_s, _LONGEST_S)
                    ),
                    warm_up_s=_WARM_UP_S,
                    # Another try is another sample: with the same gaps again it would prove nothing.
                    seed=number,
                ),
                pool=pool,
            )
        row.trials.append(
            msgspec.structs.replace(
                measured.trial, role="capacity", repeat=number, histogram=files.relative(histogram)
            )
        )
        judged = judged_trial(row.trials[-1])
        misses = objective.misses(judged)
        said = f"misses: {', '.join(misses)}" if misses else "meets the objective"
        console.print(f"{rate:10.4g}/s  {said}")
        write_histogram(measured.response, histogram)
        return judged

    try:
        with files.owned(), LocustPool() as pool:
            answers = learn(lane, lambda lane, port: served(experiment, lane, port=port))
            row.verified = answers.verified
            found = capacity.search(
                lambda rate: measure_at(rate, pool),
                objective,
                start=start,
                highest=highest,
                precision=precision,
                repeats=repeats,
            )
    except (ServeError, LoadError, VerifyError) as error:
        row.error = lane.hide(str(error))
        result.write(run, folder)
        raise LabError(row.error) from None
    row.capacity = Capacity(
        objective=found.objective,
        arrivals=arrivals,
        rate=found.rate,
        limited=found.limited,
        knee=found.knee,
        tried=[
            TriedRate(
                rate=one.rate,
                met=one.met,
                misses=one.misses,
                rps=one.trial.evidence.rps,
                p50_ms=one.trial.latency_ms.p50,
                p99_ms=one.trial.latency_ms.p99,
            )
            for one in sorted(found.tried, key=lambda one: one.rate)
        ],
    )
    console.print(_table(found))
    if found.rate is not None:
        console.print(f"{lane.name} meets '{slo}' up to {found.rate:.4g} {arrivals} arrivals a second")
        if found.limited is not None:
            console.print(found.limited)
    judged = judge.judge(run)
    judge.write(judged, folder)
    page = render(judged, folder)
    console.print(f"the report: {page}", soft_wrap=True)
    if found.rate is None:
        raise LabError(f"{lane.name} misses '{slo}' even at {min(one.rate for one in found.tried):.4g}/s")


def _table(found: capacity.Found) -> Table:
    table = Table()
    for title in ("rate/s", "answered/s", "p50 ms", "p99 ms", "meets it"):
        table.add_column(title, justify="right")
    for one in sorted(found.tried, key=lambda one: one.rate):
        latency = one.trial.latency_ms
        shown = [f"{value:.4g}" if value is not None else "—" for value in (latency.p50, latency.p99)]
        met = "yes" if one.met else "; ".join(one.misses)
        table.add_row(f"{one.rate:.4g}", f"{one.trial.evidence.rps or 0:.4g}", *shown, met)
    return table
