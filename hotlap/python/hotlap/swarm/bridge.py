"""Between the engines of a process and its Locust: engines on demand, and figures into Locust's statistics.

Locust forks after it has imported the locustfile, so that engines are made by the first user that needs one,
in the process that it lives in. What Locust shows is fed the way in which its master takes a worker's report:
a report is made and merged (``StatsEntry.unserialize``, ``extend``). None of that is documented by Locust:
its version is pinned, and a test holds what is relied on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import gevent
from locust import events, stats
from locust.env import Environment
from locust.runners import MasterRunner, Runner, WorkerRunner
from locust.stats import RequestStats, StatsEntry, StatsError

from hotlap._engine import FLOW, Counters, Histogram, Swarm
from hotlap.swarm import shutdown as ending
from hotlap.swarm.counters import Accounts, Report, pack, unpack

REPORT_KEY = "hotlap"
"""Where a worker's report to the master holds the figures of native users."""
_FLUSH_S = 0.5
_DRAIN_POLL_S = 0.005
_DRAIN_SLACK_S = 5.0

logger = logging.getLogger(__name__)

Listener = Callable[[Sequence[Counters], Histogram], None]


class Feed:
    """The engines of this process and what they have counted; one for each Locust process."""

    def __init__(self) -> None:
        self._engines: dict[tuple[Any, ...], Swarm] = {}
        self._behaviours: dict[tuple[int, Any], int] = {}
        self._unsent: list[tuple[Sequence[Counters], Histogram]] = []
        self._listeners: list[Listener] = []
        self.accounts = Accounts()
        """Of this process; on a master, of all its workers."""
        self.workers: dict[str, Accounts] = {}
        """On a master: of each worker that has reported."""
        self.lost: list[str] = []
        """On a master: workers that are gone without a farewell."""
        self._written_off: dict[str, dict[tuple[str, str], int]] = {}
        """What each of them had in flight, by method and name."""
        self.environment: Environment | None = None

    def engine(self, url: str, **settings: Any) -> Swarm:
        """The engine for an address with these settings."""
        key = (url, *sorted(settings.items()))
        if key not in self._engines:
            self._engines[key] = Swarm(url, **settings)
        return self._engines[key]

    def behaviour(self, engine: Swarm, kind: type, make: Callable[[], int]) -> int:
        """What users of a class do in an engine; declared once."""
        key = (id(engine), kind)
        if key not in self._behaviours:
            self._behaviours[key] = make()
        return self._behaviours[key]

    def stop(self) -> None:
        """End all users of this process; what they have under way is aborted."""
        for engine in self._engines.values():
            engine.stop()

    @property
    def drawn(self) -> int:
        """How many requests took values."""
        return sum(engine.drawn for engine in self._engines.values())

    def listen(self, listener: Listener) -> None:
        """Tell of all figures that are taken from now on."""
        self._listeners.append(listener)

    def drain(self) -> None:
        """Take what the engines have counted since the last time, and pass it on."""
        for engine in self._engines.values():
            figures, late = engine.take(), engine.take_late()
            self.accounts.add(figures, late)
            self._unsent.append((figures, late))
            for listener in self._listeners:
                listener(figures, late)

    def flush(self, into: RequestStats) -> None:
        """Bring Locust's statistics up to date."""
        self.drain()
        unsent, self._unsent = self._unsent, []
        for figures, _ in unsent:
            merge(into, figures)

    def discard(self) -> None:
        """Forget what was counted, but for what is in flight: it is counted when it ends."""
        self.drain()
        self._unsent.clear()
        self.accounts.reset()
        for accounts in self.workers.values():
            accounts.reset()

    def settle(self, grace_s: float) -> None:
        """Wait until no request is in flight: each has ended or was aborted after the grace."""
        deadline = time.monotonic() + grace_s + _DRAIN_SLACK_S
        self.drain()
        while self.accounts.in_flight and time.monotonic() < deadline:
            gevent.sleep(_DRAIN_POLL_S)
            self.drain()

    def pack(self, into: RequestStats) -> Report:
        """Bring a worker's statistics up to date, and give what the master merges beside them."""
        self.drain()
        unsent, self._unsent = self._unsent, []
        both = Accounts()
        for figures, late in unsent:
            merge(into, figures)
            both.add(figures, late)
        return pack(both, both.late)

    def receive(self, worker: str, report: Report) -> None:
        """Merge what a worker has sent."""
        figures, late = unpack(report)
        self.accounts.add(figures, late)
        self.workers.setdefault(worker, Accounts()).add(figures, late)
        for listener in self._listeners:
            listener(figures, late)

    def lose(self, worker: str, into: RequestStats) -> None:
        """A worker is gone: what it had in flight is counted as aborted, and the loss is kept with its name."""
        self.lost.append(worker)
        known = self.workers.get(worker, Accounts())
        self._written_off[worker] = {
            (each.method, each.name): each.in_flight for each in known if each.in_flight
        }
        self._write_off(worker, into, 1)

    def find(self, worker: str, into: RequestStats) -> None:
        """A worker that was given up reports again: what it had in flight may still end."""
        self._write_off(worker, into, -1)
        self.lost.remove(worker)

    def _write_off(self, worker: str, into: RequestStats, sign: int) -> None:
        for (method, name), count in self._written_off[worker].items():
            for accounts in (self.workers[worker], self.accounts):
                accounts.account(method, name).write_off(sign * count)
            _aborted(into, method, name, sign * count)


FEED = Feed()


