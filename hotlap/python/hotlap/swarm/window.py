"""The window of a stretch, in the Locust process: warm-up first, then measured, then over."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import gevent
import msgspec
from locust.env import Environment
from locust.runners import Runner

from hotlap._engine import Histogram
from hotlap.result import Point
from hotlap.serve import cpu_s_of
from hotlap.swarm.plan import Answer, SwarmPlan

_LIVE_S = 0.05


class Second:
    """What was answered in one second of the window."""

    def __init__(self) -> None:
        self.latencies = Histogram()
        self.failures = 0

    def point(self, t_s: float) -> Point:
        """Its figures."""
        return Point(
            t_s=t_s,
            rps=float(self.latencies.count),
            p50_ms=self.latencies.quantile_ms(0.5),
            p99_ms=self.latencies.quantile_ms(0.99),
            failures=self.failures,
        )


class Window:
    """Counts what stock Locust users report, within the window only."""

    def __init__(self, plan: SwarmPlan, environment: Environment) -> None:
        self._plan = plan
        self._environment = environment
        self._open = False
        self._answered = 0
        self._clear()

    def _clear(self) -> None:
        self._latencies = Histogram()
        self._errors: Counter[str] = Counter()
        self._seconds: list[Second] = []
        self._began_s = time.monotonic()
        self._cpu_s = time.process_time()
        self._server_cpu_s = cpu_s_of(self._plan.server_pids)

    def on_request(self, response_time: float, exception: BaseException | None, **_: Any) -> None:
        """Locust's ``request`` event; ``response_time`` in milliseconds."""
        self._answered += 1
        if not self._open:
            return
        self._latencies.record(round(response_time * 1000))
        index = int(time.monotonic() - self._began_s)
        while len(self._seconds) <= index:
            self._seconds.append(Second())
        self._seconds[index].latencies.record(round(response_time * 1000))
        if exception is not None:
            self._errors[str(exception) or type(exception).__name__] += 1
            self._seconds[index].failures += 1

    def run(self, runner: Runner) -> None:
        """A greenlet for the whole stretch: wait for all users, warm up, measure, write the answer, quit."""
        while runner.user_count < self._plan.load.users:
            gevent.sleep(_LIVE_S)
        gevent.sleep(self._plan.warm_up_s)
        if self._plan.time_s is None:
            return
        runner.stats.reset_all()
        self._clear()
        self._open = True
        gevent.sleep(self._plan.time_s)
        self._open = False
        answer = self._answer(runner)
        _write(Path(self._plan.answer), msgspec.json.encode(answer))
        runner.quit()

    def publish(self) -> None:
        """A greenlet that keeps the live file up to date."""
        while True:
            _write(Path(self._plan.live), str(self._answered).encode())
            gevent.sleep(_LIVE_S)

    def _answer(self, runner: Runner) -> Answer:
        duration_s = time.monotonic() - self._began_s
        server_cpu_s = cpu_s_of(self._plan.server_pids)
        known = server_cpu_s is not None and self._server_cpu_s is not None
        total = runner.stats.total
        return Answer(
            duration_s=duration_s,
            requests=self._latencies.count,
            failures=sum(self._errors.values()),
            generator_cpu_s=time.process_time() - self._cpu_s,
            server_cpu_s=server_cpu_s - self._server_cpu_s if known else None,  # type: ignore[operator]
            errors=dict(self._errors),
            response=self._latencies.encode(),
            series=[
                second.point(float(index))
                for index, second in enumerate(self._seconds)
                if index + 1 <= duration_s
            ],
            said={
                "rps": total.num_requests / duration_s,
                "mean": total.avg_response_time,
                "p50": total.get_response_time_percentile(0.5) or None,
                "p99": total.get_response_time_percentile(0.99) or None,
            },
        )


def matches(content: bytes | None, sha256: str | None) -> bool:
    """Whether a body is the one that was verified; any body is where none was pinned."""
    return sha256 is None or hashlib.sha256(content or b"").hexdigest() == sha256


def _write(path: Path, content: bytes) -> None:
    partial = path.with_suffix(".part")
    partial.write_bytes(content)
    os.replace(partial, path)
