"""Measures the service against its peers with the lab, and writes ``docs/benchmarks.md`` and its charts.

``python benchmarks/bench.py [--quick] [--only PATTERN ...]``; ``make bench`` prepares what it needs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import charts
import page
from peers_experiment import COMMANDS, HERE, PEER_PYTHON, RUST, SERVER_CORES, experiment, kept_to

from hotlap.analysis import judge
from hotlap.serving.server import served
from hotlap.serving.ways import ServeError

RUNS = HERE.parent / "runs"
DOCS = HERE.parent / "docs"
ENOUGH_CORES = 4
ROUNDS = 7
WARM_UP_S = 0.7
TIME_S = 1.5
"""With these, all servers and endpoints take less than half an hour. Many short rounds tell more than few long
ones: what differs between two trials is the machine, and the interval lives on their number."""


def main() -> int:
    """Measures and writes; the exit code."""
    parser = argparse.ArgumentParser("bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short trials, once: a look")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="PATTERN", help="lanes, as empty/* or */warp"
    )
    arguments = parser.parse_args()
    for needed in (Path(PEER_PYTHON), RUST / "warp", RUST / "axum"):
        if not needed.exists():
            print(f"bench: {needed} is missing: run make bench, which makes it", file=sys.stderr)
            return 2
    out = RUNS / time.strftime("bench-%Y%m%d-%H%M%S", time.gmtime())
    length = "--quick" if arguments.quick else f"--repeat {ROUNDS} --warm-up {WARM_UP_S} --time {TIME_S}"
    server_cores, load_cores = halves()
    command = [
        *kept_to(load_cores),
        str(Path(sys.executable).with_name("hotlap")),
        "run",
        *arguments.only,
        *length.split(),
        "--profiles",
        "none",
    ]
    env = {**os.environ, SERVER_CORES: server_cores}
    code = subprocess.run([*command, "--out", str(out)], cwd=HERE, env=env, check=False).returncode
    if not (out / "run.json").exists():
        return code or 1
    run = judge.read(out)
    names = [name for name in COMMANDS if any(lane.evidence.variant == name for lane in run.lanes)]
    print("start-up and memory at rest")
    rest = {name: at_rest(name) for name in names}
    # Part of the figures, or a look at them, must not take the place of the page.
    whole = not arguments.only and not arguments.quick
    target = (DOCS if whole else out) / "benchmarks.md"
    images = target.parent / "images"
    images.mkdir(exist_ok=True)
    drawn = charts.draw(run, images)
    target.write_text(page.render(run, rest, drawn, quick=arguments.quick))
    print(f"{target} is written; the lab's report is {out / 'report.html'}")
    return code


def halves() -> tuple[str, str]:
    """The cores that servers are kept to, and those for the load; empty where there are too few for that."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < ENOUGH_CORES or shutil.which("taskset") is None:
        return "", ""
    half = len(usable) // 2
    return ",".join(map(str, usable[:half])), ",".join(map(str, usable[half:]))


def at_rest(name: str) -> page.Rest:
    """How long a server takes to answer, and its memory before it is loaded."""
    lane = experiment.lane(f"empty/{name}")
    began = time.perf_counter()
    try:
        with served(experiment, lane) as running:
            started_s = time.perf_counter() - began
            return page.Rest(started_s=started_s, rss_bytes=running.rss_bytes())
    except ServeError as error:
        print(f"bench: {name}: {error}", file=sys.stderr)
        return page.Rest(started_s=None, rss_bytes=None)


if __name__ == "__main__":
    sys.exit(main())
