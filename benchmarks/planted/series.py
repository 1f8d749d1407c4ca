"""How often a comparison raises a false alarm, and finds what is planted, on this machine.

Measures the experiment beside this file in many rounds, then draws comparisons of seven rounds each
from them. A round has each variant once, in shuffled order. Run it with: make planted
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from pathlib import Path

import msgspec

from hotlap import result
from hotlap.compare import FIGURES, compare_variants
from hotlap.report.comparison import GOOD, Side
from hotlap.result import RunResult

HERE = Path(__file__).parent
ROUNDS = 7


def measure(rounds: int, out: Path) -> RunResult:
    """Measure so many rounds (about 12 s each)."""
    words = [
        Path(sys.executable).with_name("hotlap"),
        "run",
        "--quick",
        "--repeat",
        str(rounds),
        "--out",
        out,
    ]
    subprocess.run(words, cwd=HERE, check=True)
    return result.read(out)


def drawn(run: RunResult, rounds: list[int]) -> RunResult:
    """The run with these rounds alone."""
    lanes = [
        msgspec.structs.replace(lane, loads=[one for one in lane.loads if one.repeat in rounds])
        for lane in run.lanes
    ]
    return msgspec.structs.replace(run, lanes=lanes)


def main() -> None:
    """Measure (or read a run that is there) and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=28)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--out", type=Path, required=True, help="the run's folder; read if it is there")
    given = parser.parse_args()
    folder = given.out.resolve()
    run = result.read(folder) if (folder / "run.json").exists() else measure(given.rounds, folder)
    numbers = sorted({stretch.repeat for lane in run.lanes for stretch in lane.stretches()})
    chance = random.Random(1)
    said: dict[tuple[str, str], int] = {}
    sides = (Side(name="a"), Side(name="b"))
    for _ in range(given.draws):
        some = drawn(run, chance.sample(numbers, ROUNDS))
        for after in ("again", "slower"):
            for row in compare_variants(some, "a", after, sides).rows:
                said[after, row.figure] = said.get((after, row.figure), 0) + (row.says in GOOD)
    print(f"{len(numbers)} rounds measured, {given.draws} comparisons of {ROUNDS} rounds drawn from them")
    for figure in FIGURES:
        rates = [said.get((after, figure.title), 0) / given.draws for after in ("again", "slower")]
        print(f"{figure.title:28} false alarms {rates[0]:6.1%}   slowdown of 20% seen {rates[1]:6.1%}")


if __name__ == "__main__":
    main()
