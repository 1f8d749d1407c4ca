"""The window of a trial, in the Locust process: warm-up first, then measured in slices, then over."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gevent
import msgspec
from locust import User
from locust.env import Environment
from locust.runners import Runner

from hotlap._engine import FLOW, Counters, Histogram
from hotlap.evidence.load import LocustStats
from hotlap.experiment import Engine
from hotlap.files import write_whole
from hotlap.load.wire import NamedSlice, Slice, StreamSlice, SwarmPlan, WindowResult
from hotlap.serving.server import cpu_s_of
from hotlap.swarm.bridge import FEED
from hotlap.swarm.counters import Accounts
from hotlap.swarm.machine import Others, Watch

_LIVE_S = 0.05
_SLICE_S = 0.25
_MOST_SLICES = 240
_PATIENCE_S = 15.0
"""How much longer than told a closed loop is watched that has not answered once."""


class _Part:
    """What happens in one slice."""

    def __init__(self) -> None:
        self.began_s = time.monotonic()
        self.response = Histogram()
        self.failure = Histogram()
        self.errors: Counter[str] = Counter()
        self.native = Accounts()


class Window:
    """Counts what both kinds of users report, in slices."""

    def __init__(self, plan: SwarmPlan, environment: Environment) -> None:
        self._plan = plan
        self._environment = environment
        self._answered = 0
        self._out_of_data = 0
        self._slices: list[Slice] = []
        self._native = Accounts()
        self._stock: dict[str, Histogram] = {}
        self._failed: Counter[str] = Counter()
        self._part = _Part()
        FEED.listen(self.on_figures)
        environment.events.user_error.add_listener(self.on_user_error)

    def on_request(self, name: str, response_time: float, exception: BaseException | None, **_: Any) -> None:
        """Locust's ``request`` event; ``response_time`` in milliseconds."""
        self._answered += 1
        latency_us = round(response_time * 1000)
        answers = self._stock.setdefault(name, Histogram())
        if exception is None:
            answers.record(latency_us)
            self._part.response.record(latency_us)
        else:
            self._failed[name] += 1
            self._part.failure.record(latency_us)
            self._part.errors[str(exception) or type(exception).__name__] += 1

    def on_user_error(self, user_instance: object, exception: BaseException, **_: Any) -> None:
        """Locust's ``user_error`` event. A user that could not start is gone; one whose task failed goes on."""
        if isinstance(user_instance, User):
            what = f"{type(exception).__name__}: {exception}"
            users = self._plan.lane.locustfile or self._plan.lane.name
            why = f"the users of {users} cannot start: {type(user_instance).__name__}.on_start: {what}"
            write_whole(Path(self._plan.failure), why.encode())

    def on_figures(self, figures: Sequence[Counters], late: Histogram) -> None:
        """What native users did since the last time."""
        self._answered += sum(each.requests for each in figures if each.method != FLOW)
        # Who ran out before the window is as gone as who did within it.
        self._out_of_data += sum(each.out_of_data for each in figures)
        self._part.native.add(figures)
        self._native.add(figures, late)

    def run(self, runner: Runner) -> None:
        """A greenlet for the whole trial: wait for all users, warm up, measure, write the answer, quit."""
        others = Others()
        while runner.user_count < self._plan.users:
            gevent.sleep(_LIVE_S)
        gevent.sleep(self._plan.warm_up_s)
        if self._plan.time_s is None:
            return
        runner.stats.reset_all()
        FEED.discard()
        self._native.reset()
        self._stock.clear()
        self._failed.clear()
        watch, began_s = Watch(), time.monotonic()
        length_s = max(_SLICE_S, self._plan.time_s / _MOST_SLICES)
        cpu = before = self._cpu_s()
        self._part = _Part()
        while (left_s := self._ends_s(began_s) - time.monotonic()) > 1e-3:
            gevent.sleep(min(length_s, left_s))
            now = self._cpu_s()
            self._cut(cpu, now)
            cpu = now
        FEED.flush(runner.stats)
        answer = self._answer(runner, time.monotonic() - began_s)
        ours_s = cpu[0] - before[0] + (cpu[1] or 0.0) - (before[1] or 0.0)
        answer.machine = watch.look(ours_s, self._plan.server_pids)
        answer.machine.others = others.look(self._plan.seen_pids)
        if answer.out_of_data is not None:
            # What is sent after the window takes values, too: none is from here on.
            FEED.stop()
            answer.drawn = FEED.drawn
        write_whole(Path(self._plan.answer), msgspec.json.encode(answer))
        runner.quit()

    def _ends_s(self, began_s: float) -> float:
        """When the window is over: as told, but of a closed loop not before its first answer."""
        assert self._plan.time_s is not None
        ends_s = began_s + self._plan.time_s
        if self._plan.load.model == "open" or any(each.requests for each in self._slices):
            return ends_s
        # A whole slice more at a time, so that the last one is no sliver.
        return min(max(ends_s, time.monotonic() + _SLICE_S), ends_s + _PATIENCE_S)

    def publish(self) -> None:
        """A greenlet that keeps the live file up to date."""
        while True:
            if self._plan.time_s is None:
                FEED.drain()
            write_whole(Path(self._plan.live), str(self._answered).encode())
            gevent.sleep(_LIVE_S)

    def _cpu_s(self) -> tuple[float, float | None]:
        return time.process_time(), cpu_s_of(self._plan.server_pids)

    def _cut(self, before: tuple[float, float | None], now: tuple[float, float | None]) -> None:
        FEED.drain()
        part, self._part = self._part, _Part()
        total = part.native.total()
        native = self._plan.engine == "native"
        part.response.merge(total.response)
        part.failure.merge(total.failure)
        errors = part.errors + Counter(total.errors)
        failures = sum(errors.values())
        known = before[1] is not None and now[1] is not None
        self._slices.append(
            Slice(
                length_s=self._part.began_s - part.began_s,
                requests=total.requests if native else part.response.count + failures,
                failures=failures,
                response=part.response.encode(),
                failure=part.failure.encode() if part.failure.count else None,
                service=total.service.encode() if native else None,
                in_flight=self._native.in_flight if native else None,
                in_flight_s=total.in_flight_s if native else None,
                not_offered=part.native.not_offered if native else None,
                parsed=total.parsed if native else None,
                reconnected=total.reconnected if native else None,
                stream=_stream(total),
                generator_cpu_s=now[0] - before[0],
                server_cpu_s=now[1] - before[1] if known else None,  # type: ignore[operator]
                errors=dict(errors),
            )
        )

    def _answer(self, runner: Runner, duration_s: float) -> WindowResult:
        native = self._plan.engine == "native"
        total, counted = runner.stats.total, self._native.total()
        return WindowResult(
            engine=self._engine(),
            slices=self._slices,
            aborted=counted.in_flight if native else None,
            out_of_data=self._out_of_data if native else None,
            connect=counted.connect.encode() if counted.connect.count else None,
            lag=counted.lag.encode() if native else None,
            late=self._native.late.encode() if native else None,
            by_name=self._by_name() if self._has_names() else {},
            flows={each.name: _named(each) for each in self._native if each.method == FLOW},
            locust=LocustStats(
                rps=total.num_requests / duration_s,
                mean=total.avg_response_time,
                p50=total.get_response_time_percentile(0.5) or None,
                p99=total.get_response_time_percentile(0.99) or None,
            ),
        )

    def _engine(self) -> Engine:
        """Who made the load; of a locustfile with both kinds of users, Locust."""
        if self._plan.lane.locustfile is None:
            return self._plan.engine
        return "native" if any(each.requests for each in self._native) and not self._stock else "http"

    def _has_names(self) -> bool:
        lane = self._plan.lane
        return lane.writes is not None or lane.locustfile is not None or bool(lane.steps or lane.mix)

    def _by_name(self) -> dict[str, NamedSlice]:
        return {each.name: _named(each) for each in self._native if each.method != FLOW} | {
            name: NamedSlice(
                requests=each.count + self._failed[name],
                failures=self._failed[name],
                response=each.encode(),
            )
            for name, each in self._stock.items()
        }


def _named(counted: Counters) -> NamedSlice:
    return NamedSlice(
        requests=counted.requests,
        failures=counted.failed,
        response=counted.response.encode(),
        service=counted.service.encode(),
        stream=_stream(counted),
    )


def _stream(counted: Counters) -> StreamSlice | None:
    if not counted.first_byte.count and not counted.events:
        return None
    return StreamSlice(
        events=counted.events,
        body_bytes=counted.body_bytes,
        first_byte=counted.first_byte.encode(),
        first_event=counted.first_event.encode(),
        gap=counted.gap.encode(),
    )
