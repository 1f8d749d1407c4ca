"""A run in the terminal: the progress while it goes on, the table of its lanes at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import progress as bars
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hotlap.plan import Task
from hotlap.result import LaneResult, RunResult, Stretch


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
        self._problems: set[str] = set()
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
            said = "for the same reason" if problem in self._problems else problem
            self._problems.add(problem)
            self._console.print(f"  {escape(said)}", style="red", highlight=False, soft_wrap=True)


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


_WIDE = 100
"""Columns of a terminal: below it, the table leaves out what is needed least."""


def show(run: RunResult, console: Console) -> None:
    """The lanes of a run with their main figures, then what has to be said of each, and the first findings."""
    console.print(table(run, wide=console.width >= _WIDE))
    for lane in run.lanes:
        # The rule that speaks of a lane without figures says its error, too.
        for sentence in [lane.error] if lane.error else [rule.sentence for rule in lane.verdict.rules]:
            console.print(f"{escape(lane.name)}: {escape(sentence)}", highlight=False, soft_wrap=True)
    for finding in run.findings[:FINDINGS]:
        console.print(f"• {escape(finding.sentence)}", highlight=False, soft_wrap=True)


def table(run: RunResult, *, wide: bool = True) -> Table:
    """The lanes of a run with their main figures; ``wide`` ones have all of them."""
    stretches: list[tuple[LaneResult, Stretch | None]] = [
        (lane, stretch) for lane in run.lanes for stretch in lane.stretches() or (None,)
    ]
    failed = any(stretch is not None and stretch.failures for _, stretch in stretches)
    columns = [
        (title, read)
        for title, least, read in _COLUMNS
        if wide or not least or (title == "failed" and failed)
    ]
    made = Table(title=f"{run.name}: {run.created}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    made.add_column("lane", no_wrap=wide, overflow="fold")
    for title, _ in columns:
        made.add_column(title, justify="left" if title == "limit" else "right", no_wrap=True)
    made.add_column("verdict", no_wrap=True)
    for lane, stretch in stretches:
        doubts = sum(rule.severity == "doubtful" for rule in lane.verdict.rules)
        verdict = "not measured" if lane.error else lane.verdict.status + ("?" if doubts else "")
        figures = ["—" if stretch is None else read(stretch) for _, read in columns]
        made.add_row(escape(lane.name), *figures, verdict)
    return made


_COLUMNS: tuple[tuple[str, bool, Callable[[Stretch], str]], ...] = (
    ("req/s", False, lambda one: _figure(one.rps, 1)),
    ("p50 ms", False, lambda one: _ms(one.latency_ms.p50)),
    ("p90 ms", True, lambda one: _ms(one.latency_ms.p90)),
    ("p99 ms", False, lambda one: _ms(one.latency_ms.p99)),
    ("max ms", False, lambda one: _ms(one.latency_ms.max)),
    ("failed", True, lambda one: _figure(one.failures)),
    ("CPU µs", False, lambda one: _figure(one.server_cpu_us_per_request)),
    ("limit", False, lambda one: one.limited_by or "—"),
)
"""The figures of the table: title, whether a narrow terminal does without it, and how it is read."""
