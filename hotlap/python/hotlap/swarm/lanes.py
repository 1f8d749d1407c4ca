"""Locust users for a lane, of either kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from locust import FastHttpUser, User, between

from hotlap._engine import ANOTHER_BODY
from hotlap.experiment import Engine, ExperimentError, Lane, Load
from hotlap.load.request import Request, requests_of
from hotlap.serving.tls import context
from hotlap.swarm.users import ArrivalUser, NativeUser, PacedUser


def user_of(
    lane: Lane,
    load: Load,
    engine: Engine,
    body: bytes | None = None,
    *,
    seed: int = 0,
    ca_file: str | None = None,
) -> type[User]:
    """A Locust user class that asks for a lane as its load says.

    Raises:
        ExperimentError: stock Locust users cannot arrive so.
    """
    name = re.sub(r"[^A-Za-z0-9]+", "_", lane.name).title().replace("_", "") or "Lane"
    return type(name, *_made(lane, load, engine, body, seed, ca_file))


def _made(
    lane: Lane, load: Load, engine: Engine, body: bytes | None, seed: int, ca_file: str | None
) -> tuple[tuple[type[User], ...], dict[str, Any]]:
    if engine == "http":
        if load.model != "closed":
            raise ExperimentError(f"{lane.name}: {load.model} arrivals need the native engine, not http")
        return (FastHttpUser,), _stock(lane, load, body, ca_file)
    shared = {
        "requests": requests_of(lane, body),
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


def _stock(lane: Lane, load: Load, body: bytes | None, ca_file: str | None) -> dict[str, Any]:
    trust: dict[str, Any] = {}
    if ca_file is not None:
        # By itself Locust trusts anybody.
        trust = {"insecure": False, "ssl_context_factory": staticmethod(lambda: context(ca_file))}
    return {
        **trust,
        "wait_time": between(*load.wait_s),
        "connection_timeout": load.timeout_s,
        "network_timeout": load.timeout_s,
        # Locust chooses among the tasks of a user by their weights.
        "tasks": {_asking(request): request.weight for request in requests_of(lane, body)},
    }


def _asking(request: Request) -> Callable[[FastHttpUser], None]:
    other_body: str | None = None

    def ask(user: FastHttpUser) -> None:
        nonlocal other_body
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
            objection = request.objection(answer.status_code, answer.content or b"")
            if objection is None:
                answer.success()
                return
            if objection.startswith(ANOTHER_BODY):
                # As in the engine, what was wrong with the first is said of all.
                objection = other_body = other_body or objection
            answer.failure(objection)

    return ask
