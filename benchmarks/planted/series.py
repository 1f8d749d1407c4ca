"""How often a comparison raises a false alarm, and finds what is planted, on this machine.

Measures the experiment beside this file again and again, seven rounds each time, and compares: the app with
itself (A/A), and with a copy that does a fifth more work. Each comparison has trials of its own, so that
they are independent of one another. What was measured stays in the folder: called again, it goes on there.
Run it with ``make planted``, or for a look with ``make planted ARGS=--short``.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from scipy import stats

from hotlap.analysis import judge
from hotlap.analysis.compare import FIGURES, compare_variants
from hotlap.analysis.comparison import Side
from hotlap.analysis.judged import JudgedLane, JudgedRun

HERE = Path(__file__).parent
ROUNDS = 7
ANY = "Any of them"
SIDES = (Side(name="a"), Side(name="b"))
TRIAL_S = 3.5
"""The most that a trial should take, with the servers' start and end."""


class Rate(msgspec.Struct, kw_only=True):
    """How many comparisons of one figure said that there is a difference, and in how many there was one to say."""

    said: int = 0
    of: int = 0

    def add(self, said: bool) -> None:
        """Count a comparison."""
        self.said += said
        self.of += 1

    def interval(self) -> tuple[float, float]:
        """Clopper and Pearson's 95% interval of the rate."""
        if not self.of:
            return 0.0, 1.0
        low, high = stats.binomtest(self.said, self.of).proportion_ci(0.95)
        return float(low), float(high)


Rates = dict[str, Rate]


def measure(out: Path, same: int, slower: int, minutes: float) -> Iterator[Path]:
    """Measure so many runs, ``slower`` of them with the slowdown, evenly spread; stop in time."""
    until = time.monotonic() + 60 * minutes
    for number in range(same):
        planted = number * slower // same != (number + 1) * slower // same
        lanes = ["sum/a", "sum/again", *(["sum/slower"] if planted else [])]
        folder = out / f"{number:03}"
        if not (folder / "run.json").exists():
            left_s = until - time.monotonic()
            if left_s < len(lanes) * ROUNDS * TRIAL_S:
                return
            words = ["run", *lanes, "--quick", "--profiles", "none", "--repeat", str(ROUNDS), "--out", folder]
            program = Path(sys.executable).with_name("hotlap")
            subprocess.run([program, *words], cwd=HERE, check=True, stdout=subprocess.DEVNULL)
        yield folder


def count(run: JudgedRun, after: str, rates: Rates) -> None:
    """Add what one comparison says, figure by figure; what it did not compare is not counted."""
    compared = [row for row in compare_variants(run, "a", after, SIDES).rows if row.says != "not compared"]
    for row in compared:
        rates.setdefault(row.figure, Rate()).add(row.says != "no difference")
    if compared:
        rates.setdefault(ANY, Rate()).add(any(row.says != "no difference" for row in compared))


def pooled(runs: Sequence[JudgedRun]) -> JudgedRun:
    """All rounds of all runs as those of one; those of lanes that are void are left out."""
    lanes = {lane.name: JudgedLane(evidence=lane.evidence) for run in runs for lane in run.lanes}
    for number, run in enumerate(runs):
        for lane in run.lanes:
            if lane.verdict.status == "ok":
                for one in lane.of_role():
                    repeat = number * ROUNDS + one.evidence.repeat
                    moved = msgspec.structs.replace(one.evidence, repeat=repeat)
                    lanes[lane.name].trials.append(msgspec.structs.replace(one, evidence=moved))
    return JudgedRun(evidence=runs[0].evidence, lanes=list(lanes.values()))


def drawn(run: JudgedRun, rounds: Sequence[int]) -> JudgedRun:
    """The run with these rounds alone."""
    lanes = [
        msgspec.structs.replace(lane, trials=[one for one in lane.trials if one.evidence.repeat in rounds])
        for lane in run.lanes
    ]
    return msgspec.structs.replace(run, lanes=lanes)


