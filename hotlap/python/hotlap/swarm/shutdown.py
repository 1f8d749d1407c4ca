"""How a swarm ends, so that nothing is missing from its files: at Ctrl-C, and with workers who finish requests.

By itself Locust writes its HTML report at Ctrl-C before it stops the users, ends a worker there without a last
report, gives workers half a second for theirs when the master quits, and leaves in its CSV what was written there
up to an interval ago. None of that is documented: a test holds what is relied on.
"""

from __future__ import annotations

import signal
import time
from typing import Any

import gevent
from locust import events, stats
from locust.env import Environment
from locust.rpc import Message
from locust.runners import STATE_MISSING, STATE_STOPPED, STATE_STOPPING, MasterRunner, WorkerRunner

_CSV_SLACK_S = 0.1
_REPORT_SLACK_S = 10.0
_POLL_S = 0.02

_watcher: Any = None


def _finish(environment: Environment) -> None:
    """The first Ctrl-C ends a test as its run time would; a second one is Locust's own, and ends it at once."""
    _leave_to_locust()
    runner = environment.runner
    assert runner is not None
    if isinstance(runner, WorkerRunner):
        # Users of another worker that is gone already, which its master may give it, would not be reported any more.
        runner.start_worker = lambda *_, **__: None  # type: ignore[method-assign]
        runner.stop()
        runner._send_stats()  # What it does when its master tells it to quit.
        runner.greenlet.kill(block=True)
        return
    runner.quit()
    if environment.web_ui is not None:
        environment.web_ui.stop()


def _leave_to_locust() -> None:
    global _watcher
    if _watcher is not None:
        _watcher.cancel()
        _watcher = None
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _await_workers(runner: MasterRunner) -> None:
    """Tell the workers to quit, which they answer with a last report, and wait until they have."""
    for name in list(runner.clients):
        runner.server.send_to_client(Message("quit", None, name))
    deadline = time.monotonic() + float(runner.environment.stop_timeout or 0.0) + _REPORT_SLACK_S
    while any(worker.state != STATE_MISSING for worker in runner.clients.all) and time.monotonic() < deadline:
        gevent.sleep(_POLL_S)


def _on_test_start(environment: Environment, **_: Any) -> None:
    global _watcher
    if _watcher is None:
        _watcher = gevent.signal_handler(signal.SIGINT, _finish, environment)


def _on_test_stop(environment: Environment, **_: Any) -> None:
    _leave_to_locust()
    runner = environment.runner
    # Stopped in the web UI, a master has waited for its users to be gone, and keeps its workers.
    if isinstance(runner, MasterRunner) and runner.user_count:
        _await_workers(runner)


def _on_quitting(environment: Environment, **_: Any) -> None:
    """Let Locust write its CSV once more, where the test has ended: it does so at intervals only."""
    options, runner = environment.parsed_options, environment.runner
    if options is None or not options.csv_prefix or runner is None or isinstance(runner, WorkerRunner):
        return
    if runner.state in (STATE_STOPPING, STATE_STOPPED):
        gevent.sleep(stats.CSV_STATS_INTERVAL_SEC + _CSV_SLACK_S)


def install() -> None:
    """Listen to Locust; once in a process, before its runner is made."""
    events.test_start.add_listener(_on_test_start)
    events.test_stop.add_listener(_on_test_stop)
    events.quitting.add_listener(_on_quitting)
