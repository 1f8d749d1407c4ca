"""What the lab relies on in Locust and Locust does not document. A new version of Locust has to pass this."""

from __future__ import annotations

import inspect
from importlib.metadata import requires, version

import locust
from locust import FastHttpUser, User, events, main, runners, stats
from locust.env import Environment
from locust.event import Events
from locust.runners import LocalRunner, MasterRunner, Runner, WorkerRunner
from locust.stats import RequestStats, StatsEntry, StatsError

from hotlap._engine import Behaviour, NullServer, Swarm
from hotlap.swarm import bridge as feed
from hotlap.users import ArrivalUser, NativeUser, PacedUser, Request


def test_the_version_is_the_pinned_one() -> None:
    assert f"locust=={version('locust')}" in (requires("hotlap") or [])


def test_a_worker_report_is_merged_into_the_statistics() -> None:
    one, two = RequestStats(), RequestStats()
    one.log_request("GET", "/", 12, 3)
    one.log_request("GET", "/", 150, 3)
    one.log_error("GET", "/", "status 500")
    (sent,) = one.serialize_stats()
    assert set(sent) == set(stats.StatsEntryDict.__annotations__)
    two.entries[("/", "GET")].extend(StatsEntry.unserialize(sent, two))
    merged = two.get("/", "GET")
    assert (merged.num_requests, merged.num_failures, merged.total_content_length) == (2, 1, 6)
    assert merged.response_times == {12: 1, 150: 1}
    assert one.get("/", "GET").num_requests == 0, "a report takes what it reports"


def test_what_the_engine_counts_is_what_locust_shows() -> None:
    null = NullServer(10)
    engine = Swarm(null.url)
    behaviour = engine.declare(Behaviour([Request("GET", "/a", name="a"), Request("GET", "/b")]))
    for _ in range(3):
        engine.add(behaviour)
    while null.received < 500:
        pass
    engine.stop()
    figures, shown = engine.take(), RequestStats()
    shown.total.start_time = began_s = 1000.0
    feed.merge(shown, figures)
    null.close()
    for each in figures:
        entry = shown.get(each.name, each.method)
        assert entry.num_requests == each.answered + each.failed == sum(entry.response_times.values())
        assert sum(entry.num_reqs_per_sec.values()) == entry.num_requests
        assert entry.total_content_length == 10 * each.answered
        assert entry.start_time == began_s
        assert entry.min_response_time is not None
        assert entry.min_response_time <= entry.avg_response_time <= entry.max_response_time
    assert shown.total.num_requests == sum(each.answered + each.failed for each in figures)
    assert shown.total.start_time == began_s


def test_errors_are_kept_by_their_key() -> None:
    shown = RequestStats()
    key = StatsError.create_key("GET", "/", "status 500")
    shown.log_error("GET", "/", "status 500")
    assert shown.errors[key].occurrences == 1


def test_the_events_are_fired_with_what_is_listened_to() -> None:
    for name in (
        "init",
        "test_start",
        "reset_stats",
        "spawning_complete",
        "test_stop",
        "quitting",
        "quit",
        "report_to_master",
        "worker_report",
    ):
        assert name in Events.__annotations__, name
    assert isinstance(events, Events), "one list of listeners for all locustfiles"
    assert "report_to_master.fire(client_id=" in inspect.getsource(WorkerRunner._send_stats)
    assert "worker_report.fire(client_id=" in inspect.getsource(MasterRunner)
    assert "test_stop.fire(environment=" in inspect.getsource(Runner.stop)
    assert "test_start.fire(environment=" in inspect.getsource(LocalRunner._start)


def test_listeners_of_a_locustfile_come_before_the_runners_own() -> None:
    environment = Environment(user_classes=[], events=Events())
    order: list[str] = []
    environment.events.spawning_complete.add_listener(lambda **_: order.append("file"))
    runner = environment.create_local_runner()
    environment.events.spawning_complete.add_listener(lambda **_: order.append(runner.state))
    environment.events.spawning_complete.fire(user_count=0)
    runner.greenlet.kill(block=True)
    assert order == ["file", runners.STATE_RUNNING]


def test_the_exit_code_is_computed_after_quitting_and_before_the_runner_quits() -> None:
    source = inspect.getsource(main.main)
    quitting = source.index("events.quitting.fire(")
    code = source.index("code = options.exit_code_on_error")
    quits = source.index("runner.quit()", code)
    assert quitting < code < quits < source.index("events.quit.fire(exit_code=")
    assert source.index("events.init.fire(") < source.index("def start_automatic_run")


def test_users_are_parked_and_stopped_as_the_lab_expects() -> None:
    assert getattr(User.run, "__final__", False)
    for kind in (NativeUser, PacedUser, ArrivalUser):
        assert kind.abstract
        assert issubclass(kind, User)
        assert not issubclass(kind, FastHttpUser)

    class Made(NativeUser):
        requests = (Request("GET", "/"),)

    assert not Made.abstract
    assert "force or self._state in (None, LOCUST_STATE_WAITING)" in inspect.getsource(User.stop)
    assert "self.on_stop()" in inspect.getsource(User.run)


def test_buckets_are_made_by_a_function_of_the_module() -> None:
    assert stats.bucket_response_time(147.2) == 150
    assert stats.bucket_response_time(0.4) == 0
    assert locust.stats is stats
