"""Runs that are stopped and killed at random moments: nothing is left, what was measured is there, and they go on."""

from __future__ import annotations

import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from abusing.owned import MARK, PATIENCE_S, are_gone, start, waited
from abusing.tables import Table
from hotlap.files import UNFINISHED
from hotlap.run import result

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RUN = ("-m", "hotlap", "run", "fast/native", "--quick", "--time", "0.5", "--profiles", "on-cpu")
LONGEST_S = 20.0
"""A run is cut off before this; before the shortest time in which one ended by itself, once that is known."""
HEADS = ("runs", "times", "processes left", "files left", "`run.json` unreadable", "tracebacks")
MORE = ("went on by `--resume`", "did not", "s to end: median, most")


@dataclass
class Cut:
    """What came of one run."""

    processes_left: bool = False
    files_left: bool = False
    unreadable: bool = False
    traceback: bool = False
    resumed: bool | None = None
    """``None``: nothing had been written that could go on."""
    took_s: float = 0.0


@dataclass
class Moments:
    """Moments at which a run is still under way."""

    chance: random.Random
    longest_s: float = LONGEST_S
    kept: dict[int, float] = field(default_factory=dict)

    def draw(self) -> float:
        """How long after its start a run is cut."""
        return self.chance.uniform(0.2, self.longest_s)

    def ended(self, took_s: float) -> None:
        """Learn that one ended by itself."""
        self.longest_s = max(2.0, min(self.longest_s, took_s))


def abuse(chance: random.Random, stopped: int, killed: int, at_once: int, until_s: float) -> Table:
    """So many runs that are stopped by a signal, and so many that are killed; none begins after that moment."""
    moments = Moments(chance)
    hows = [*(chance.choice(ENDINGS) for _ in range(stopped)), *[signal.SIGKILL] * killed]
    chance.shuffle(hows)

    def one(how: signal.Signals) -> Cut | None:
        return _cut(how, moments) if time.monotonic() < until_s else None

    with ThreadPoolExecutor(at_once) as pool:
        cuts = list(zip(hows, pool.map(one, hows), strict=True))
    rows, clean = [], True
    for kind, is_kill in (("stopped by a signal", False), ("killed", True)):
        of_kind = [cut for how, cut in cuts if cut is not None and (how is signal.SIGKILL) == is_kill]
        if of_kind:
            row, is_clean = _row(kind, of_kind)
            rows.append(row)
            clean = clean and is_clean
    return Table("Runs cut off at random moments", (*HEADS, *MORE), rows, clean)


def _row(kind: str, cuts: list[Cut]) -> tuple[list[object], bool]:
    took = sorted(cut.took_s for cut in cuts if cut.took_s)
    wrong = [
        sum(cut.processes_left for cut in cuts),
        sum(cut.files_left for cut in cuts),
        sum(cut.unreadable for cut in cuts),
        sum(cut.traceback for cut in cuts),
    ]
    stuck = sum(cut.resumed is False for cut in cuts)
    times = f"{statistics.median(took):.1f}, {took[-1]:.1f}" if took else "—"
    row = [kind, len(cuts), *wrong, sum(cut.resumed is True for cut in cuts), stuck, times]
    return row, not any(wrong) and not stuck


def _cut(how: signal.Signals, moments: Moments) -> Cut:
    """A run that is cut; one that ends before its moment is no try, and another is made."""
    while True:
        with tempfile.TemporaryDirectory() as scratch:
            tmp, out = Path(scratch, "tmp"), Path(scratch, "out")
            tmp.mkdir()
            began_s = time.monotonic()
            process = start([*RUN, "--out", str(out)], scratch, tmp)
            try:
                told, _ = process.communicate(timeout=moments.draw())
                if process.returncode:
                    raise SystemExit(f"a run that was left alone failed:\n{told.decode(errors='replace')}")
                moments.ended(time.monotonic() - began_s)
            except subprocess.TimeoutExpired:
                return _ended(process, how, scratch, tmp, out)
            finally:
                are_gone(scratch)


def _ended(process: subprocess.Popen[bytes], how: signal.Signals, mark: str, tmp: Path, out: Path) -> Cut:
    cut = Cut()
    began_s = time.monotonic()
    process.send_signal(how)
    said = process.communicate(timeout=2 * PATIENCE_S)[0].decode(errors="replace")
    if how is not signal.SIGKILL:
        cut.took_s = time.monotonic() - began_s
        cut.files_left = bool(list(out.rglob(f"{UNFINISHED}*")))
    cut.processes_left = not are_gone(mark)
    cut.files_left |= not waited(lambda: not list(tmp.iterdir()))
    if (out / "run.json").exists():
        try:
            result.read(out)
        except result.ResultError as error:
            cut.unreadable = True
            said += str(error)
        resuming = start(["-m", "hotlap", "run", "--resume", str(out)], mark, tmp)
        resumed = resuming.communicate(timeout=10 * PATIENCE_S)[0].decode(errors="replace")
        said += resumed
        cut.resumed = resuming.returncode == 0 and not result.read(out).interrupted
        cut.processes_left |= not are_gone(mark)
        cut.files_left |= not waited(lambda: not list(tmp.iterdir())) or bool(
            list(out.rglob(f"{UNFINISHED}*"))
        )
    cut.traceback = "Traceback" in said
    if cut.processes_left or cut.files_left or cut.unreadable or cut.traceback or cut.resumed is False:
        print(f"{how.name}, {cut}, in {MARK}={mark}:\n{said[-4000:]}", file=sys.stderr)
    return cut
