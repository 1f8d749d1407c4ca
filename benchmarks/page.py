"""``docs/benchmarks.md`` from a run and what was measured beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean, stdev

from hotlap.result import LaneResult, RunResult, Stretch

T95 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}
"""Student's t for the 95 % interval of a mean, by the number of values."""
NOT_MEASURED = "–"
HEAD = """# The service against its peers

Written by `make bench`, which starts every server afresh for every stretch, verifies its answer, loads it with
the lab's own engine from the same machine, interleaves the stretches and repeats them. Server CPU per request
leads, as load and server share the cores; ± is the 95 % interval over the repeats.
"""


@dataclass(frozen=True)
class Rest:
    """A server that nobody loads."""

    started_s: float | None
    rss_bytes: int | None


def render(run: RunResult, rest: Mapping[str, Rest], *, quick: bool) -> str:
    """The page."""
    host = run.environment
    lines = [
        HEAD,
        f"Measured {run.created} on {host.get('cpu', 'this machine')}, {host.get('cores', '?')} cores.",
    ]
    if quick:
        lines.append("\nShort stretches, each once: a look, not figures to rely on.")
    for scenario in dict.fromkeys(lane.scenario for lane in run.lanes):
        lines += ["", f"## /{scenario}", "", *_table([one for one in run.lanes if one.scenario == scenario])]
        lines += ["", _standing([one for one in run.lanes if one.scenario == scenario])]
    lines += [
        "",
        "## Start-up and memory at rest",
        "",
        "| server | answers after, s | memory, MiB |",
        "|---|--:|--:|",
    ]
    for name, one in rest.items():
        mib = None if one.rss_bytes is None else one.rss_bytes / 2**20
        lines.append(f"| {name} | {_number(one.started_s, 2)} | {_number(mib, 0)} |")
    return "\n".join(lines) + "\n"


def _table(lanes: list[LaneResult]) -> list[str]:
    lines = [
        "| server | CPU, µs/request | requests/s | p99, ms | limited by | memory under load, MiB | |",
        "|---|--:|--:|--:|---|--:|---|",
    ]
    for lane in sorted(lanes, key=lambda one: _cpu(one)[0] or float("inf")):
        stretches = lane.stretches()
        p99 = _mean([one.latency_ms.p99 for one in stretches])
        rss = _mean([one.server_rss_bytes for one in stretches])
        limited = ", ".join(sorted({one.limited_by for one in stretches if one.limited_by}))
        doubt = lane.error or ("void" if lane.verdict.status == "void" else "")
        lines.append(
            f"| {lane.variant} | {_with_interval(_cpu(lane), 1)} | {_with_interval(_rps(stretches), 0)} "
            f"| {_number(p99, 1)} | {limited or NOT_MEASURED} | {_number(rss and rss / 2**20, 0)} | {doubt} |"
        )
    return lines


def _standing(lanes: list[LaneResult]) -> str:
    """Where the service stands, whichever way it came out."""
    figures = {lane.variant: _cpu(lane)[0] for lane in lanes}
    own = figures.pop("pyapp", None)
    if own is None:
        return "The service was not measured."
    said = [f"{name} {value / own:.2f}×" for name, value in figures.items() if value is not None]
    return (
        "CPU per request against the service's: " + ", ".join(said) + "."
        if said
        else "Nothing to compare with."
    )


def _cpu(lane: LaneResult) -> tuple[float | None, float | None]:
    return _interval([one.server_cpu_us_per_request for one in lane.stretches()])


def _rps(stretches: list[Stretch]) -> tuple[float | None, float | None]:
    return _interval([one.rps for one in stretches])


def _interval(values: list[float | None]) -> tuple[float | None, float | None]:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return (known[0] if known else None, None)
    return mean(known), T95.get(len(known), 2.5) * stdev(known) / len(known) ** 0.5


def _mean(values: list[float | None]) -> float | None:
    return _interval(values)[0]


def _with_interval(value: tuple[float | None, float | None], digits: int) -> str:
    middle, half = value
    return _number(middle, digits) + ("" if half is None else f" ± {_number(half, digits)}")


def _number(value: float | None, digits: int) -> str:
    return NOT_MEASURED if value is None else f"{value:,.{digits}f}"
