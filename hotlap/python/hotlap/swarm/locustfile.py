"""The locustfile of a trial: one user class, made from the plan that the environment names."""

from __future__ import annotations

from typing import Any

import gevent
from locust import events
from locust.env import Environment

from hotlap.load.wire import SwarmPlan
from hotlap.swarm import share
from hotlap.swarm.lanes import user_of
from hotlap.swarm.window import Window

PLAN = SwarmPlan.given()
share.first = PLAN.first
if PLAN.lane.locustfile is None:
    LaneUser = user_of(PLAN.lane, PLAN.load, PLAN.engine, PLAN.body, seed=PLAN.seed, ca_file=PLAN.ca_file)
# Otherwise the users are those of the lane's own locustfile, which Locust reads beside this one.


def measure(environment: Environment, **_: Any) -> None:
    """Start the window beside the users."""
    window = Window(PLAN, environment)
    environment.events.request.add_listener(window.on_request)
    gevent.spawn(window.publish)
    assert environment.runner is not None
    gevent.spawn(window.run, environment.runner)


events.init.add_listener(measure)
