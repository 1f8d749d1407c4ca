"""The highest rate of open arrivals at which a lane meets an objective: steps up, then bisection. Pure.

Whoever measures a rate is given from outside; nothing here starts a process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from hotlap.analysis.figures import STREAM_TIMES
from hotlap.analysis.judged import JudgedTrial

Quantity = Literal["mean", "p50", "p90", "p99", "p99_9", "max", "failures"]

_TIMES = {time.name: time for time in STREAM_TIMES}
_TERM = re.compile(
    rf"^\s*(?:({'|'.join(_TIMES)})\s+)?(mean|p50|p90|p99|p99\.9|p99_9|max|failures)\s*<\s*"
    r"([0-9]*\.?[0-9]+)\s*(us|µs|ms|s|%)?\s*$"
)
_TO_MS = {"us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3}


class ObjectiveError(ValueError):
    """An objective that cannot be read: the message says how it is written."""


class Term(msgspec.Struct, frozen=True):
    """``quantity < limit``: milliseconds, or a share for failures."""

    quantity: Quantity
    limit: float
    of: str | None = None
    """A time of streams; ``None``: the latency."""

    @property
    def name(self) -> str:
        """As it is written."""
        return f"{self.of} {self.quantity}" if self.of else self.quantity

    def read(self, trial: JudgedTrial) -> float | None:
        """Its value in a trial, in milliseconds."""
        if self.of is not None:
            return _TIMES[self.of].read(trial, self.quantity)
        return getattr(trial.latency_ms, self.quantity)  # type: ignore[no-any-return]


class Objective(msgspec.Struct, frozen=True):
    """All of whose terms must hold."""

    terms: tuple[Term, ...]
    text: str

    @staticmethod
    def parse(text: str) -> Objective:
        """Read an objective such as ``p99 < 100 ms, failures < 0.1%``.

        Raises:
            ObjectiveError: it is written otherwise.
        """
        terms = []
        for part in text.split(","):
            found = _TERM.match(part)
            if found is None:
                raise ObjectiveError(
                    f"{part.strip()!r} is no objective: write for instance 'p99 < 100 ms, failures < 0.1%'; "
                    "there are mean, p50, p90, p99, p99.9, max and failures, and of streams "
                    "'first_event p99 < 300 ms', first_byte and gap"
                )
            of, quantity, number, unit = found.groups()
            if quantity == "failures" and of is not None:
                raise ObjectiveError(f"{part.strip()!r}: failures are of whole answers: leave {of} out")
            if (quantity == "failures") != (unit == "%") or unit is None:
                wanted = "a percentage" if quantity == "failures" else "a time in us, ms or s"
                raise ObjectiveError(f"{part.strip()!r}: {quantity} is held against {wanted}")
            limit = float(number) / 100 if unit == "%" else float(number) * _TO_MS[unit]
            terms.append(Term(quantity.replace(".", "_"), limit, of))  # type: ignore[arg-type]
        return Objective(tuple(terms), text)

    def needs_requests(self) -> int:
        """How many requests its highest percentile needs."""
        quantiles = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999}
        return max((round(10 / (1 - quantiles.get(term.quantity, 0.0))) for term in self.terms), default=10)

    def misses(self, trial: JudgedTrial) -> list[str]:
        """Why a trial does not meet it; empty if it does."""
        found = []
        if trial.saturated:
            found.append("requests in flight kept growing")
        elif trial.steadiness.growing:
            found.append("the latency kept growing")
        elif trial.evidence.not_offered:
            found.append(f"{trial.evidence.not_offered} arrivals found too many requests in flight")
        if not trial.evidence.requests:
            return found or ["nothing was answered"]
        for term in self.terms:
            if term.quantity == "failures":
                share = (trial.evidence.failures or 0) / trial.evidence.requests
                if not share < term.limit:
                    found.append(f"failures {share:.2%}")
                continue
            value = term.read(trial)
            if value is None:
                if not found:
                    found.append(f"too few requests for {term.name}: measure for longer")
            elif not value < term.limit:
                found.append(f"{term.name} {value:.4g} ms")
        return found


class Tried(msgspec.Struct, kw_only=True):
    """One rate that was tried."""

    rate: float
    met: bool
    misses: list[str] = []
    trial: JudgedTrial


class Found(msgspec.Struct, kw_only=True):
    """The result: ``rate`` is the highest that met the objective, each time it was tried."""

    objective: str
    rate: float | None
    """``None``: even the lowest that was tried missed it."""
    limited: str | None
    """Why the search ended short of a rate that misses; ``None`` where the edge was found."""
    tried: list[Tried]
    knee: float | None
    """The rate beyond which latency leaves its floor; ``None`` where it was not seen."""


Measure = Callable[[float], JudgedTrial]


def search(
    measure: Measure,
    objective: Objective,
    *,
    start: float,
    highest: float,
    precision: float = 0.03,
    repeats: int = 2,
    step: float = 2.0,
) -> Found:
    """Find the highest rate that meets the objective.

    From ``start`` the rate is multiplied by ``step`` until one misses (or divided until one meets), then the
    gap is halved until it is narrower than ``precision`` of the rate; the edge is then tried again
    ``repeats - 1`` times, and gives way where it does not hold.
    """
    tried: list[Tried] = []

    def holds(rate: float) -> bool:
        trial = measure(rate)
        misses = objective.misses(trial)
        tried.append(Tried(rate=rate, met=not misses, misses=misses, trial=trial))
        return not misses

    rate, good, bad = min(start, highest), 0.0, 0.0
    while not (good and bad):
        if holds(rate):
            good = rate
            if bad or rate >= highest:
                break
            rate = min(rate * step, highest)
        else:
            bad = rate
            if good:
                break
            rate /= step
            if rate < start / step**6:
                return Found(objective=objective.text, rate=None, limited=None, tried=tried, knee=None)
    if not bad:
        limited = f"the highest rate that was tried, {highest:g}/s, still meets it"
        return Found(objective=objective.text, rate=good, limited=limited, tried=tried, knee=knee(tried))
    confirmed = 1
    while bad - good > precision * good or confirmed < repeats:
        if bad - good > precision * good:
            middle = (good + bad) / 2
            if holds(middle):
                good, confirmed = middle, 1
            else:
                bad = middle
        elif holds(good):
            confirmed += 1
        else:
            lower = [one.rate for one in tried if one.met and one.rate < good]
            bad, good, confirmed = good, max(lower, default=good * (1 - precision)), 1
            if len(tried) > 60:
                break
    return Found(objective=objective.text, rate=good, limited=None, tried=tried, knee=knee(tried))


def knee(tried: Sequence[Tried]) -> float | None:
    """Where the median latency first exceeds twice that of the lowest rate: the last rate below it."""
    by_rate = sorted((one for one in tried if one.trial.latency_ms.p50), key=lambda one: one.rate)
    if not by_rate:
        return None
    floor = by_rate[0].trial.latency_ms.p50 or 0.0
    below = None
    for one in by_rate:
        if (one.trial.latency_ms.p50 or 0.0) > 2 * floor:
            return below
        below = one.rate
    return below if any(not one.met for one in tried) else None
