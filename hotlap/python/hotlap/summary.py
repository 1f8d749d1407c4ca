"""A run in the terminal: the progress while it goes on, the table of its lanes at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich import progress as bars
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hotlap.plan import Task
from hotlap.result import RunResult, Stretch


class Bar:
    """Tells a terminal how a run gets on: what is done now, how much is left, how long it takes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = bars.Progress(
            bars.SpinnerColumn(),
            bars.TextColumn("{task.description}"),
            bars.BarColumn(bar_width=None),
            bars.MofNCompleteColumn(),
            bars.TimeElapsedColumn(),
            bars.TextColumn("[dim]{task.fields[left]}"),
            console=console,
        )
        self._tasks: list[Task] = []
        self._id: bars.TaskID | None = None

    @contextmanager
    def shown(self) -> Iterator[Bar]:
        """Show the bar while the block runs."""
        with self._bar:
            yield self

    def begin(self, tasks: list[Task]) -> None:
        self._tasks = list(tasks)
        self._id = self._bar.add_task("", total=len(tasks), left="")

    def start(self, task: Task) -> None:
        assert self._id is not None
        left_s = sum(one.estimate_s for one in self._tasks)
        self._bar.update(self._id, description=task.title, left=f"about {duration(left_s)} left")

    def end(self, task: Task, problem: str | None) -> None:
        assert self._id is not None
        self._tasks.remove(task)
        self._bar.advance(self._id)
        mark = "[green]✓[/]" if problem is None else "[red]✗[/]"
        self._console.print(f"{mark} {escape(task.title)}", highlight=False)
        if problem is not None:
            self._console.print(f"  {escape(problem)}", style="red", highlight=False)


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


def show(run: RunResult, console: Console) -> None:
    """The lanes of a run with their main figures, then what has to be said of each, and the first findings."""
    console.print(table(run))
    for lane in run.lanes:
        said = [lane.error] if lane.error else []
        for sentence in said + [rule.sentence for rule in lane.verdict.rules]:
            console.print(f"{escape(lane.name)}: {escape(sentence)}", highlight=False, soft_wrap=True)
    for finding in run.findings[:FINDINGS]:
        console.print(f"• {escape(finding.sentence)}", highlight=False, soft_wrap=True)


def table(run: RunResult) -> Table:
    """The lanes of a run with their main figures."""
    made = Table(title=f"{run.name}: {run.created}", title_justify="left")
    made.add_column("lane", no_wrap=True)
    for title in ("req/s", "p50 ms", "p90 ms", "p99 ms", "max ms", "failed", "CPU µs"):
        made.add_column(title, justify="right", no_wrap=True)
    made.add_column("limit")
    made.add_column("verdict", no_wrap=True)
    for lane in run.lanes:
        doubts = sum(rule.severity == "doubtful" for rule in lane.verdict.rules)
        verdict = "not measured" if lane.error else lane.verdict.status + ("?" if doubts else "")
        measured: list[Stretch | None] = [*lane.stretches()]
        for stretch in measured or [None]:
            made.add_row(escape(lane.name), *_figures(stretch), verdict)
    return made


def _figures(stretch: Stretch | None) -> list[str]:
    if stretch is None:
        return ["—"] * 8
    latency = stretch.latency_ms
    return [
        _figure(stretch.rps, 1),
        _ms(latency.p50),
        _ms(latency.p90),
        _ms(latency.p99),
        _ms(latency.max),
        _figure(stretch.failures),
        _figure(stretch.server_cpu_us_per_request),
        stretch.limited_by or "—",
    ]
