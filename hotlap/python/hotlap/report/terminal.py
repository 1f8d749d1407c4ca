"""A run in the terminal: the progress while it goes on, the table of its lanes at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich import progress as bars
from rich.box import SIMPLE_HEAD
from rich.table import Table

from hotlap.analysis.causes import causes
from hotlap.analysis.judged import JudgedRun, JudgedTrial
from hotlap.evidence.load import StreamFigures
from hotlap.evidence.words import held
from hotlap.run.jobs import Job
from hotlap.terminal import FAILED, OK, Terminal, visible


class Bar:
    """Tells a terminal how a run gets on: what is done now, how much is left, how long it takes."""

    def __init__(self, console: Terminal) -> None:
        self._console = console
        self._bar = bars.Progress(
            bars.SpinnerColumn(),
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(bar_width=None),
            bars.MofNCompleteColumn(),
            bars.TimeElapsedColumn(),
            bars.TextColumn("{task.fields[left]}", style="dim", markup=False),
            console=console,
        )
        self._jobs: list[Job] = []
        self._problems: set[str] = set()
        self._id: bars.TaskID | None = None

    @contextmanager
    def shown(self) -> Iterator[Bar]:
        """Show the bar while the block runs."""
        with self._bar:
            yield self

    def begin(self, jobs: Sequence[Job]) -> None:
        self._jobs = list(jobs)
        self._id = self._bar.add_task("", total=len(jobs), left="")

    def start(self, job: Job) -> None:
        assert self._id is not None
        left_s = sum(one.estimate_s for one in self._jobs)
        self._bar.update(self._id, description=visible(job.title), left=f"about {duration(left_s)} left")

    def end(self, job: Job, problem: str | None) -> None:
        assert self._id is not None
        self._jobs.remove(job)
        self._bar.advance(self._id)
        self._console.print(OK if problem is None else FAILED, job.title)
        if problem is not None:
            said = "for the same reason" if problem in self._problems else problem
            self._problems.add(problem)
            self._console.print(f"  {said}", style="red", soft_wrap=True)


FINDINGS = 5
"""How many findings the terminal shows; the report has all."""


def duration(seconds: float) -> str:
    """Seconds as a person reads them: ``1:05 min``, ``40 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"


def _figure(value: float | None, digits: int = 0) -> str:
    return "—" if value is None else f"{value:,.{digits}f}"


def _ms(value: float | None) -> str:
    return _figure(value, 0 if value is not None and value >= 100 else 2)


def show(run: JudgedRun, console: Terminal) -> None:
    """The lanes of a run with their main figures, then what has to be said of each, and the first findings."""
    console.print(table(run, console))
    for lane in run.lanes:
        seen = lane.evidence.verified
        if lane.evidence.error is None and seen is not None and seen.held == "status":
            console.print(f"{lane.name}: {held(seen)}", soft_wrap=True)
        for judged in lane.of_role()[-1:]:
            if judged.evidence.stream is not None:
                console.print(f"{lane.name}: {streamed(judged.evidence.stream)}", soft_wrap=True)
        # The rule that speaks of a lane without figures says its error, too.
        for sentence in (
            [lane.evidence.error]
            if lane.evidence.error
            else [rule.sentence for rule in lane.verdict.rules if rule.scope != "run"]
        ):
            begins = "" if sentence.startswith(f"{lane.name} ") else f"{lane.name}: "
            console.print(begins + sentence, soft_wrap=True)
    for cause in [*causes(run.doubts), *causes(run.findings)[:FINDINGS]]:
        most = f" ({cause.reach}); most of all, {cause.hits[0].sentence}" if len(cause.hits) > 1 else ""
        console.print(f"• {cause.sentence}{most}", soft_wrap=True)


def streamed(seen: StreamFigures) -> str:
    """What came of streams, in a line."""
    first, gap = seen.first_event_ms, seen.gap_ms
    told = [
        f"{_figure(seen.events_per_s)} events/s",
        f"first event after {_ms(first.p50)} ms (median), {_ms(first.p99)} ms (p99)",
        f"then {_ms(gap.p50)} ms (median), {_ms(gap.p99)} ms (p99) between events",
    ]
    if seen.server_cpu_us_per_event is not None:
        told.append(f"{_figure(seen.server_cpu_us_per_event)} µs of server CPU an event")
    return "; ".join(told)


def table(run: JudgedRun, console: Terminal) -> Table:
    """The lanes of a run with their main figures: as many as the console is wide enough for."""
    kept = list(_COLUMNS)
    spare = [column for column in _SPARE if column != "failed" or not _any_failed(run)]
    while True:
        made = _table(run, kept, wrap=not spare)
        needs = console.measure(made, options=console.options.update(max_width=_ENOUGH)).maximum
        if not spare or needs <= console.width:
            return made
        dropped = spare.pop(0)
        kept = [column for column in kept if column[0] != dropped]


def _any_failed(run: JudgedRun) -> bool:
    return any(trial.evidence.failures for lane in run.lanes for trial in lane.of_role())


def _table(run: JudgedRun, columns: Sequence[_Column], *, wrap: bool) -> Table:
    """``wrap``: whether the names of lanes may take several lines."""
    made = Table(
        title=f"{run.evidence.name}: {run.evidence.created}",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    made.add_column("lane", no_wrap=not wrap, overflow="fold")
    for title, _ in columns:
        made.add_column(title, justify="left" if title == "limit" else "right", no_wrap=True)
    made.add_column("verdict", no_wrap=True)
    for lane in run.lanes:
        doubts = sum(rule.severity == "doubtful" for rule in lane.verdict.rules)
        verdict = "not measured" if lane.evidence.error else lane.verdict.status + ("?" if doubts else "")
        for trial in lane.of_role() or (None,):
            figures = ["—" if trial is None else read(trial) for _, read in columns]
            made.add_row(lane.name, *figures, verdict)
    return made


_Column = tuple[str, Callable[[JudgedTrial], str]]
_COLUMNS: tuple[_Column, ...] = (
    ("req/s", lambda one: _figure(one.evidence.rps, 1)),
    ("p50 ms", lambda one: _ms(one.latency_ms.p50)),
    ("p90 ms", lambda one: _ms(one.latency_ms.p90)),
    ("p99 ms", lambda one: _ms(one.latency_ms.p99)),
    ("max ms", lambda one: _ms(one.latency_ms.max)),
    ("failed", lambda one: _figure(one.evidence.failures)),
    ("CPU µs", lambda one: _figure(one.evidence.server_cpu_us_per_request)),
    ("limit", lambda one: one.limited_by or "—"),
)
"""The figures of the table: title, and how it is read."""
_ENOUGH = 10_000
"""Columns that no table needs."""
_SPARE = ("failed", "p90 ms", "max ms", "limit", "p99 ms")
"""What a narrow terminal does without, the least needed first; failures only where there are none."""
