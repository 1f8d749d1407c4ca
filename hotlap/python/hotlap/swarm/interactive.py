"""The locustfile of ``hotlap swarm``: one lane, with Locust's own web UI, shapes and workers around it."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

import msgspec
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import WorkerRunner

from hotlap._engine import Counters
from hotlap.experiment import Engine, Lane, Load
from hotlap.load.aggregate import percentiles
from hotlap.swarm.bridge import FEED
from hotlap.swarm.lanes import user_of

PLAN_VARIABLE = "HOTLAP_SWARM_BY_HAND"

logger = logging.getLogger(__name__)


class ByHand(msgspec.Struct, frozen=True, kw_only=True):
    """What ``hotlap swarm`` was asked for."""

    lane: Lane
    load: Load
    engine: Engine
    ca_file: str | None = None
    """The authorities that a ``https`` server is trusted by, instead of the usual ones."""
    json: str | None = None
    """Where the result is to be written."""


def figures(account: Counters) -> dict[str, Any]:
    """An account as plain data."""
    return {
        **account.counts(),
        "latency_ms": msgspec.to_builtins(percentiles(account.response)),
        "service_ms": msgspec.to_builtins(percentiles(account.service)),
        "connect_ms": msgspec.to_builtins(percentiles(account.connect)),
        "lag_ms": msgspec.to_builtins(percentiles(account.lag)),
        "errors": account.errors,
    }


def result(plan: ByHand, environment: Environment, duration_s: float) -> dict[str, Any]:
    """What a swarm by hand gave, as plain data: Locust's totals, and the exact accounts of native users."""
    total = environment.stats.total
    return {
        "lane": plan.lane.name,
        "engine": plan.engine,
        "url": environment.host,
        "duration_s": duration_s,
        "locust": {
            "requests": total.num_requests,
            "failures": total.num_failures,
            "rps": total.total_rps,
            "mean_ms": total.avg_response_time,
        },
        "total": figures(FEED.accounts.total()) if plan.engine == "native" else None,
        "requests": [
            {"method": account.method, "name": account.name, **figures(account)} for account in FEED.accounts
        ],
        "workers": {
            name: {**accounts.total().counts(), "lost": name in FEED.lost}
            for name, accounts in sorted(FEED.workers.items())
        },
        "lost_workers": sorted(FEED.lost),
    }


def _tell_workers(parser: LocustArgumentParser) -> None:
    """Let the plan be an option of Locust's: what a master's options are, it tells its workers as they start."""
    parser.add_argument("--hotlap-plan", default=os.environ[PLAN_VARIABLE], include_in_web_ui=False)


def _adopt(environment: Environment, **_: Any) -> None:
    """Of a worker, before its first user starts: the lane and the load are its master's, whatever it was told."""
    if not isinstance(environment.runner, WorkerRunner):
        return
    assert environment.parsed_options is not None
    told = msgspec.json.decode(environment.parsed_options.hotlap_plan, type=ByHand)
    # Whom to trust is a file of this machine's.
    environment.user_classes[:] = [user_of(told.lane, told.load, told.engine, ca_file=_PLAN.ca_file)]


def _install(plan: ByHand) -> None:
    began_s = time.monotonic()

    def on_test_start(**_: Any) -> None:
        nonlocal began_s
        began_s = time.monotonic()

    def on_quit(exit_code: int, **_: Any) -> None:
        environment = FEED.environment
        if environment is None or isinstance(environment.runner, WorkerRunner):
            return
        found = result(plan, environment, time.monotonic() - began_s)
        total = found["total"]
        if total is not None and (total["aborted"] or total["not_offered"]):
            logger.info(
                "%s requests started: %s answered, %s failed, %s aborted; %s not offered",
                *(total[name] for name in ("started", "answered", "failed", "aborted", "not_offered")),
            )
        if plan.json is not None:
            Path(plan.json).write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")

    events.init_command_line_parser.add_listener(_tell_workers)
    events.test_start.add_listener(_adopt)
    events.test_start.add_listener(on_test_start)
    events.quit.add_listener(on_quit)


_PLAN = msgspec.json.decode(os.environ[PLAN_VARIABLE], type=ByHand)
LaneUser = user_of(_PLAN.lane, _PLAN.load, _PLAN.engine, ca_file=_PLAN.ca_file)
_install(_PLAN)
