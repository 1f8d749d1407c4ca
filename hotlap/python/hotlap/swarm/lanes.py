"""Locust users for a lane, of either kind."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from locust import FastHttpUser, User, between

from hotlap.experiment import Engine, ExperimentError, Lane, Load
from hotlap.load.request import Request, requests_of
from hotlap.serving.tls import context
from hotlap.swarm.users import ArrivalUser, NativeUser, PacedUser
from hotlap.swarm.window import matches


def user_of(
    lane: Lane,
    load: Load,
    engine: Engine,
    body_sha256: str | None = None,
    *,
    seed: int = 0,
    ca_file: str | None = None,
) -> type[User]:
    """A Locust user class that asks for a lane as its load says.

    Raises:
        ExperimentError: stock Locust users cannot arrive so.
    """
    name = re.sub(r"[^A-Za-z0-9]+", "_", lane.name).title().replace("_", "") or "Lane"
    return type(name, *_made(lane, load, engine, body_sha256, seed, ca_file))


def _made(
    lane: Lane, load: Load, engine: Engine, body_sha256: str | None, seed: int, ca_file: str | None
) -> tuple[tuple[type[User], ...], dict[str, object]]:
    if engine == "http":
        if load.model != "closed":
            raise ExperimentError(f"{lane.name}: {load.model} arrivals need the native engine, not http")
        return (FastHttpUser,), _stock(lane, load, body_sha256, ca_file)
    shared = {
        "requests": requests_of(lane, body_sha256),
        "timeout_s": load.timeout_s,
        "seed": seed,
        "ca_file": ca_file,
    }
    match load.model:
        case "closed":
            return (NativeUser,), {**shared, "wait": load.wait_s}
        case "paced":
            return (PacedUser,), {**shared, "period_s": sum(load.wait_s) / 2}
        case "open":
            if load.rate is None:
                raise ExperimentError(f"{lane.name}: an open load needs a rate")
            open_load = {
                "rate": load.rate,
                "arrivals": load.arrivals,
                "max_in_flight": load.max_in_flight,
            }
            return (ArrivalUser,), {**shared, **open_load}


def _stock(lane: Lane, load: Load, body_sha256: str | None, ca_file: str | None) -> dict[str, object]:
    trust: dict[str, object] = {}
    if ca_file is not None:
        # By itself Locust trusts anybody.
        trust = {"insecure": False, "ssl_context_factory": staticmethod(lambda: context(ca_file))}
    return {
        **trust,
        "wait_time": between(*load.wait_s),
        "connection_timeout": load.timeout_s,
        "network_timeout": load.timeout_s,
        # Locust chooses among the tasks of a user by their weights.
        "tasks": {_asking(request): request.weight for request in requests_of(lane, body_sha256)},
    }


def _asking(request: Request) -> Callable[[FastHttpUser], None]:
    digest = request.expected_sha256
    if request.expected_body is not None:
        digest = hashlib.sha256(request.expected_body).hexdigest()

    def ask(user: FastHttpUser) -> None:
        with user.client.request(
            request.method,
            request.path,
            name=request.name,
            data=request.body,  # type: ignore[arg-type] # bytes are taken as they are
            headers=dict(request.headers),
            catch_response=True,
        ) as answer:
            if answer.status_code == 0:
                return  # No answer came: the client has marked it as failed, with the reason.
            if answer.status_code != request.status:
                answer.failure(f"status {answer.status_code}, not {request.status}")
            elif not matches(answer.content, digest):
                answer.failure("another body than expected")
            else:
                answer.success()

    return ask