def merge(into: RequestStats, figures: Sequence[Counters]) -> None:
    """Merge what was counted into Locust's statistics, as its master does with a worker's report.

    A request that was aborted is no answer: it has a row of its own, is no failure and is not in the total.
    """
    for each in figures:
        began_s = into.total.start_time
        if each.requests:
            report = _report(each, began_s)
            # A flow is made of requests that are in the total already.
            totals = [into.total] if each.method != FLOW else []
            for entry in (into.entries[(each.name, each.method)], *totals):
                entry.extend(StatsEntry.unserialize(report, into))  # type: ignore[arg-type]
                entry.start_time = began_s
        if each.aborted:
            _aborted(into, each.method, each.name, each.aborted)
        now_s = time.time()
        for text, count in each.errors.items():
            key = StatsError.create_key(each.method, each.name, text)
            known = into.errors.setdefault(key, StatsError(each.method, each.name, text, first_seen=now_s))
            known.occurrences += count
            known.last_seen = now_s


def _aborted(into: RequestStats, method: str, name: str, count: int) -> None:
    row = into.entries[(f"{name} (aborted)", method)]
    row.num_requests += count
    row.num_none_requests += count
    row.start_time = into.total.start_time


def _report(figures: Counters, began_s: float) -> dict[str, Any]:
    # Locust has no other place for the latencies of what failed.
    response = figures.response
    response.merge(figures.failure)
    recorded = response.recorded()
    timed = response.count
    requests = figures.requests
    response_times: dict[int, int] = {}
    for latency_us, count in recorded:
        bucket = stats.bucket_response_time(latency_us / 1000)
        response_times[bucket] = response_times.get(bucket, 0) + count
    return {
        "name": figures.name,
        "method": figures.method,
        "last_request_timestamp": time.time(),
        "start_time": began_s,
        "num_requests": requests,
        "num_none_requests": requests - timed,
        "num_failures": figures.failed,
        "total_response_time": (response.mean_ms or 0.0) * timed,
        "max_response_time": response.max_ms or 0.0,
        "min_response_time": recorded[0][0] / 1000 if recorded else None,
        "total_content_length": figures.body_bytes,
        "response_times": response_times,
        "num_reqs_per_sec": {at: ended for at, (ended, _) in figures.seconds.items()},
        "num_fail_per_sec": {at: failed for at, (_, failed) in figures.seconds.items() if failed},
    }


def _stats(environment: Environment) -> RequestStats:
    return environment.stats


def _feeds_locally() -> bool:
    runner = FEED.environment.runner if FEED.environment else None
    return runner is not None and not isinstance(runner, MasterRunner)


def _on_init(environment: Environment, runner: Runner | None = None, **_: Any) -> None:
    FEED.environment = environment
    # The loop's clock stands still during imports, and a run time would be shorter by as much.
    gevent.get_hub().loop.update_now()
    if isinstance(runner, MasterRunner):
        gevent.spawn(_watch_workers, runner)
    elif runner is not None and not isinstance(runner, WorkerRunner):
        gevent.spawn(_keep_up, environment)


def _keep_up(environment: Environment) -> None:
    while True:
        gevent.sleep(_FLUSH_S)
        FEED.flush(_stats(environment))


def _watch_workers(runner: MasterRunner) -> None:
    missing: set[str] = set()
    while True:
        now = {worker.id for worker in runner.clients.missing}
        for worker in now - missing:
            logger.warning("worker %s is gone: its share of the load is missing from now on", worker)
            FEED.lose(worker, runner.stats)
        missing = now
        gevent.sleep(_FLUSH_S)


def _on_test_start(environment: Environment, **_: Any) -> None:
    FEED.discard()


def _on_reset_stats(**_: Any) -> None:
    FEED.discard()


def _on_spawning_complete(**_: Any) -> None:
    # Before the runner's own listener, which resets the statistics if it was asked to.
    environment = FEED.environment
    if environment is not None and _feeds_locally():
        if environment.reset_stats:
            FEED.discard()
        elif not isinstance(environment.runner, WorkerRunner):
            FEED.flush(_stats(environment))
    elif environment is not None and environment.reset_stats:
        FEED.discard()


def _on_test_stop(environment: Environment, **_: Any) -> None:
    if _feeds_locally():
        FEED.settle(environment.stop_timeout or 0.0)
        if not isinstance(environment.runner, WorkerRunner):
            FEED.flush(_stats(environment))


def _on_quitting(environment: Environment, **_: Any) -> None:
    # The exit code is computed next, from the errors in the statistics.
    if _feeds_locally() and not isinstance(environment.runner, WorkerRunner):
        FEED.flush(_stats(environment))


def _on_report_to_master(client_id: str, data: dict[str, Any]) -> None:
    # Before the runner's own listener, which takes the statistics.
    if FEED.environment is not None:
        data[REPORT_KEY] = FEED.pack(_stats(FEED.environment))


def _on_worker_report(client_id: str, data: dict[str, Any]) -> None:
    if REPORT_KEY in data:
        if client_id in FEED.lost and FEED.environment is not None:
            FEED.find(client_id, _stats(FEED.environment))
        FEED.receive(client_id, data[REPORT_KEY])


events.init.add_listener(_on_init)
events.test_start.add_listener(_on_test_start)
events.reset_stats.add_listener(_on_reset_stats)
events.spawning_complete.add_listener(_on_spawning_complete)
events.test_stop.add_listener(_on_test_stop)
events.quitting.add_listener(_on_quitting)
events.report_to_master.add_listener(_on_report_to_master)
events.worker_report.add_listener(_on_worker_report)
ending.install()