def draw(runs: Sequence[JudgedRun], after: str, times: int) -> Rates:
    """Compare seven rounds that are drawn from all that have both sides, so many times."""
    rates: Rates = {}
    whole = pooled([run for run in runs if run.lane(f"sum/{after}") is not None])
    numbers = [
        {one.evidence.repeat for one in lane.trials}
        for lane in whole.lanes
        if lane.evidence.variant in ("a", after)
    ]
    both = sorted(set.intersection(*numbers))
    chance = random.Random(1)
    for _ in range(times if len(both) >= 2 * ROUNDS else 0):
        count(drawn(whole, chance.sample(both, ROUNDS)), after, rates)
    return rates


def table(alarms: Rates, seen: Rates, drawn_alarms: Rates, drawn_seen: Rates) -> str:
    """The rates in Markdown, with their intervals."""
    lines = [
        "| figure | false alarms (A/A) | 95% interval | slowdown of 20% seen | 95% interval | drawn: alarms, seen |",
        "| --- | ---: | --- | ---: | --- | ---: |",
    ]
    for name in [*(figure.title for figure in FIGURES), ANY]:
        if name not in alarms and name not in seen:
            continue
        cells = []
        for rates in (alarms, seen):
            rate = rates.get(name, Rate())
            low, high = rate.interval()
            cells += [f"{rate.said} of {rate.of}", f"{low:.1%} to {high:.1%}"]
        both = (drawn_alarms.get(name, Rate()), drawn_seen.get(name, Rate()))
        cells.append(", ".join(f"{one.said / one.of:.1%}" if one.of else "—" for one in both))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, count, print the rates and write them beside the runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="where the runs are, or go")
    parser.add_argument("--short", action="store_true", help="20 and 10 comparisons in a quarter of an hour")
    parser.add_argument("--same", type=int, help="A/A comparisons [100]")
    parser.add_argument("--slower", type=int, help="of these, with the slowdown beside [50]")
    parser.add_argument("--minutes", type=float, help="no run is started that would end later [120]")
    parser.add_argument("--draws", type=int, default=500, help="comparisons drawn from all rounds [500]")
    given = parser.parse_args()
    same = given.same or (20 if given.short else 100)
    slower = min(same, given.slower if given.slower is not None else same // 2)
    minutes = given.minutes or (15 if given.short else 120)
    out = given.out.resolve()
    began, runs = time.monotonic(), []
    for folder in measure(out, same, slower, minutes):
        runs.append(judge.read(folder))
        print(f"{len(runs)} of {same} measured, {time.monotonic() - began:.0f} s", flush=True)
    if not runs:
        raise SystemExit("no run could be measured in that time: give more --minutes")
    alarms: Rates = {}
    seen: Rates = {}
    for run in runs:
        count(run, "again", alarms)
        if run.lane("sum/slower") is not None:
            count(run, "slower", seen)
    drawn_alarms = draw(runs, "again", given.draws)
    drawn_seen = draw(runs, "slower", given.draws) if seen else {}
    made = table(alarms, seen, drawn_alarms, drawn_seen)
    first = runs[0].evidence
    told = {
        "created": first.created,
        "environment": {key: getattr(first.environment, key) for key in ("cpu", "cores_usable", "python")},
        "rounds": ROUNDS,
        "false_alarms": {name: [rate.said, rate.of, *rate.interval()] for name, rate in alarms.items()},
        "seen": {name: [rate.said, rate.of, *rate.interval()] for name, rate in seen.items()},
        "drawn": {
            "false_alarms": {name: [rate.said, rate.of] for name, rate in drawn_alarms.items()},
            "seen": {name: [rate.said, rate.of] for name, rate in drawn_seen.items()},
        },
    }
    (out / "rates.json").write_text(json.dumps(told, indent=2) + "\n")
    (out / "rates.md").write_text(made + "\n")
    print(f"\n{made}\n\nwrote {out / 'rates.json'} and {out / 'rates.md'}")


if __name__ == "__main__":
    main()
