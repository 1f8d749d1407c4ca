"""``docs/benchmarks.md`` from a run and what was measured beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from peers_experiment import ENDPOINTS, Endpoint
from ranking import OWN, Row, ranking

from hotlap.analysis.comparison import Compared
from hotlap.analysis.judged import JudgedRun

NOT_MEASURED = "–"
HEAD = """# The service against its peers

Written by `make bench`, which starts every server afresh for every trial, verifies its answer, loads it with
the lab's own engine from the same machine, and repeats that in rounds, each in an order of its own. Server CPU per
request leads: where load and server share the cores (there are fewer than four), requests/s depend on both. A ratio is
the peer's figure over the service's, with its paired 99 % interval, corrected for the number of peers (Holm); where
the interval does not exclude 1 by more than the machine's own A/A width, the two are said to be about the same. A
void figure is one that the lab does not believe, for a reason that its report gives: as a rule the generator was what
set it. There is no p99 where too few were answered to know it, where it still grew, or where a server answered some
connections again and again and let others wait.
"""


@dataclass(frozen=True)
class Rest:
    """A server that nobody loads."""

    started_s: float | None
    rss_bytes: int | None


def render(run: JudgedRun, rest: Mapping[str, Rest], drawn: Mapping[str, Path], *, quick: bool) -> str:
    """The page."""
    host = run.evidence.environment
    lines = [
        HEAD,
        f"Measured {run.evidence.created[:10]} on {host.cpu or 'this machine'}, {host.cores or '?'} cores.",
    ]
    if quick:
        lines.append("\nShort trials, each once: a look, not figures to rely on.")
    for scenario, endpoint in ENDPOINTS.items():
        if rows := ranking(run, scenario):
            lines += ["", f"## {scenario}: {endpoint.title}", ""]
            if scenario in drawn:
                lines += [f"![Server CPU per request, {scenario}](images/{drawn[scenario].name})", ""]
            lines += [*_table(rows, endpoint), "", *_said(rows)]
    lines += [
        *("", "## Start-up and memory at rest", ""),
        *("| server | answers after, s | memory, MiB |", "|---|--:|--:|"),
    ]
    for name, one in rest.items():
        lines.append(f"| {name} | {_number(one.started_s, 2)} | {_mib(one.rss_bytes)} |")
    return "\n".join(lines) + "\n"


def _table(rows: list[Row], endpoint: Endpoint) -> list[str]:
    lines = [
        "| server | CPU, µs/request | over the service's | requests/s | over the service's | p99, ms | limited by "
        "| memory under load, MiB | |",
        "|---|--:|--:|--:|--:|--:|---|--:|---|",
    ]
    for row in rows:
        lane = row.lane
        doubt = lane.evidence.error or ("void" if lane.verdict.status == "void" else "")
        rps = _number(row.rps, 1 if row.rps and row.rps < 100 else 0)
        if row.rps and endpoint.ideal_rps:
            rps += f" ({row.rps / endpoint.ideal_rps:.1%} of the ideal)"
        cells = [
            *(
                lane.evidence.variant,
                _number(row.cpu_us, 1),
                _ratio(row.cpu_ratio),
                rps,
                _ratio(row.rps_ratio),
            ),
            *(
                _number(row.p99_ms, 1),
                row.limited_by or NOT_MEASURED,
                _mib(row.rss_bytes),
                doubt.split("\n")[0],
            ),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _said(rows: list[Row]) -> list[str]:
    """Who is ahead, level and behind, whichever way it came out."""
    if not any(row.lane.evidence.variant == OWN for row in rows):
        return ["The service was not measured."]
    kinds: dict[str, list[str]] = {"less than that of": [], "more than that of": [], "about that of": []}
    open_ = []
    for row in rows:
        ratio = row.cpu_ratio
        if row.lane.evidence.variant == OWN:
            continue
        if ratio is None or ratio.says == "not compared":
            open_.append(row.lane.evidence.variant)
        else:
            # A peer that takes more is one that the service is ahead of.
            kind = {"more": "less than that of", "less": "more than that of"}.get(ratio.says, "about that of")
            kinds[kind].append(row.lane.evidence.variant)
    said = [f"{kind} {', '.join(names)}" for kind, names in kinds.items() if names]
    lines = [f"The service's CPU per request is {'; '.join(said)}."] if said else []
    return lines + ([f"Without an interval: {', '.join(open_)}."] if open_ else [])


def _ratio(compared: Compared | None) -> str:
    if compared is None or compared.ratio is None:
        return NOT_MEASURED if compared is not None else "1"
    middle = f"{compared.ratio:.2f}"
    if compared.low is None or compared.high is None:
        return middle
    return f"{middle} ({compared.low:.2f} to {compared.high:.2f})"


def _mib(size_bytes: float | None) -> str:
    return _number(size_bytes and size_bytes / 2**20, 0)


def _number(value: float | None, digits: int) -> str:
    return NOT_MEASURED if value is None else f"{value:,.{digits}f}"
