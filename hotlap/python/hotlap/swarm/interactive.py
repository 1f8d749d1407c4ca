"""The locustfile of ``hotlap swarm``: one lane, with Locust's own web UI, shapes and workers around it."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import msgspec
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import WorkerRunner

from hotlap.experiment import Engine, Lane
from hotlap.files import write_whole
from hotlap.load.wire import InteractivePlan
from hotlap.swarm.bridge import FEED
from hotlap.swarm.counters import figures
from hotlap.swarm.lanes import user_of

logger = logging.getLogger(__name__)


class LocustTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What Locust's own statistics say."""

    requests: int
    failures: int
    rps: float
    mean_ms: float


class SwarmResult(msgspec.Struct, frozen=True, kw_only=True):
    """What ``hotlap swarm`` gave: Locust's totals, and the exact accounts of native users."""

    lane: str
    engine: Engine
    url: str | None
    duration_s: float
    locust: LocustTotals
    total: dict[str, object] | None
    """The counters of all native users, and their latencies; likewise of each name in ``requests``."""
    requests: list[dict[str, object]]
    workers: dict[str, dict[str, int]]
    """The counts of each worker, and whether it is ``lost``."""
    lost_workers: list[str]


def result(plan: InteractivePlan, environment: Environment, duration_s: float) -> SwarmResult:
    """What the swarm gave."""
    total = environment.stats.total
    own = plan.lane.locustfile is not None
    has_native = any(each.started for each in FEED.accounts) if own else plan.engine == "native"
    return SwarmResult(
        lane=plan.lane.name,
        engine=("native" if has_native else "http") if own else plan.engine,
        url=environment.host,
        duration_s=duration_s,
        locust=LocustTotals(
            requests=total.num_requests,
            failures=total.num_failures,
            rps=total.total_rps,
            mean_ms=total.avg_response_time,
        ),
        total=_total() if has_native else None,
        requests=[{"method": each.method, "name": each.name, **figures(each)} for each in FEED.accounts],
        workers={
            name: {**accounts.total().counts(), "lost": name in FEED.lost}
            for name, accounts in sorted(FEED.workers.items())
        },
        lost_workers=sorted(FEED.lost),
    )


def _total() -> dict[str, object]:
    """The figures of all requests; arrivals that were none are those of flows, too."""
    accounts = FEED.accounts
    turned_away = {"not_offered": accounts.not_offered, "out_of_data": accounts.out_of_data}
    return {**figures(accounts.total()), **turned_away}


def _tell_workers(parser: LocustArgumentParser) -> None:
    """Let the plan be an option of Locust's: what a master's options are, it tells its workers as they start."""
    plan = msgspec.json.encode(_PLAN).decode()
    parser.add_argument("--hotlap-plan", default=plan, include_in_web_ui=False)


def _adopt(environment: Environment, **_: Any) -> None:
    """Of a worker, before its first user starts: the lane and the load are its master's, whatever it was told."""
    if not isinstance(environment.runner, WorkerRunner):
        return
    assert environment.parsed_options is not None
    told = msgspec.json.decode(environment.parsed_options.hotlap_plan, type=InteractivePlan)
    if told.lane.locustfile is not None or _PLAN.lane.locustfile is not None:
        if told.lane.name != _PLAN.lane.name:
            logger.error(
                "the master loads %s, this worker %s: start it for the same lane",
                told.lane.name,
                _PLAN.lane.name,
            )
            environment.runner.quit()
        return
    # Whom to trust is a file of this machine's, and so are the values.
    lane = _with_own_files(told.lane, _PLAN.lane)
    environment.user_classes[:] = [user_of(lane, told.load, told.engine, told.body, ca_file=_PLAN.ca_file)]


def _with_own_files(lane: Lane, own: Lane) -> Lane:
    """A master's lane with the files of this machine, where it is the same one here."""
    if lane.name != own.name or len(lane.mix) != len(own.mix):
        return lane
    mix = (
        msgspec.structs.replace(part, lane=_with_own_files(part.lane, mine.lane))
        for part, mine in zip(lane.mix, own.mix, strict=True)
    )
    return msgspec.structs.replace(lane, data=own.data, mix=tuple(mix))


def _install(plan: InteractivePlan) -> None:
    began_s = time.monotonic()

    def on_test_start(**_: Any) -> None:
        nonlocal began_s
        began_s = time.monotonic()

    def on_quit(exit_code: int, **_: Any) -> None:
        environment = FEED.environment
        if environment is None or isinstance(environment.runner, WorkerRunner):
            return
        found = result(plan, environment, time.monotonic() - began_s)
        total, turned_away = FEED.accounts.total(), FEED.accounts.not_offered
        if plan.engine == "native" and (total.aborted or turned_away):
            logger.info(
                "%s requests started: %s answered, %s failed, %s aborted; %s not offered",
                total.started,
                total.answered,
                total.failed,
                total.aborted,
                turned_away,
            )
        if plan.json is not None:
            write_whole(Path(plan.json), msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")

    events.init_command_line_parser.add_listener(_tell_workers)
    events.test_start.add_listener(_adopt)
    events.test_start.add_listener(on_test_start)
    events.quit.add_listener(on_quit)


_PLAN = InteractivePlan.given()
if _PLAN.lane.locustfile is None:
    LaneUser = user_of(_PLAN.lane, _PLAN.load, _PLAN.engine, _PLAN.body, ca_file=_PLAN.ca_file)
_install(_PLAN)
