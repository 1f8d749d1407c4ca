"""The locustfile of a stretch: one user class, made from the plan that the environment names."""

from __future__ import annotations

from typing import Any

import gevent
from locust.env import Environment

from hotlap.swarm.plan import SwarmPlan
from hotlap.swarm.window import Window, matches
from locust import FastHttpUser, between, events, task

PLAN = SwarmPlan.given()


class LaneUser(FastHttpUser):
    """Asks for the lane and waits."""

    wait_time = between(*PLAN.load.wait_s)
    connection_timeout = PLAN.load.timeout_s
    network_timeout = PLAN.load.timeout_s

    @task
    def ask(self) -> None:
        """One request, held against what the lane must answer."""
        lane = PLAN.lane
        with self.client.request(
            lane.method,
            lane.path,
            name=lane.name,
            data=lane.body,
            headers=dict(lane.headers),
            catch_response=True,
        ) as answer:
            if answer.status_code == 0:
                return  # No answer came: the client has marked it as failed, with the reason.
            if answer.status_code != lane.expect.status:
                answer.failure(f"status {answer.status_code}, not {lane.expect.status}")
            elif not matches(answer.content, PLAN.body_sha256):
                answer.failure("another body than when the lane was verified")
            else:
                answer.success()


@events.init.add_listener
def measure(environment: Environment, **_: Any) -> None:
    """Start the window beside the users."""
    window = Window(PLAN, environment)
    environment.events.request.add_listener(window.on_request)
    gevent.spawn(window.publish)
    gevent.spawn(window.run, environment.runner)
