"""``hotlap compare``: two runs, or two variants of one run."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.table import Table

from hotlap import formatting
from hotlap.analysis import judge
from hotlap.analysis.compare import CompareError, compare_runs, compare_variants, side_of
from hotlap.analysis.comparison import GOOD, Comparison, span
from hotlap.analysis.gate import hold, parse
from hotlap.analysis.judged import JudgedRun
from hotlap.files import write_whole
from hotlap.report import ci_summary
from hotlap.report.html.comparison import render_comparison
from hotlap.terminal import FAILED_GATE, PASSED_GATE, Terminal
from hotlap.usage import LabError

_Folder = click.Path(exists=True, path_type=Path)
_File = click.Path(dir_okay=False, path_type=Path)
_STYLES = {"ok": "green", "void": "red"}


@click.command
@click.argument("run_a", metavar="RUN_A", type=_Folder)
@click.argument("run_b", metavar="[RUN_B]", type=_Folder, required=False)
@click.option(
    "--variants",
    metavar="BEFORE,AFTER",
    help="Of one run; without it, the experiment's baseline and candidate.",
)
@click.option(
    "--fail-if", "conditions", multiple=True, metavar="CONDITION", help='As "cpu/native p99 > 1.10x".'
)
@click.option("--force", is_flag=True, help="Compare runs of other machines, builds or settings; it is said.")
@click.option("-o", "--output", type=_File, metavar="FILE", help="The page; compare-….html in the last run.")
@click.option("--markdown", "markdown_file", type=_File, metavar="FILE", help="A summary for a pull request.")
@click.option("--junit", "junit_file", type=_File, metavar="FILE", help="The conditions as JUnit XML.")
def command(
    run_a: Path,
    run_b: Path | None,
    variants: str | None,
    conditions: tuple[str, ...],
    force: bool,
    output: Path | None,
    markdown_file: Path | None,
    junit_file: Path | None,
) -> None:
    """Compare RUN_B with RUN_A, lane by lane; or with one RUN, two variants of each scenario.

    A difference is said only where its interval excludes 1 by more than the machine's own A/A width.
    Conditions come from --fail-if and from the experiment's fail_if; if one is met, the exit code is 1.
    """
    if run_b is not None and variants is not None:
        raise click.UsageError("--variants compares within one run: give one RUN")
    first = judge.read(run_a)
    last = first if run_b is None else judge.read(run_b)
    told = [*conditions, *last.evidence.settings.fail_if]
    asked = [parse(text) for text in dict.fromkeys(told)]
    try:
        if run_b is None:
            before, after = _variants(first, variants)
            page = output or _folder(run_a) / f"compare-{before}-{after}.html"
            sides = [
                side_of(first, f"{run_a.name}: {name}", _folder(run_a), page) for name in (before, after)
            ]
            comparison = compare_variants(first, before, after, (sides[0], sides[1]))
        else:
            page = output or _folder(run_b) / f"compare-{_folder(run_a).name}.html"
            sides = [
                side_of(run, _folder(path).name, _folder(path), page)
                for run, path in ((first, run_a), (last, run_b))
            ]
            comparison = compare_runs(first, last, (sides[0], sides[1]), force=force)
    except CompareError as error:
        raise click.UsageError(str(error)) from None
    gates = hold(asked, last, comparison)
    comparison = msgspec.structs.replace(comparison, gates=gates)
    console = Terminal()
    console.print(_table(comparison))
    for caution in comparison.cautions:
        console.print(f"note: {caution}", style="yellow")
    for gate in gates:
        console.print(PASSED_GATE if gate.passed else FAILED_GATE, f"{gate.condition}: {gate.sentence}")
    ci_summary.publish(ci_summary.markdown(gates, comparison), markdown_file)
    if junit_file is not None:
        write_whole(junit_file, ci_summary.junit(gates, f"{sides[0].name} → {sides[1].name}"))
    render_comparison(comparison, page)
    console.print(f"the page: {page}", soft_wrap=True)
    failed = [gate.condition for gate in gates if not gate.passed]
    if failed:
        raise LabError("; ".join(failed))


def _folder(path: Path) -> Path:
    resolved = path.resolve()
    return resolved.parent if resolved.is_file() else resolved


def _variants(run: JudgedRun, told: str | None) -> tuple[str, str]:
    if told is None:
        return run.evidence.settings.baseline, run.evidence.settings.candidate
    before, _, after = (part.strip() for part in told.partition(","))
    if not before or not after:
        raise click.UsageError(f"--variants {told!r}: give two, as in --variants python,native")
    return before, after


def _table(comparison: Comparison) -> Table:
    made = Table(title=f"{comparison.a.name} → {comparison.b.name}", title_justify="left")
    made.add_column("lane", no_wrap=True)
    made.add_column("figure")
    for title in ("a", "b", "b / a (99%)"):
        made.add_column(title, justify="right")
    made.add_column("")
    for row in comparison.rows:
        says = row.says if row.note is None else f"{row.says}: {row.note}"
        made.add_row(
            row.lane,
            f"{row.figure}, {row.unit}",
            formatting.number(row.a),
            formatting.number(row.b),
            span(row),
            says,
            style=_STYLES.get(GOOD.get(row.says, "")),
        )
    return made
